// SPDX-License-Identifier: MIT
// libuv's error codes (negated errno) as the failures that callers distinguish.
#pragma once

#include "runtime/byte_stream.hpp"

namespace postrider::runtime {

IoError uv_error(int code);
/// The error in errno.
IoError system_error();

}  // namespace postrider::runtime
