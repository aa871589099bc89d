// SPDX-License-Identifier: MIT
// Numbers and times in words, and values of an answer that may be missing: what every text for
// people is made of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "control/control_json.hpp"

namespace postrider::control {

/// The text under `key`; "" if there is none, or something else.
std::string text(const Json& json, const char* key);
/// The number under `key`; 0 if there is none, or something else.
std::uint64_t number(const Json& json, const char* key);
/// "40 s", "5 min", "3 h", "4 days"
std::string span_text(std::int64_t seconds);
/// A time of an answer, and how far away it is: nobody should have to look at a clock.
std::string moment(const std::string& time);
/// Only how far away it is: "40 s ago"
std::string away(const std::string& time);
/// "1 attempt", "2 attempts"
std::string counted(std::uint64_t count, std::string_view noun);

}  // namespace postrider::control
