// SPDX-License-Identifier: MIT
// Queues on simulated loops in virtual time, with a store that outlives them, plugins that report
// as the test says, and couriers that answer as the test says.
#pragma once

#include <map>
#include <set>

#include <gtest/gtest.h>

#include <postrider/testing/fake_host.hpp>

#include "queue/loop_queue.hpp"
#include "queue/recovery.hpp"
#include "recording_store.hpp"
#include "runtime/sim/sim_world.hpp"

namespace postrider::queue {

/// Also counts the lines that contain a text.
class CountingLog final : public postrider::testing::FakeLog {
 public:
  std::size_t count(std::string_view part) const {
    std::size_t n = 0;
    for (const std::string& line : lines) n += line.find(part) != line.npos ? 1U : 0U;
    return n;
  }
};

class FakeChains final : public plugin::Chains {
 public:
  explicit FakeChains(Loop& loop) : loop_(loop) {}
  Task<Verdict> connect(Session&) override { return pass(); }
  Task<Verdict> helo(Session&) override { return pass(); }
  Task<Verdict> mail(Session&, Transaction&) override { return pass(); }
  Task<Verdict> rcpt(Session&, Transaction&, Recipient&) override { return pass(); }
  Task<Verdict> data(Session&, Transaction&) override { return pass(); }
  Task<Verdict> message(Session&, Transaction&, Message&) override { return pass(); }
  bool has_message_hooks() const noexcept override { return false; }
  std::optional<Destination> destination_for(const Path& recipient) override {
    const auto found = routes.find(recipient.domain_key());
    if (found == routes.end()) return std::nullopt;
    return found->second;
  }
  Task<RouteResult> route(const Destination& destination, RouteNext lookup) override {
    return lookup(destination);
  }
  Task<std::vector<Outcome>> transport(const std::string&, const QueuedMessage&,
                                       std::span<const Recipient>) override {
    return std::vector<Outcome>();
  }
  Task<std::vector<Report>> outcome(const QueuedMessage& message,
                                    std::span<const RecipientOutcome> outcomes) override {
    return make_reports(*this, message.reverse_path(),
                        std::vector<RecipientOutcome>(outcomes.begin(), outcomes.end()));
  }
  Task<plugin::Reports> report(const QueuedMessage& message,
                               std::span<const RecipientOutcome> outcomes) override {
    plugin::Reports all;
    all.reports = co_await outcome(message, outcomes);
    all.is_complete = !broken;
    co_return all;
  }
  Duration delay_notice() const noexcept override { return notice; }
  bool has_outcome_hooks() const noexcept override { return hooked; }
  bool reports_failures() const noexcept override { return reporting; }
  bool has_observers() const noexcept override { return false; }
  void observe(const ProtocolEvent&) noexcept override {}
  std::optional<std::string> command(std::span<const std::string_view>) override {
    return std::nullopt;
  }

  std::map<std::string, Destination> routes;
  bool hooked = false;
  bool reporting = false;
  bool broken = false;  ///< a hook that reports failures fails itself
  Duration notice{};
  std::vector<RecipientOutcome> seen;

 private:
  static Task<std::vector<Report>> make_reports(FakeChains& self, Path sender,
                                                std::vector<RecipientOutcome> outcomes) {
    co_await sleep_for(self.loop_, 100ms);
    std::vector<Report> reports;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      const RecipientOutcome& outcome = outcomes[i];
      self.seen.push_back(outcome);
      const bool old = outcome.outcome.action == Action::delayed && !outcome.delay_reported;
      if (old && self.notice != Duration() && !outcome.attempted)
        reports.push_back({sender, "Subject: delayed\r\n\r\nbody\r\n", false, {i}});
      const bool failed = outcome.outcome.action == Action::failed;
      if (failed && self.reporting && !sender.is_null())
        reports.push_back({sender, "Subject: failed\r\n\r\n.body\r\n", false, {}});
    }
    co_return reports;
  }
  Loop& loop_;
};

