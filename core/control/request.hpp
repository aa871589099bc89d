// SPDX-License-Identifier: MIT
// One line of an operator's request, read and checked: words, which messages, what else.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "queue/queue.hpp"
#include "queue/tally.hpp"

namespace postrider::control {

struct Request {
  std::vector<std::string> words;
  queue::Selection selection;
  std::optional<std::size_t> limit;  ///< as it was asked for
  queue::TallyKey key = queue::TallyKey::destination;
  std::optional<queue::GiveUpTime> give_up;
  std::uint64_t offset = 0;
  std::string text;   ///< the operator's reason
  bool stop = false;  ///< of drain
};

/// {"words": [...], "options": {...}}; ages count back from `now`. The error is for people.
std::expected<Request, std::string> read_request(const std::string& line, WallTime now);

}  // namespace postrider::control
