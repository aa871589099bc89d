// SPDX-License-Identifier: MIT
#include "runtime/uv/uv_error.hpp"

#include <cerrno>

#include <uv.h>

namespace postrider::runtime {
namespace {

IoFailure failure_of(int code) noexcept {
  switch (code) {
    case UV_EOF:
    case UV_ECANCELED:
      return IoFailure::closed;
    case UV_ECONNRESET:
    case UV_ECONNABORTED:
    case UV_EPIPE:
      return IoFailure::reset;
    case UV_ECONNREFUSED:
      return IoFailure::refused;
    case UV_EHOSTUNREACH:
    case UV_EHOSTDOWN:
    case UV_ENETUNREACH:
    case UV_ENETDOWN:
    case UV_EAFNOSUPPORT:
    case UV_EADDRNOTAVAIL:
      return IoFailure::unreachable;
    case UV_ETIMEDOUT:
      return IoFailure::timeout;
    case UV_EMFILE:
    case UV_ENFILE:
    case UV_ENOBUFS:
    case UV_ENOMEM:
      return IoFailure::exhausted;
    case UV_EADDRINUSE:
      return IoFailure::in_use;
    case UV_EACCES:
    case UV_EPERM:
      return IoFailure::denied;
    default:
      return IoFailure::other;
  }
}

}  // namespace

IoError uv_error(int code) {
  return {.failure = failure_of(code), .text = uv_strerror(code)};
}

IoError system_error() {
  return uv_error(uv_translate_sys_error(errno));
}

}  // namespace postrider::runtime
