// SPDX-License-Identifier: MIT
// The coroutines of one loop that may go on. Callbacks only put nodes here; the loop resumes them
// between its other work, so no coroutine ever runs inside a callback of libuv or udns.
#pragma once

#include <cstddef>

#include <postrider/loop.hpp>

namespace postrider::runtime {

/// [loop thread]
class ReadyList {
 public:
  /// Rounds of one drain before input and output get their turn.
  static constexpr std::size_t kRounds = 64;

  ReadyList() noexcept { head_.make_head(); }
  ReadyList(const ReadyList&) = delete;
  ReadyList& operator=(const ReadyList&) = delete;
  /// Nodes still here are unlinked, not resumed.
  ~ReadyList();

  /// Put `node` last; a linked node moves.
  void add(ReadyNode& node) noexcept { node.link_before(head_); }
  bool is_empty() const noexcept { return head_.next() == &head_; }

  /// Resume the first; false when there is none.
  bool resume_one();
  /// Resume all, in order; what becomes ready meanwhile runs in the next of at most `rounds`
  /// rounds. True when none is left.
  bool drain(std::size_t rounds = kRounds);

 private:
  ReadyNode head_;
};

}  // namespace postrider::runtime
