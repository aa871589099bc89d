// SPDX-License-Identifier: MIT
// A flood for hosts that swallow connections takes every courier it may have; live mail goes on as
// if nothing were, a host of which nothing is known waits for one courier of the flood at most, and
// in the end each sender of the flood is told.
#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/scenario_mail.hpp"
#include "support/scenario_peer.hpp"
#include "support/sim_server.hpp"

namespace postrider::sim {
namespace {

constexpr unsigned kDeadHosts = 700;  // for each loop; unknown hosts get 375 of its couriers

std::string dead_domain(unsigned number) {
  return fmt::format("dead{}.example.com", number);
}

std::string dead_address(unsigned number) {
  return fmt::format("10.{}.{}.{}", number >> 16U, number >> 8U & 255U, number & 255U);
}

class Flood : public ::testing::TestWithParam<unsigned> {
 protected:
  Flood() {
    for (unsigned i = 0; i < dead_hosts_; ++i)
      server_.world().set_fault({IpAddress::parse(dead_address(i)).value(), 25},
                                {.kind = runtime::SimFault::Kind::black_hole});
  }

  static std::vector<std::string> zone(unsigned dead_hosts) {
    std::vector<std::string> lines{"live.example.org A 198.51.100.1",
                                   "new.example.org A 198.51.100.1",
                                   "sender.example.net A 198.51.100.2"};
    for (unsigned i = 0; i < dead_hosts; ++i)
      lines.push_back(dead_domain(i) + " A " + dead_address(i));
    return lines;
  }

  void send(const std::string& from, const std::string& to) {
    const std::string line = fmt::format("from <{}> to <{}>", from, to);
    EXPECT_EQ(send_letter(server_, read_letter(line, {})).substr(0, 3), "250") << line;
  }

  /// Sends one and waits for it; how long that took, in virtual time.
  Duration live_message(const std::string& domain) {
    const std::size_t before = live_.messages().size();
    const TimePoint began = server_.world().now();
    send("a@sender.example.net", "b@" + domain);
    EXPECT_TRUE(server_.world().run_until([&] { return live_.messages().size() > before; }, 1h));
    return std::chrono::round<Duration>(server_.world().now() - began);
  }

  std::uint64_t active() {
    std::uint64_t count = 0;
    for (queue::LoopQueue* queue : server_.queues()) count += queue->counts().active;
    return count;
  }

  const unsigned loops_ = GetParam();
  const unsigned dead_hosts_ = kDeadHosts * loops_;
  SimServer server_{{"[queue]", "give_up = \"4h\"", "[deliver]", "connect_timeout = \"30s\"",
                     "[smtp]", "max_sessions_per_client = 10000", "[[plugin]]", "use = \"ndr\""},
                    zone(dead_hosts_),
                    loops_};
  ScenarioPeer live_{server_.world(), server_.outside(), IpAddress::parse("198.51.100.1").value()};
  ScenarioPeer sender_{server_.world(), server_.outside(),
                       IpAddress::parse("198.51.100.2").value()};
};

TEST_P(Flood, LiveMailGoesOnAndAllAreTold) {
  live_.behave({});
  sender_.behave({});
  (void)live_message("live.example.org");
  for (unsigned i = 0; i < dead_hosts_; ++i)
    send("flood@sender.example.net", "user@" + dead_domain(i));
  const Duration unknown = live_message("new.example.org");
  Duration slowest{};
  std::uint64_t most_active = 0;
  for (unsigned turn = 0; turn < 200; ++turn) {
    most_active = std::max(most_active, active());
    slowest = std::max(slowest, live_message("live.example.org"));
    server_.world().run_for(turn < 100 ? 500ms : 1min);
  }
  fmt::print(
      "{} dead hosts, at most {} attempts at once; live mail took at most {} ms, the first for an "
      "unknown host {} ms\n",
      dead_hosts_, most_active, slowest.count(), unknown.count());
  EXPECT_GE(most_active, 350U * loops_) << "the couriers of unknown hosts are not exhausted";
  EXPECT_LE(slowest, 2s);
  EXPECT_LE(unknown, 30s) << "connect_timeout";

  server_.world().run_for(5h);
  EXPECT_TRUE(server_.messages().empty());
  std::set<std::string> told;
  for (const ScenarioPeer::Message& report : sender_.messages())
    for (unsigned i = 0; i < dead_hosts_; ++i)
      if (report.content.contains("user@" + dead_domain(i) + "\r\n")) told.insert(dead_domain(i));
  EXPECT_EQ(told.size(), dead_hosts_);
}

INSTANTIATE_TEST_SUITE_P(Loops, Flood, ::testing::Values(1U, 3U));

}  // namespace
}  // namespace postrider::sim
