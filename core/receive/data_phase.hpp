// SPDX-License-Identifier: MIT
// From 354 to the reply after the final dot: content in, trace field on top, message hooks, commit.
// 250 is sent after the commit is durable, never before (RFC 5321 sections 4.2.5 and 6.1).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <postrider/reply.hpp>
#include <postrider/task.hpp>

#include "queue/queue.hpp"
#include "runtime/memory_budget.hpp"
#include "smtp/dot_codec.hpp"

namespace postrider::receive {

class ServerSession;

/// One DATA command of one session, which outlives it.
class DataPhase {
 public:
  explicit DataPhase(ServerSession& session);
  /// Code 0: the session is over, there is nobody to answer.
  Task<Reply> run();

 private:
  Task<bool> receive();
  Task<bool> more();
  bool make_room(std::size_t more);
  bool charge(std::size_t octets);
  Task<void> take_in();
  void give_way();
  void free_octets();
  Task<void> add_trace();
  void put_trace();
  static Task<void> wait_for_name(ServerSession& session);
  std::string trace() const;
  void spill();
  void keep_header(std::string_view content);
  std::optional<Reply> fault() const;
  Task<std::optional<Reply>> judge();
  Task<Reply> commit();
  std::string_view header() const;
  bool has_utf8_header() const;
  store::Result<store::BodyPtr> finish_body();
  store::Result<store::BodyPtr> rewrite(const std::string& edited);

  ServerSession& session_;
  smtp::DataDecoder decoder_;
  store::MessageId id_;
  std::string octets_;  // trace and content, until they are spilled to a file of the store
  std::size_t trace_size_ = 0;
  bool traced_ = false;
  std::string header_;  // the header block of a body that was spilled
  bool header_ended_ = false;
  runtime::MemoryCharge memory_;  // what octets_, header_ or body_ take
  TimePoint began_;
  std::uint64_t taken_ = 0;  // octets of content, as they came
  std::unique_ptr<store::BodyWriter> writer_;
  std::optional<store::Error> trouble_;
  bool held_ = false;
  bool discarded_ = false;
  store::BodyPtr body_;
};

}  // namespace postrider::receive
