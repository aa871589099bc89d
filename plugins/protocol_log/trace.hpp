// SPDX-License-Identifier: MIT
// What `postrider trace` asks: the recorded conversations, one transcript, or what is new. Answers
// are JSON whose lists can be joined, for each loop answers for itself.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "recorder.hpp"

namespace postrider::protocol_log {

/// `words` after "trace": none (list), "get" ID, "about" QUEUE-ID, or "since" CURSORS FILTER...
/// where CURSORS is "LOOP:NUMBER,..." of the last answer, or "now". Filters may follow a list too.
std::string answer_trace(Recorder& recorder, unsigned loop,
                         std::span<const std::string_view> words);

}  // namespace postrider::protocol_log
