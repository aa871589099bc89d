// SPDX-License-Identifier: MIT
// How many recipients wait where, in which state and since when: `postrider queue count`. Counted
// in slices on each loop, then added up.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "queue/owned_messages.hpp"

namespace postrider::queue {

/// Time since arrival: the columns of a tally, as in Postfix's qshape. The last has no end.
inline constexpr std::array<Duration, 9> kAges{5min,   10min,  20min,  40min,  80min,
                                               160min, 320min, 640min, 1280min};

struct Tally {
  std::uint64_t queued = 0, active = 0, delayed = 0, held = 0, failed = 0;  ///< recipients
  std::array<std::uint64_t, kAges.size() + 1> ages{};
  WallTime oldest = WallTime::max();  ///< arrival; max: there is none

  std::uint64_t recipients() const noexcept { return queued + active + delayed + held + failed; }
  void add(RecipientState state, WallTime arrived, WallTime now) noexcept;
  Tally& operator+=(const Tally& other) noexcept;
};

/// What recipients are counted by.
enum class TallyKey : std::uint8_t { destination, sender_domain, recipient_domain };

struct TallyTable {
  std::uint64_t messages = 0, octets = 0;
  Tally all;
  std::unordered_map<std::string, Tally> by;

  TallyTable& operator+=(const TallyTable& other);
};

/// Count what is selected of one message.
void count(TallyTable& table, TallyKey key, const Selection& selection, const OwnedMessage& message,
           WallTime now);

}  // namespace postrider::queue
