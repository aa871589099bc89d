// SPDX-License-Identifier: MIT
// Who owns a uv handle. A handle lives on the heap and dies in its close callback; while it has an
// owner its `data` points to one of these, afterwards it is null and callbacks do nothing.
#pragma once

#include <memory>

#include <uv.h>

namespace postrider::runtime {

class HandleOwner {
 public:
  /// The loop goes down first: close the handle now and forget it.
  virtual void loop_closing() noexcept = 0;

 protected:
  ~HandleOwner() = default;
};

/// Closes a handle that is in its loop, then frees it. T starts with, or is, the handle.
template <class T>
struct CloseHandle {
  void operator()(T* owned) const noexcept {
    auto* const handle = reinterpret_cast<uv_handle_t*>(owned);
    handle->data = nullptr;
    uv_close(handle, [](uv_handle_t* closed) { delete reinterpret_cast<T*>(closed); });
  }
};
template <class T>
using HandlePtr = std::unique_ptr<T, CloseHandle<T>>;

}  // namespace postrider::runtime
