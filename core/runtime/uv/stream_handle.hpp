// SPDX-License-Identifier: MIT
// The uv side of one connection: handle and requests in one block of memory, freed when libuv has
// closed the handle, whatever became of the stream in the meantime.
#pragma once

#include <uv.h>

#include "runtime/uv/handle_owner.hpp"

namespace postrider::runtime {

struct StreamHandle {
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };
  union {
    uv_connect_t connect;
    uv_shutdown_t shutdown;
  };
  uv_write_t write;

  bool is_tcp() const noexcept { return handle.type == UV_TCP; }
  void set_owner(HandleOwner* owner) noexcept { handle.data = owner; }
  template <class Owner>
  static Owner* owner(const void* handle) noexcept {
    return static_cast<Owner*>(
        static_cast<HandleOwner*>(static_cast<const uv_handle_t*>(handle)->data));
  }
};
using StreamHandlePtr = HandlePtr<StreamHandle>;

/// A TCP socket of `family` (AF_UNSPEC: none yet). Null, with libuv's code in `code`, on failure.
StreamHandlePtr open_tcp(uv_loop_t* loop, unsigned family, int& code);
/// An accepted connection: TCP (`local` false) or a Unix socket. Takes the descriptor in any case.
StreamHandlePtr adopt(uv_loop_t* loop, int descriptor, bool local);

}  // namespace postrider::runtime
