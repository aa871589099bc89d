// SPDX-License-Identifier: MIT
// What surrounds delivery, made small for tests: messages, a queue side, chains without plugins.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "plugin/chains.hpp"
#include "queue/deliveries.hpp"
#include "runtime/runtime.hpp"

namespace postrider::deliver::testing {

class FileBody final : public store::Body {
 public:
  explicit FileBody(std::string octets) : octets_(std::move(octets)) {}
  std::uint64_t size() const noexcept override { return octets_.size(); }
  std::string_view memory() const noexcept override { return {}; }
  store::Result<std::size_t> read(std::uint64_t offset, char* target,
                                  std::size_t length) const override {
    largest_read = std::max(largest_read, length);
    if (offset >= fail_from) return std::unexpected(store::Error{store::Errc::io, "bad sector"});
    return octets_.copy(target, length, static_cast<std::size_t>(offset));
  }
  store::Result<void> confirm(const store::BodySum& read) const override {
    sums.push_back(read);
    if (!is_damaged) return {};
    return std::unexpected(store::Error{store::Errc::corrupt, "other octets than were accepted"});
  }
  mutable std::size_t largest_read = 0;
  mutable std::vector<store::BodySum> sums;  ///< what readers of the whole saw
  bool is_damaged = false;
  std::uint64_t fail_from = UINT64_MAX;

 private:
  std::string octets_;
};

class FakeRecord final : public queue::MessageRecord {
 public:
  FakeRecord(std::string octets, std::vector<std::string> recipients)
      : octets_(std::move(octets)), path_(*Path::parse("sender@client.example")) {
    for (const auto& text : recipients) recipients_.push_back({*Path::parse(text, true), {}});
  }
  const std::string& queue_id() const noexcept override { return id_; }
  const Path& reverse_path() const noexcept override { return path_; }
  const MailParameters& parameters() const noexcept override { return parameters_; }
  WallTime arrived() const noexcept override { return {}; }
  WallTime give_up_at() const noexcept override { return {}; }
  std::uint64_t size() const noexcept override { return file ? file->size() : octets_.size(); }
  std::string read(std::uint64_t offset, std::size_t length) const override {
    return octets_.substr(static_cast<std::size_t>(offset), length);
  }
  std::string_view memory() const noexcept override {
    return file ? std::string_view() : std::string_view(octets_);
  }
  store::MessageId id() const noexcept override { return 1; }
  const std::vector<Recipient>& recipients() const noexcept override { return recipients_; }
  const queue::BodyFacts& facts() const noexcept override { return facts_; }
  store::Result<store::BodyPtr> body() const override {
    if (missing) return std::unexpected(*missing);
    return store::BodyPtr(file);
  }

  std::string octets_;
  Path path_;
  MailParameters parameters_;
  queue::BodyFacts facts_;
  std::vector<Recipient> recipients_;
  std::shared_ptr<FileBody> file;
  std::optional<store::Error> missing;  ///< why there is no body; octets_ must be empty then

 private:
  std::string id_ = "0000000000001";
};

class FakeDeliveries final : public queue::Deliveries {
 public:
  explicit FakeDeliveries(Loop& loop) : loop_(loop) {}
  struct Ended {
    queue::Delivery delivery;
    queue::DeliveryResult result;
  };

  void on_courier_wanted(std::function<void(const Destination&)> start) override {
    start_ = std::move(start);
  }
  std::optional<queue::Delivery> take(const Destination&, bool is_connected) override {
    if (due.empty() || (!is_connected && connections_left == 0)) return std::nullopt;
    if (!is_connected) --connections_left;
    auto delivery = std::move(due.front());
    due.pop_front();
    delivery.deadline = loop_.now() + attempt_limit;
    return delivery;
  }
  void note_connection(const Destination&) override { ++more_connections; }
  Task<bool> wait(const Destination& destination, Duration limit) override {
    return wait_for(*this, destination, limit);
  }
  void finish(queue::Delivery delivery, queue::DeliveryResult result) override {
    EXPECT_EQ(result.untried ? 0 : delivery.indices.size(), result.outcomes.size());
    ended.push_back({std::move(delivery), std::move(result)});
  }
  void courier_left(const Destination&) override { ++left; }
  void dismiss_couriers() override { dismissed = true; }

