// SPDX-License-Identifier: MIT
// The status codes of RFC 3463 (and its registry) in plain words: why, and what the sender can do.
#pragma once

#include <string_view>

#include <postrider/reply.hpp>

namespace postrider::ndr {

struct Advice {
  std::string_view reason;  ///< one sentence
  std::string_view remedy;  ///< what the reader can do about a failure
};

/// Always says something: by subject and detail, else by subject, else in general.
Advice advice_for(EnhancedStatus status) noexcept;

}  // namespace postrider::ndr
