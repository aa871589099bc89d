// SPDX-License-Identifier: MIT
// A connection that exists only in memory: two directions with latency, pace, a window, and an
// accident after so many octets. Works on any loop; on a simulated one it is deterministic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/byte_stream.hpp"
#include "runtime/wait.hpp"

namespace postrider::runtime {

/// How a simulated connection behaves; the same for both directions.
struct LinkOptions {
  Duration latency{0};                ///< one way
  std::size_t window = 64 * 1024;     ///< octets sent but not read before a writer waits
  std::size_t octets_per_second = 0;  ///< 0: no limit
  std::size_t largest_segment = 0;    ///< deliver in pieces of random size up to this; 0: whole
  std::optional<std::size_t> reset_after{};  ///< reset once so many octets arrived at one end
  std::uint64_t seed = 1;                    ///< of the sizes of the segments
};

struct MemoryLink;

/// One direction of a link: the octets on their way, those that arrived, and who waits for them.
class MemoryPipe final : private Timer {
 public:
  MemoryPipe(MemoryLink& link, Loop& sender, Loop& receiver, const LinkOptions& options);

  /// Send as much of `octets` as the window has room for; the count.
  std::size_t send(std::string_view octets);
  /// FIN, behind all that was sent.
  void finish();
  /// The connection died: what is on its way is lost, what arrived can be read.
  void fail(const IoError& error);
  /// What arrived, at most 64 KiB, or how it ended; nothing when a reader has to wait.
  std::optional<IoResult<void>> take(std::string& target);
  /// The waiting reader's string.
  void set_target(std::string& target) noexcept { target_ = &target; }

  WaitSlot<IoResult<void>>& reader() noexcept { return reader_; }
  WaitSlot<IoResult<void>>& writer() noexcept { return writer_; }
  const std::optional<IoError>& failure() const noexcept { return failure_; }
  bool has_room() const noexcept { return outstanding_ < options_.window; }
  bool has_unread() const noexcept { return !arrived_.empty(); }

 private:
  enum class Kind : std::uint8_t { octets, fin, accident };
  struct Segment {
    TimePoint due;
    Kind kind;
    std::string octets;
  };
  void expired() noexcept override;
  std::size_t segment_size(std::size_t left);
  void enqueue(Kind kind, std::string octets);
  void arrive(Segment segment);
  bool is_direct() const noexcept;

  MemoryLink& link_;
  Loop& receiver_loop_;
  LinkOptions options_;
  std::mt19937_64 random_;
  std::deque<Segment> flight_;
  TimePoint last_sent_{};
  std::size_t outstanding_ = 0;  // in flight or unread
  std::size_t sent_ = 0;
  std::string arrived_;
  std::optional<IoError> ended_;    // for the reader, after arrived_
  std::optional<IoError> failure_;  // for the writer
  std::string* target_ = nullptr;
  WaitSlot<IoResult<void>> reader_;
  WaitSlot<IoResult<void>> writer_;
};

/// Both directions; pipes[n] is what end n sends.
struct MemoryLink {
  MemoryLink(Loop& first, Loop& second, const LinkOptions& options);
  void reset();
  /// End `end` goes away: FIN, or a reset if it leaves octets unread (RFC 2525 section 2.17).
  void close(unsigned end);

  MemoryPipe first_to_second;
  MemoryPipe second_to_first;
  MemoryPipe& from(unsigned end) noexcept { return end == 0 ? first_to_second : second_to_first; }
};

}  // namespace postrider::runtime