  void add(std::shared_ptr<FakeRecord> record, const Destination& destination) {
    queue::Delivery delivery{std::move(record), destination, {}, 0};
    for (std::uint32_t i = 0; i < delivery.message->recipients().size(); ++i)
      delivery.indices.push_back(i);
    due.push_back(std::move(delivery));
  }
  void want_courier(const Destination& destination) { start_(destination); }

  std::deque<queue::Delivery> due;
  std::vector<Ended> ended;
  Duration attempt_limit = 1h;
  unsigned connections_left = 1000;
  int more_connections = 0;  ///< beyond those of take()
  int left = 0;
  bool dismissed = false;

 private:
  static Task<bool> wait_for(FakeDeliveries& self, Destination, Duration limit) {
    const TimePoint until = self.loop_.now() + limit;
    while (self.due.empty() && !self.dismissed && self.loop_.now() < until)
      co_await sleep_for(self.loop_, 100ms);
    co_return !self.due.empty();
  }
  Loop& loop_;
  std::function<void(const Destination&)> start_;
};

class FakeChains final : public plugin::Chains {
 public:
  Task<Verdict> connect(Session&) override { return pass(); }
  Task<Verdict> helo(Session&) override { return pass(); }
  Task<Verdict> mail(Session&, Transaction&) override { return pass(); }
  Task<Verdict> rcpt(Session&, Transaction&, Recipient&) override { return pass(); }
  Task<Verdict> data(Session&, Transaction&) override { return pass(); }
  Task<Verdict> message(Session&, Transaction&, Message&) override { return pass(); }
  bool has_message_hooks() const noexcept override { return false; }
  std::optional<Destination> destination_for(const Path&) override { return std::nullopt; }
  Task<RouteResult> route(const Destination& destination, RouteNext lookup) override {
    ++routes;
    return lookup(destination);
  }
  Task<std::vector<Outcome>> transport(const std::string& name, const QueuedMessage&,
                                       std::span<const Recipient> recipients) override {
    transported = name;
    Outcome outcome;
    outcome.action = Action::delivered;
    outcome.status = {2, 0, 0};
    return std::vector<Outcome>(lazy_transport ? 0 : recipients.size(), outcome);
  }
  Task<std::vector<Report>> outcome(const QueuedMessage&,
                                    std::span<const RecipientOutcome>) override {
    return std::vector<Report>();
  }
  bool has_outcome_hooks() const noexcept override { return false; }
  bool reports_failures() const noexcept override { return false; }
  bool has_observers() const noexcept override { return observed; }
  void observe(const ProtocolEvent& event) noexcept override {
    events.push_back(std::to_string(static_cast<int>(event.kind)) + " " + std::string(event.text));
  }
  std::optional<std::string> command(std::span<const std::string_view>) override {
    return std::nullopt;
  }

  bool has_attempt_hooks() const noexcept override { return !verdicts.empty(); }
  Task<Verdict> peer(const Destination&, const postrider::Peer& peer) override {
    peers.push_back(peer.host + " " + (peer.lines.size() > 1 ? peer.lines[1] : ""));
    const auto found = verdicts.find(peer.host);
    return found == verdicts.end() ? pass() : found->second;
  }

  std::map<std::string, Verdict> verdicts;  ///< of the attempt hooks, by host
  std::vector<std::string> peers;           ///< whom they saw: host and first keyword
  int routes = 0;
  bool observed = false;
  bool lazy_transport = false;
  std::string transported;
  std::vector<std::string> events;
};

class SilentLog final : public Log {
 public:
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) noexcept override {}
  bool is_on(LogLevel) const noexcept override { return false; }
};

}  // namespace postrider::deliver::testing
