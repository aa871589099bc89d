// SPDX-License-Identifier: MIT
// What moves the questions: forged and late replies, TCP, servers without EDNS0, many questions at
// once, dropped tasks. The faults of udns in docs/decisions/0004-udns-as-transport.md.
#include <atomic>
#include <chrono>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "runtime/task_set.hpp"
#include "unit/dns/rig.hpp"

namespace postrider::dns {
namespace {

DnsMessage good(const DnsQuery& q) {
  return DnsMessage(q).mx(q.name, 60, 10, "good.test");
}
DnsMessage forged(const DnsQuery& q) {
  return DnsMessage(q).mx(q.name, 60, 10, "forged.test");
}

/// Asks once; the script's forgery comes first, the good answer 50 ms later.
std::string answer_after(std::function<DnsSend(const DnsQuery&)> forge) {
  DnsServer server([&](const DnsQuery& q) -> Sends {
    return {forge(q), {.octets = good(q).octets(), .after = 50ms}};
  });
  Rig rig(server);
  const auto result = rig.wait_for(rig.dns->mx("example.org"));
  return result ? result->records[0].host : result.error().text;
}

TEST(Resolver, ForgedRepliesAreIgnored) {
  EXPECT_EQ(answer_after([](const DnsQuery& q) -> DnsSend {
              return {.octets = forged(q).id(q.id ^ 1U).octets()};
            }),
            "good.test")
      << "wrong id";
  EXPECT_EQ(answer_after([](const DnsQuery& q) -> DnsSend {
              auto other = q;
              other.name = "other.test";
              return {.octets = forged(other).octets()};
            }),
            "good.test")
      << "wrong name";
  EXPECT_EQ(answer_after([](const DnsQuery& q) -> DnsSend {
              auto other = q;
              other.type = DnsMessage::kA;
              return {.octets = forged(other).octets()};
            }),
            "good.test")
      << "wrong type";
  EXPECT_EQ(answer_after([](const DnsQuery& q) -> DnsSend {
              return {.octets = forged(q).octets(), .from_elsewhere = true};
            }),
            "good.test")
      << "wrong source";
  EXPECT_EQ(answer_after([](const DnsQuery& q) -> DnsSend {
              return {.octets = forged(q).question("", 0).octets()};
            }),
            "good.test")
      << "no question";
  EXPECT_EQ(answer_after([](const DnsQuery&) -> DnsSend { return {.octets = "x"}; }), "good.test")
      << "garbage";
}

TEST(Resolver, SilenceBehindForgedRepliesIsTold) {
  DnsServer server([](const DnsQuery& q) -> Sends {
    auto other = q;
    other.name = "other.test";
    return {{.octets = forged(other).octets()}, {.octets = forged(q).id(q.id ^ 1U).octets()}};
  });
  Rig rig(server, {.servers = {}, .attempt_timeout = 500ms, .attempts = 2});
  const auto result = rig.wait_for(rig.dns->mx("example.org"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().failure, DnsFailure::timeout);
  EXPECT_TRUE(result.error().text.contains(" no question and ")) << result.error().text;
}

TEST(Resolver, LongQuestionNameIsIgnored) {
  const std::string label = "\x3f" + std::string(63, 'x');
  const std::string name = label + label + label + "\x3e" + std::string(62, 'x') + '\0';
  EXPECT_EQ(answer_after([&](const DnsQuery& q) -> DnsSend {
              const auto tail = DnsMessage::number(q.type, 2) + DnsMessage::number(1, 2);
              return {.octets = forged(q).question(name + tail).octets()};
            }),
            "good.test");
}

TEST(Resolver, CompressedQuestionIsIgnored) {
  // Its name is a pointer forwards to the owner of the record. udns would take it and read on.
  EXPECT_EQ(answer_after([](const DnsQuery& q) -> DnsSend {
              const auto tail = DnsMessage::number(q.type, 2) + DnsMessage::number(1, 2);
              return {.octets = forged(q).question("\xc0\x12" + tail).octets()};
            }),
            "good.test");
}

TEST(Resolver, EchoIsNoAnswer) {
  DnsServer echo([](const DnsQuery& q) -> Sends { return {{.octets = q.packet}}; });
  Rig rig(echo);
  const auto result = rig.wait_for(rig.dns->mx("example.org"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().failure, DnsFailure::malformed) << "and not nodata";
}

TEST(Resolver, ServerWithoutEdns) {
  for (const bool header_only : {false, true}) {
    DnsServer old([&](const DnsQuery& q) -> Sends {
      if (!q.udp_size) return good(q);
      auto reply = DnsMessage(q).rcode(1);
      return header_only ? reply.question("", 0) : reply;
    });
    Rig rig(old);
    const auto result = rig.wait_for(rig.dns->mx("example.org"));
    EXPECT_TRUE(result) << result.error().text;
    EXPECT_EQ(old.queries().back().udp_size, 0U);
  }
}

TEST(Resolver, TruncatedAnswerComesOverTcp) {
  DnsServer server([](const DnsQuery& q) -> Sends {
    if (!q.over_tcp) return DnsMessage(q).truncated();
    DnsMessage reply(q);
    for (int i = 0; i < 230; ++i) reply.txt(q.name, 60, {std::string(250, 'x')});
    // In two pieces, the first of them one octet.
    const auto octets = reply.octets();
    const auto framed = DnsMessage::number(static_cast<std::uint32_t>(octets.size()), 2) + octets;
    return {{.octets = framed.substr(0, 1), .is_raw = true},
            {.octets = framed.substr(1), .after = 20ms, .is_raw = true}};
  });
  Rig rig(server);
  const auto result = rig.wait_for(rig.dns->txt("example.org"));
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_EQ(result->records.size(), 230U);
  const auto queries = server.queries();
  ASSERT_EQ(queries.size(), 2U);
  EXPECT_TRUE(queries[1].over_tcp);
  EXPECT_TRUE(queries[1].dnssec_ok);
  EXPECT_EQ(queries[1].name, "example.org");
}

TEST(Resolver, TcpAnswersAreCheckedToo) {
  const auto over_tcp = [](std::function<DnsSend(const DnsQuery&)> answer) {
    DnsServer server([&](const DnsQuery& q) -> Sends {
      if (!q.over_tcp) return DnsMessage(q).truncated();
      return {answer(q)};
    });
    Rig rig(server);
    const auto result = rig.wait_for(rig.dns->mx("example.org"));
    return result ? std::string("answered") : result.error().text;
  };
  const auto is = [](const std::string& text, const char* part) {
    return text.contains(part) ? std::string(part) : text;
  };
  EXPECT_EQ(over_tcp([](const DnsQuery& q) -> DnsSend { return {.octets = good(q).octets()}; }),
            "answered");
  EXPECT_EQ(is(over_tcp([](const DnsQuery& q) -> DnsSend {
                 return {.octets = forged(q).id(q.id ^ 1U).octets()};
               }),
               "malformed"),
            "malformed");
  EXPECT_EQ(is(over_tcp([](const DnsQuery& q) -> DnsSend {
                 return {.octets = DnsMessage(q).truncated().octets()};
               }),
               "truncated over TCP as well"),
            "truncated over TCP as well");
  EXPECT_EQ(is(over_tcp([](const DnsQuery&) -> DnsSend {
                 return {.octets = std::string(2, '\0'), .is_raw = true, .then_close = true};
               }),
               "malformed"),
            "malformed")
      << "an empty message";
  EXPECT_EQ(is(over_tcp([](const DnsQuery&) -> DnsSend {
                 return {.octets = "\1", .is_raw = true, .then_close = true};
               }),
               "TCP failure"),
            "TCP failure");
}

TEST(Resolver, SilenceOverTcpEndsAfterFiveSeconds) {
  DnsServer server([](const DnsQuery& q) -> Sends {
    if (!q.over_tcp) return DnsMessage(q).truncated();
    return {};
  });
  Rig rig(server);
  const auto start = std::chrono::steady_clock::now();
  const auto result = rig.wait_for(rig.dns->mx("example.org"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().failure, DnsFailure::timeout);
  EXPECT_GE(since(start), 4900ms);
  EXPECT_LT(since(start), 15s);
}

TEST(Resolver, NewPortAfterSoManyQuestions) {
  const auto ports = [](unsigned questions_per_port) {
    DnsServer server([](const DnsQuery& q) -> Sends { return good(q); });
    Rig rig(server, {.servers = {}, .questions_per_port = questions_per_port});
    for (int i = 0; i < 6; ++i) EXPECT_TRUE(rig.wait_for(rig.dns->mx("example.org")));
    std::set<std::uint16_t> seen;
    for (const auto& query : server.queries()) seen.insert(query.port);
    return seen.size();
  };
  EXPECT_EQ(ports(0), 1U) << "loopback";
  EXPECT_GE(ports(2), 2U);
}

TEST(Resolver, IdsDoNotFollowEachOther) {
  DnsServer server([](const DnsQuery& q) -> Sends { return good(q); });
  Rig rig(server);
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(rig.wait_for(rig.dns->mx("example.org")));
  std::set<std::uint16_t> ids;
  std::set<std::uint16_t> steps;
  std::uint16_t last = 0;
  for (const auto& query : server.queries()) {
    ids.insert(query.id);
    steps.insert(static_cast<std::uint16_t>(query.id - std::exchange(last, query.id)));
  }
  EXPECT_GT(ids.size(), 190U);
  EXPECT_GT(steps.size(), 190U);
}

Task<void> count_answer(Dns& dns, std::string name, int& answered, int& left,
                        runtime::Runtime& runtime) {
  auto result = co_await dns.mx(std::move(name));
  if (result) ++answered;
  if (--left == 0) runtime.stop();
}

TEST(Resolver, FiveHundredAtOnce) {
  DnsServer server([](const DnsQuery& q) -> Sends {
    return {{.octets = good(q).octets(), .after = Duration(q.number % 20)}};
  });
  Rig rig(server);
  runtime::TaskSet tasks(*rig.runtime);
  int answered = 0, left = 500;
  for (int i = 0; i < 500; ++i)
    tasks.spawn(
        count_answer(*rig.dns, std::to_string(i) + ".example", answered, left, *rig.runtime));
  rig.runtime->run();
  EXPECT_EQ(answered, 500);
  EXPECT_EQ(server.queries().size(), 500U);
}

TEST(Resolver, NoMoreInFlightThanAllowed) {
  std::atomic<bool> is_open = false;
  DnsServer server([&](const DnsQuery& q) -> Sends {
    if (is_open) return good(q);
    return {{.octets = good(q).octets(), .after = 1s}};
  });
  Rig rig(server, {.servers = {}, .in_flight = 4});
  runtime::TaskSet tasks(*rig.runtime);
  int answered = 0, left = 50;
  for (int i = 0; i < 50; ++i)
    tasks.spawn(
        count_answer(*rig.dns, std::to_string(i) + ".example", answered, left, *rig.runtime));
  while (server.queries().size() < 4) std::this_thread::yield();
  std::this_thread::sleep_for(50ms);  // no fifth comes, whatever the loop does
  EXPECT_EQ(server.queries().size(), 4U);
  is_open = true;
  rig.runtime->run();
  EXPECT_EQ(answered, 50);
}

TEST(Resolver, BusyLoopLosesNothing) {
  DnsServer server([](const DnsQuery& q) -> Sends { return good(q); });
  Rig rig(server, {.servers = {}, .attempt_timeout = 200ms, .attempts = 1});
  runtime::TaskSet tasks(*rig.runtime);
  int answered = 0, left = 20;
  for (int i = 0; i < 20; ++i)
    tasks.spawn(
        count_answer(*rig.dns, std::to_string(i) + ".example", answered, left, *rig.runtime));
  // The loop does something else for longer than the time-out; the replies wait in the socket.
  rig.runtime->post([] { std::this_thread::sleep_for(700ms); });
  rig.runtime->run();
  EXPECT_EQ(answered, 20);
}

TEST(Resolver, LateReplyIsNoReply) {
  DnsServer server([](const DnsQuery& q) -> Sends {
    return {
        {.octets = (q.number ? good(q) : forged(q)).octets(), .after = q.number ? 100ms : 500ms}};
  });
  Rig rig(server, {.servers = {}, .attempt_timeout = 300ms});
  const auto result = rig.wait_for(rig.dns->mx("example.org"));
  ASSERT_TRUE(result);
  rig.turn(300ms);  // the late one arrives, and finds nobody
  EXPECT_TRUE(rig.wait_for(rig.dns->mx("example.org")));
}

TEST(Resolver, DroppedAtAnyTime) {
  DnsServer server([](const DnsQuery& q) -> Sends {
    if (q.over_tcp) return {{.octets = good(q).octets(), .after = Duration(q.number % 7 * 3)}};
    if (q.number % 5 == 0) return DnsMessage(q).truncated();
    if (q.number % 5 == 1) return {};
    if (q.number % 5 == 2) return DnsMessage(q).cname(q.name, 5, "other.test");
    return {{.octets = good(q).octets(), .after = Duration(q.number % 11 * 2)}};
  });
  Rig rig({server.address(), silent_server().address()}, {.servers = {},
                                                          .attempt_timeout = 100ms,
                                                          .attempts = 2,
                                                          .in_flight = 8,
                                                          .questions_per_port = 5});
  std::mt19937 random(7);
  int answered = 0, left = 1 << 20;
  for (int round = 0; round < 60; ++round) {
    runtime::TaskSet tasks(*rig.runtime);
    for (int i = 0; i < 30; ++i)
      tasks.spawn(
          count_answer(*rig.dns, std::to_string(i) + ".example", answered, left, *rig.runtime));
    rig.turn(Duration(random() % 40));
  }
  EXPECT_GT(answered, 0);
  // Nothing of all that is left: every place is free again.
  int all = 0, after = 16;
  runtime::TaskSet tasks(*rig.runtime);
  for (int i = 0; i < 16; ++i)
    tasks.spawn(count_answer(*rig.dns, "last.example", all, after, *rig.runtime));
  rig.runtime->run();
  EXPECT_EQ(after, 0);
}

TEST(Resolver, TaskNeverStartedAsksNothing) {
  DnsServer server([](const DnsQuery& q) -> Sends { return good(q); });
  Rig rig(server);
  {
    auto unused = rig.dns->mx("example.org");
  }
  rig.turn(30ms);
  EXPECT_TRUE(server.queries().empty());
}

}  // namespace
}  // namespace postrider::dns
