// SPDX-License-Identifier: MIT
// What the tests of receiving share: a queue without couriers over some store, and one plugin,
// Witness, in every hook of a session.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <postrider/facts.hpp>
#include <postrider/sdk.hpp>

#include "log/log.hpp"
#include "plugin/blocking_pool.hpp"
#include "plugin/plugin_set.hpp"
#include "queue/loop_queue.hpp"
#include "receive/session.hpp"
#include "support/sim_zone.hpp"

namespace postrider::receive {

/// Waits a moment in every hook, computes a fact, keeps a slot, and counts what of it is alive.
class Witness final : public Plugin,
                      public ConnectHook,
                      public HeloHook,
                      public MailHook,
                      public RcptHook,
                      public DataHook,
                      public MessageHook,
                      public ProtocolObserver {
 public:
  struct Settings {
    static void describe(Schema<Settings>&) {}
  };
  Witness(Host& host, Settings) : host_(host) {}
  ~Witness() override { EXPECT_EQ(alive_, 0) << "the plugin ended before what it has begun"; }

  Task<Verdict> on_connect(Session& session) override {
    slot_.of(session).begin(*this);
    session.set_name_deadline(host_.loop().now() + 1s);
    session.facts().start(kClientName, name(*this));
    return judge(*this);
  }
  Task<Verdict> on_helo(Session& session) override {
    if (session.helo() == "refused.example") return reject("550 5.7.1 Not you");
    return judge(*this);
  }
  Task<Verdict> on_mail(Session&, Transaction& transaction) override {
    slot_.of(transaction).begin(*this);
    return judge(*this);
  }
  Task<Verdict> on_rcpt(Session&, Transaction&, Recipient&) override { return judge(*this); }
  Task<Verdict> on_data(Session&, Transaction&) override { return judge(*this); }
  Task<Verdict> on_message(Session&, Transaction&, Message& message) override {
    message.prepend_field("X-Witness", "seen");
    message.drop_recipient(Path::parse("dropped@example.com").value());
    return judge(*this);
  }
  void on_event(const ProtocolEvent& event) noexcept override {
    if (event.kind == EventKind::banner) last_banner = event.text;
  }
  static inline std::string last_banner;  ///< what the last one told of it

 private:
  class Life {
   public:
    Life() = default;
    explicit Life(Witness& of) { begin(of); }
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;
    ~Life() {
      if (of_) --of_->alive_;
    }
    void begin(Witness& of) {
      of_ = &of;
      ++of.alive_;
    }

   private:
    Witness* of_ = nullptr;
  };
  static Task<Verdict> judge(Witness& self) {
    const Life life(self);
    co_await sleep_for(self.host_.loop(), 5ms);
    co_return pass();
  }
  static Task<ClientName> name(Witness& self) {
    const Life life(self);
    co_await sleep_for(self.host_.loop(), 60ms);
    co_return ClientName{
        .iprev = IprevResult::pass, .name = "client.example", .reason = "", .took = 60ms};
  }

  Host& host_;
  Slot<Life> slot_;
  int alive_ = 0;
};

inline const PluginEntry kWitness{.magic = kEntryMagic,
                                  .size = sizeof(PluginEntry),
                                  .sdk_number = kSdkNumber,
                                  .build_tag = kBuildTag,
                                  .name = "witness",
                                  .description = "Counts what of it is alive",
                                  .schema = &detail::plugin_schema<Witness>,
                                  .create = &detail::create_plugin<Witness>,
                                  .destroy = &detail::destroy_plugin,
                                  .hooks = &detail::plugin_hooks<Witness>};

class ReceiveTest : public ::testing::Test {
 protected:
  ReceiveTest() : log_(log::DaemonLog::open("/dev/null", LogLevel::debug).value()) {
    options_.hostname = "mx.example.com";
  }

  /// All of a server but its plugins and its store.
  struct House {
    House(ReceiveTest& test, runtime::Runtime& loop, store::Store& kept)
        : runtime(loop),
          dns(loop, zone),
          queue({.runtime = loop,
                 .store = kept,
                 .log = *test.log_,
                 .peers = test.peers_,
                 .chains = {},
                 .options = {}}) {}
    runtime::Runtime& runtime;
    sim::Zone zone;
    sim::SimDns dns;
    queue::LoopQueue queue;
  };

  Services services(House& house) {
    const plugin::LoopParts parts{.runtime = house.runtime,
                                  .dns = house.dns,
                                  .log = *log_,
                                  .pool = pool_,
                                  .hostname = options_.hostname,
                                  .local_domains = {},
                                  .listeners = {},
                                  .loop_index = 0};
    plugin::Block block;
    block.id = "witness";
    plugin::PreparedPlugins prepared;
    prepared.push_back({block, &kWitness, kWitness.schema().new_settings()});
    return {.runtime = house.runtime,
            .queue = house.queue,
            .table = table_,
            .log = *log_,
            .options = std::make_shared<const Options>(options_),
            .policy = std::make_shared<const RelayPolicy>(std::vector<Network>{},
                                                          std::vector<std::string>{"example.com"},
                                                          std::vector<std::string>{}),
            .chains = plugin::make_plugins(prepared, parts).value()};
  }

  /// Send `text` and take replies until one of `count` has come; false when the server is gone.
  static Task<bool> say(runtime::ByteStream& stream, std::string text, std::size_t count) {
    const auto sent = co_await stream.write(text);
    if (!sent) co_return false;
    std::string replies;
    while (static_cast<std::size_t>(std::ranges::count(replies, '\n')) < count) {
      const auto came = co_await stream.read(replies);
      if (!came) co_return false;
    }
    co_return true;
  }

  Options options_;
  std::unique_ptr<log::DaemonLog> log_;
  plugin::BlockingPool pool_{1};
  std::shared_ptr<queue::Peers> peers_ = std::make_shared<queue::Peers>(1);
  SessionTable table_;
};

}  // namespace postrider::receive
