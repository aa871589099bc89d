// SPDX-License-Identifier: MIT
// A plugin for the host's tests: it does in every hook what its setting says.
#include <chrono>
#include <stdexcept>
#include <thread>

#include <postrider/sdk.hpp>

namespace postrider {
namespace {

class Conduct final : public Plugin,
                      public ConnectHook,
                      public RcptHook,
                      public MessageHook,
                      public RouteHook,
                      public TransportHook,
                      public OutcomeHook,
                      public ProtocolObserver,
                      public LifecycleHook {
 public:
  struct Settings {
    std::string how = "pass";
    int steps = 0;
    int seconds = 0;
    std::string only;
    static void describe(Schema<Settings>& schema) {
      schema.field("how", &Settings::how, "What to do");
      schema.field("steps", &Settings::steps, "How often to wait 10ms before").between(0, 100);
      schema.field("seconds", &Settings::seconds, "For how long \"stall\" holds the loop")
          .between(0, 1000);
      schema.field("only", &Settings::only, "The one hook that does it: connect, rcpt or message");
    }
  };
  Conduct(Host& host, Settings settings) : host_(host), settings_(std::move(settings)) {
    if (how("no-construction")) throw std::runtime_error("told not to");
    if (how("spawn")) host_.spawn(forever(*this));
  }
  ~Conduct() override { host_.log().write(LogLevel::info, "conduct ends", {}); }

  Task<Verdict> on_connect(Session&) override { return act("connect"); }
  Task<Verdict> on_rcpt(Session&, Transaction&, Recipient& recipient) override {
    if (how("rewrite")) recipient.path = Path::parse("other@example.org").value();
    return act("rcpt");
  }
  Task<Verdict> on_message(Session&, Transaction&, Message& message) override {
    message.prepend_field("X-Conduct", host_.id());
    return act("message");
  }

  std::optional<Destination> destination_for(const Path& recipient) override {
    if (how("claim")) return Destination{.transport = host_.id(), .name = recipient.domain_key()};
    if (how("throw")) throw std::runtime_error("thrown by conduct");
    if (how("garbage")) return Destination{.transport = "nobody", .name = "x"};
    return std::nullopt;
  }
  Task<RouteResult> on_route(const Destination& destination, const RouteNext& next) override {
    if (how("route")) return rename(*this, destination, next);
    if (how("garbage")) return RouteResult(Route{});
    if (how("throw") || how("hang") || how("reject")) return refuse(*this);
    return next(destination);
  }
  Task<std::vector<Outcome>> deliver(const QueuedMessage&,
                                     std::span<const Recipient> recipients) override {
    if (how("throw")) throw std::runtime_error("thrown by conduct");
    if (how("garbage")) return std::vector<Outcome>{};
    Outcome delivered;
    delivered.action = Action::delivered;
    delivered.text = "put\naway";
    return std::vector<Outcome>(recipients.size(), delivered);
  }
  Task<std::vector<Report>> on_outcome(const QueuedMessage&,
                                       std::span<const RecipientOutcome>) override {
    if (how("throw")) throw std::runtime_error("thrown by conduct");
    return std::vector<Report>{Report{}};
  }
  bool reports_failures() const noexcept override { return true; }
  Duration delay_notice() const noexcept override {
    return how("pass") ? 4h : how("garbage") ? 2h : 0h;
  }
  void on_event(const ProtocolEvent&) noexcept override { ++events_; }

  Task<std::expected<void, std::string>> on_start() override {
    if (how("no-start")) return std::expected<void, std::string>(std::unexpected("told not to"));
    return std::expected<void, std::string>{};
  }
  std::optional<std::string> on_command(std::span<const std::string_view> words) override {
    if (how("throw")) throw std::runtime_error("thrown by conduct");
    if (words.empty() || words[0] != host_.id()) return std::nullopt;
    return std::to_string(events_);
  }

 private:
  bool how(std::string_view word) const { return settings_.how == word; }

  Task<Verdict> act(std::string_view hook) {
    if (!settings_.only.empty() && settings_.only != hook) return pass();
    if (settings_.steps > 0 || how("hang") || how("block") || how("late-throw"))
      return act_later(*this);
    return answer();
  }
  Verdict answer() const {
    if (how("stall")) std::this_thread::sleep_for(std::chrono::seconds(settings_.seconds));
    if (how("throw")) throw std::runtime_error("thrown by conduct");
    if (how("throw-int")) throw 7;
    if (how("reject")) return reject("550 5.7.1 Not here").because("conduct");
    if (how("defer")) return defer("451 4.7.1 Not now");
    if (how("accept")) return accept();
    if (how("hold")) return hold();
    if (how("garbage")) return Verdict(Verdict::Action::reject, Reply(200, {}, "Fine"));
    if (how("garbage-action")) return Verdict(static_cast<Verdict::Action>(77));
    return pass();
  }
  static Task<Verdict> act_later(Conduct& self) {
    for (int i = 0; i < self.settings_.steps; ++i) co_await sleep_for(self.host_.loop(), 10ms);
    if (self.how("hang")) co_await sleep_for(self.host_.loop(), std::chrono::hours(1000));
    if (self.how("block")) co_await self.host_.run_blocking([] {});
    if (self.how("late-throw")) throw std::runtime_error("thrown late by conduct");
    co_return self.answer();
  }
  static Task<RouteResult> rename(Conduct& self, Destination destination, const RouteNext& next) {
    destination.name = self.host_.id() + "." + destination.name;
    RouteResult result = co_await next(destination);
    if (result) result->origin += "+" + self.host_.id();
    co_return result;
  }
  static Task<RouteResult> refuse(Conduct& self) {
    if (self.how("throw")) throw std::runtime_error("thrown by conduct");
    if (self.how("hang")) co_await sleep_for(self.host_.loop(), std::chrono::hours(1000));
    co_return std::unexpected(Reply("550 5.4.6 Refused by conduct"));
  }
  static Task<void> forever(Conduct& self) {
    for (;;) {
      co_await sleep_for(self.host_.loop(), 1s);
      ++self.events_;
    }
  }

  Host& host_;
  Settings settings_;
  int events_ = 0;
};

}  // namespace
}  // namespace postrider

POSTRIDER_PLUGIN(postrider::Conduct, "conduct", "Does in every hook what it is told");
