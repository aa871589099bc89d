// SPDX-License-Identifier: MIT
#include "runtime/uv/stream_handle.hpp"

#include <cstddef>

#include <unistd.h>

namespace postrider::runtime {

static_assert(offsetof(StreamHandle, handle) == 0, "CloseHandle frees by the handle's address");

StreamHandlePtr open_tcp(uv_loop_t* loop, unsigned family, int& code) {
  auto raw = std::make_unique<StreamHandle>();
  code = uv_tcp_init_ex(loop, &raw->tcp, family);
  if (code < 0) return nullptr;  // libuv does not know the handle then: freed without closing
  raw->set_owner(nullptr);
  return StreamHandlePtr(raw.release());
}

StreamHandlePtr adopt(uv_loop_t* loop, int descriptor, bool local) {
  auto raw = std::make_unique<StreamHandle>();
  if (local) {
    uv_pipe_init(loop, &raw->pipe, 0);
  } else {
    uv_tcp_init(loop, &raw->tcp);
  }
  raw->set_owner(nullptr);
  StreamHandlePtr owned(raw.release());
  const int code =
      local ? uv_pipe_open(&owned->pipe, descriptor) : uv_tcp_open(&owned->tcp, descriptor);
  if (code >= 0) return owned;
  ::close(descriptor);
  return nullptr;
}

}  // namespace postrider::runtime
