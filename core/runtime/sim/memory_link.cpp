// SPDX-License-Identifier: MIT
// Segments carry the time of their arrival; one timer of the receiver's loop stands for the next.
#include "runtime/sim/memory_link.hpp"

#include <algorithm>

namespace postrider::runtime {
namespace {

constexpr std::size_t kReadAtOnce = 64 * 1024;

Duration ceil_to_duration(TimePoint::duration length) {
  return std::chrono::ceil<Duration>(length);
}

}  // namespace

MemoryPipe::MemoryPipe(MemoryLink& link, Loop& sender, Loop& receiver, const LinkOptions& options)
    : link_(link),
      receiver_loop_(receiver),
      options_(options),
      random_(options.seed),
      last_sent_(receiver.now()),
      reader_(receiver),
      writer_(sender) {}

bool MemoryPipe::is_direct() const noexcept {
  return options_.latency == Duration(0) && options_.octets_per_second == 0 && flight_.empty();
}

std::size_t MemoryPipe::segment_size(std::size_t left) {
  std::size_t most = left;
  // A slow peer gets ten pieces a second.
  if (options_.octets_per_second > 0)
    most = std::min(most, std::max<std::size_t>(1, options_.octets_per_second / 10));
  if (options_.largest_segment > 0)
    most = std::min(most, 1 + static_cast<std::size_t>(random_() % options_.largest_segment));
  return most;
}

std::size_t MemoryPipe::send(std::string_view octets) {
  const std::size_t room = options_.window - std::min(options_.window, outstanding_);
  octets = octets.substr(0, room);
  const std::size_t count = octets.size();
  // What is sent behind the accident is lost, but its sender does not know yet.
  const std::size_t before = options_.reset_after ? *options_.reset_after - sent_ : count;
  const bool accident = before > 0 && before <= count && options_.reset_after;
  octets = octets.substr(0, before);
  sent_ += octets.size();
  outstanding_ += octets.size();
  while (!octets.empty()) {
    const std::size_t size = segment_size(octets.size());
    enqueue(Kind::octets, std::string(octets.substr(0, size)));
    octets.remove_prefix(size);
  }
  if (accident) enqueue(Kind::accident, {});
  return count;
}

void MemoryPipe::enqueue(Kind kind, std::string octets) {
  TimePoint::duration pace{};
  if (options_.octets_per_second > 0)
    pace = std::chrono::nanoseconds(octets.size() * 1'000'000'000 / options_.octets_per_second);
  last_sent_ = std::max(last_sent_, receiver_loop_.now()) + pace;
  Segment segment{.due = last_sent_ + options_.latency, .kind = kind, .octets = std::move(octets)};
  if (is_direct()) return arrive(std::move(segment));
  const TimePoint due = segment.due;
  flight_.push_back(std::move(segment));
  if (!is_running())
    receiver_loop_.start_timer(*this, ceil_to_duration(due - receiver_loop_.now()));
}

void MemoryPipe::finish() {
  if (!failure_) enqueue(Kind::fin, {});
}

void MemoryPipe::expired() noexcept {
  while (!flight_.empty() && flight_.front().due <= receiver_loop_.now()) {
    Segment segment = std::move(flight_.front());
    flight_.pop_front();
    arrive(std::move(segment));
  }
  if (!flight_.empty())
    receiver_loop_.start_timer(*this, ceil_to_duration(flight_.front().due - receiver_loop_.now()));
}

void MemoryPipe::arrive(Segment segment) {
  if (segment.kind == Kind::accident) return link_.reset();
  if (segment.kind == Kind::fin) {
    if (!ended_) ended_ = IoError{.failure = IoFailure::closed, .text = "end of file"};
    if (arrived_.empty() && reader_.is_waited_for()) reader_.finish(std::unexpected(*ended_));
    return;
  }
  arrived_ += segment.octets;
  if (!reader_.is_waited_for()) return;
  if (auto result = take(*target_)) reader_.finish(std::move(*result));
}

void MemoryPipe::fail(const IoError& error) {
  if (failure_) return;
  failure_ = error;
  flight_.clear();
  if (is_running()) receiver_loop_.stop_timer(*this);
  if (!ended_) ended_ = error;
  if (reader_.is_waited_for()) reader_.finish(std::unexpected(*ended_));
  if (writer_.is_waited_for()) writer_.finish(std::unexpected(error));
}

std::optional<IoResult<void>> MemoryPipe::take(std::string& target) {
  if (!arrived_.empty()) {
    const std::size_t count = std::min(arrived_.size(), kReadAtOnce);
    target.append(arrived_, 0, count);
    arrived_.erase(0, count);
    outstanding_ -= count;
    if (writer_.is_waited_for()) writer_.finish({});
    return IoResult<void>();
  }
  if (ended_) return std::unexpected(*ended_);
  return std::nullopt;
}

MemoryLink::MemoryLink(Loop& first, Loop& second, const LinkOptions& with)
    : first_to_second(*this, first, second, with), second_to_first(*this, second, first, with) {}

void MemoryLink::reset() {
  const IoError error{.failure = IoFailure::reset, .text = "connection reset by peer"};
  first_to_second.fail(error);
  second_to_first.fail(error);
}

void MemoryLink::close(unsigned end) {
  MemoryPipe& incoming = from(1 - end);
  if (incoming.has_unread()) return reset();
  from(end).finish();
  incoming.fail({.failure = IoFailure::reset, .text = "broken pipe"});
}

}  // namespace postrider::runtime