inline Outcome outcome(Action action, EnhancedStatus status = {}, std::string text = {}) {
  Outcome o;
  o.action = action;
  o.status = status;
  o.text = std::move(text);
  return o;
}
inline DeliveryResult all(const Delivery& delivery, const Outcome& one, bool host_failed = false) {
  return {std::vector(delivery.indices.size(), one), host_failed, false};
}
inline DeliveryResult delivered(const Delivery& d) {
  return all(d, outcome(Action::delivered, {2, 0, 0}, "250 ok"));
}
inline DeliveryResult no_connection(const Delivery& d) {
  return all(d, outcome(Action::delayed, {4, 4, 1}, "connection refused"), true);
}
inline DeliveryResult greylisted(const Delivery& d) {
  return all(d, outcome(Action::delayed, {4, 7, 1}, "greylisted"));
}
inline DeliveryResult unknown_user(const Delivery& d) {
  return all(d, outcome(Action::failed, {5, 1, 1}, "550 no such user"));
}

struct QueueWorld : ::testing::Test {
  using Answer = std::function<DeliveryResult(const Delivery&)>;

  explicit QueueWorld(unsigned loops = 1) : loops_(loops) {
    options.retry = {10min, 20min, 1h, 6h};
    options.retry_jitter = 0;
    options.scheduler.back_off = {1min};
    options.scheduler.jitter_percent = 0;
    options.hostname = "mx.example";
    world = std::make_unique<runtime::SimWorld>();
    for (unsigned i = 1; i < loops; ++i) world->add_loop();
    store.emplace(world->loop());
    chains = std::make_shared<FakeChains>(world->loop());
    build();
  }
  ~QueueWorld() override { queues.clear(); }

  void build() {
    peers = std::make_shared<Peers>(loops_, memory);
    for (unsigned i = 0; i < loops_; ++i) {
      queues.push_back(std::make_unique<LoopQueue>(
          QueueParts{world->loop(i), *store, log, peers, i, [this] { return chains; }, options}));
      LoopQueue& queue = *queues.back();
      queue.on_courier_wanted([this, &queue, i](const Destination& destination) {
        if (manual) return;
        while (auto delivery = queue.take(destination)) {
          tries.push_back({world->wall_now(), destination.text(), i});
          DeliveryResult result = answer(*delivery);
          queue.finish(std::move(*delivery), std::move(result));
        }
        queue.courier_left(destination);
      });
    }
  }
  /// The process ends here and now and another begins.
  void restart() {
    queues.clear();
    build();
    store->move_to(world->loop());
    ASSERT_TRUE(recover(*store, *peers, log));
    world->run_for(1ms);
  }

  static Path path(std::string_view text) { return Path::parse(text, true).value(); }
  static Destination domain(std::string name) {
    return {.transport = "smtp", .name = std::move(name), .port = 0, .use_mx = true};
  }
  Submission submission(const std::vector<std::string>& to, std::string from = "me@home.example") {
    Submission s;
    if (!from.empty()) s.reverse_path = path(from);
    for (const std::string& address : to) s.recipients.push_back({path(address), {}});
    s.body = store::make_memory_body("Subject: x\r\n\r\nbody\r\n");
    s.session = "s1";
    return s;
  }
  /// Accepts a message; its id.
  std::string submit(const std::vector<std::string>& to, std::string from = "me@home.example") {
    Submission s = submission(to, std::move(from));
    s.id = store->new_id();
    const std::string id = Queue::id_text(s.id);
    const auto result = world->finish(queues.front()->submit(std::move(s)));
    EXPECT_TRUE(result && *result);
    world->run_for(1ms);
    return id;
  }
  LoopQueue& queue(unsigned loop = 0) { return *queues[loop]; }
  Selection by_id(const std::string& id) const {
    Selection s;
    s.queue_id = id;
    return s;
  }
  /// The one recipient of the one message.
  RecipientView only() {
    std::vector<RecipientView> found;
    for (const auto& q : queues)
      for (const MessageView& message : q->list({}))
        found.insert(found.end(), message.recipients.begin(), message.recipients.end());
    EXPECT_EQ(found.size(), 1U);
    EXPECT_FALSE(found.empty() || found.front().reason.empty());
    return found.empty() ? RecipientView() : found.front();
  }

  struct Try {
    WallTime when;
    std::string destination;
    unsigned loop;
  };
  const unsigned loops_;
  QueueOptions options;
  std::uint64_t memory = 1U << 20U;
  std::unique_ptr<runtime::SimWorld> world;
  std::optional<RecordingStore> store;
  std::shared_ptr<FakeChains> chains;
  CountingLog log;
  std::shared_ptr<Peers> peers;
  std::vector<std::unique_ptr<LoopQueue>> queues;
  Answer answer = delivered;
  bool manual = false;  ///< the test takes and finishes itself
  std::vector<Try> tries;
};

}  // namespace postrider::queue
