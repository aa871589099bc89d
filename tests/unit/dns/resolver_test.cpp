// SPDX-License-Identifier: MIT
// The resolver on the real loop against scripted servers: answers, failures, failover.
#include <gtest/gtest.h>

#include "unit/dns/rig.hpp"

namespace postrider::dns {
namespace {

IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}
ResolverOptions impatient(unsigned attempts = 3) {
  return {.servers = {}, .attempt_timeout = 150ms, .attempts = attempts};
}

/// What is handed over is less by the time that it waited for the rest.
bool is_left_of(Duration ttl, Duration left) {
  return left <= ttl && left > ttl - 5s;
}

TEST(Resolver, TypedAnswers) {
  DnsServer server([](const DnsQuery& q) -> Sends {
    DnsMessage reply(q);
    reply.authenticated();
    if (q.type == DnsMessage::kMx)
      return reply.mx(q.name, 60, 20, "B.example.org").mx(q.name, 50, 10, "a.example.org");
    if (q.type == DnsMessage::kTxt) return reply.txt(q.name, 7, {"v=spf1", " -all"});
    if (q.type == DnsMessage::kPtr) return reply.ptr(q.name, 8, "Mail.Example.org");
    if (q.type == DnsMessage::kA) return reply.a(q.name, 9, "192.0.2.1");
    return reply.a(q.name, 5, "2001:db8::1");
  });
  Rig rig(server);
  const auto mx = rig.wait_for(rig.dns->mx("example.org"));
  ASSERT_TRUE(mx) << mx.error().text;
  EXPECT_EQ(mx->records, (std::vector<MxRecord>{{20, "b.example.org"}, {10, "a.example.org"}}));
  EXPECT_EQ(mx->ttl, 50s);
  EXPECT_TRUE(mx->authenticated);
  EXPECT_EQ(rig.wait_for(rig.dns->txt("example.org"))->records[0], "v=spf1 -all");
  EXPECT_EQ(rig.wait_for(rig.dns->ptr(ip("192.0.2.1")))->records[0], "Mail.Example.org");
  EXPECT_EQ(server.queries().back().name, "1.2.0.192.in-addr.arpa");
  const auto both = rig.wait_for(rig.dns->addresses("mx.example.org.", AddressFamily::any));
  EXPECT_EQ(both->records, (std::vector{ip("192.0.2.1"), ip("2001:db8::1")}));
  EXPECT_TRUE(is_left_of(5s, both->ttl));
  const auto v6 = rig.wait_for(rig.dns->addresses("mx.example.org", AddressFamily::v6));
  EXPECT_EQ(v6->records, (std::vector{ip("2001:db8::1")}));
  for (const DnsQuery& query : server.queries()) {
    EXPECT_TRUE(query.dnssec_ok);
    EXPECT_TRUE(query.recursion_desired);
    EXPECT_EQ(query.udp_size, 1232U);
  }
}

TEST(Resolver, EachAnswerEndsByItsOwnArrival) {
  DnsServer server([](const DnsQuery& q) -> Sends {
    if (q.type == DnsMessage::kA) return DnsMessage(q).a(q.name, 20, "192.0.2.1");
    return {{.octets = DnsMessage(q).a(q.name, 3600, "2001:db8::1").octets(), .after = 300ms}};
  });
  Rig rig(server);
  const auto both = rig.wait_for(rig.dns->addresses("mx.example.org", AddressFamily::any));
  ASSERT_EQ(both->records.size(), 2U);
  EXPECT_LE(both->ttl, 19750ms) << "the A record came 300 ms before";
  EXPECT_GT(both->ttl, 10s);
}

TEST(Resolver, FailuresAreToldApart) {
  DnsServer server([](const DnsQuery& q) -> Sends {
    if (q.name == "nodata.test") return DnsMessage(q);
    if (q.name == "nxdomain.test") return DnsMessage(q).rcode(3);
    if (q.name == "servfail.test") return DnsMessage(q).rcode(2);
    if (q.name == "refused.test") return DnsMessage(q).rcode(5);
    if (q.name == "odd.test") return DnsMessage(q).rcode(9);
    if (q.name == "broken.test") return DnsMessage(q).a(q.name, 5, "192.0.2.1").count(0, 9);
    if (q.name == "loop.test") return DnsMessage(q).cname(q.name, 5, q.name);
    return {};
  });
  Rig rig(server);
  const auto from = server.address().text();
  const auto fails = [&](std::string name, DnsFailure failure, std::string text) {
    const auto result = rig.wait_for(rig.dns->mx(name));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().failure, failure) << name;
    EXPECT_EQ(result.error().text, "MX " + name + ": " + text);
  };
  fails("nodata.test", DnsFailure::nodata, "no MX records");
  fails("nxdomain.test", DnsFailure::nxdomain, "no such name");
  fails("servfail.test", DnsFailure::servfail, "SERVFAIL from " + from);
  fails("refused.test", DnsFailure::refused, "REFUSED from " + from);
  fails("odd.test", DnsFailure::servfail, "RCODE 9 from " + from);
  fails("broken.test", DnsFailure::malformed,
        "a malformed answer (broken records, or fewer than announced) from " + from);
  fails("loop.test", DnsFailure::malformed,
        "a malformed answer (too many CNAMEs, or a loop of them) from " + from);
  EXPECT_EQ(server.queries().size(), 7U) << "a bad answer is no reason to ask the same again";
}

TEST(Resolver, SilenceEndsAfterTheAttempts) {
  DnsServer server([](const DnsQuery&) { return Sends{}; });
  Rig rig(server, impatient(3));
  const auto start = std::chrono::steady_clock::now();
  const auto result = rig.wait_for(rig.dns->mx("example.org"));
  EXPECT_GE(since(start), 440ms);
  EXPECT_LT(since(start), 4s);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().failure, DnsFailure::timeout);
  EXPECT_TRUE(result.error().is_temporary());
  EXPECT_EQ(result.error().text,
            "MX example.org: no answer from " + server.address().text() + " in 3 tries");
  const auto queries = server.queries();
  ASSERT_EQ(queries.size(), 3U);
  EXPECT_FALSE(queries[0].id == queries[1].id && queries[1].id == queries[2].id);
}

TEST(Resolver, SecondTryIsAnswered) {
  DnsServer server([](const DnsQuery& q) -> Sends {
    if (q.number == 0) return {};
    return DnsMessage(q).mx(q.name, 5, 10, "mx.test");
  });
  Rig rig(server, impatient());
  EXPECT_TRUE(rig.wait_for(rig.dns->mx("example.org")));
}

TEST(Resolver, NegativeAnswersHaveTheirTtl) {
  DnsServer server([](const DnsQuery& q) -> Sends {
    if (q.name == "no.test") return DnsMessage(q).rcode(3).authenticated().soa("test", 900, 77);
    return DnsMessage(q).soa("test", 78, 900);
  });
  Rig rig(server);
  EXPECT_EQ(rig.wait_for(rig.dns->mx("no.test")).error().ttl, 77s);
  EXPECT_EQ(rig.wait_for(rig.dns->mx("yes.test")).error().ttl, 78s);
  const auto any = rig.wait_for(rig.dns->addresses("yes.test", AddressFamily::any));
  EXPECT_EQ(any.error().failure, DnsFailure::nodata);
  EXPECT_TRUE(is_left_of(78s, any.error().ttl));
}

TEST(Resolver, OneFamilyIsEnoughAndTemporaryErrorsWin) {
  DnsServer server([](const DnsQuery& q) -> Sends {
    const bool v4 = q.type == DnsMessage::kA;
    if (q.name == "v6.test" && !v4) return DnsMessage(q).a(q.name, 5, "2001:db8::1");
    if (q.name == "v6.test") return DnsMessage(q).rcode(2);
    return v4 ? DnsMessage(q) : DnsMessage(q).rcode(2);
  });
  Rig rig(server);
  const auto good = rig.wait_for(rig.dns->addresses("v6.test", AddressFamily::any));
  ASSERT_TRUE(good);
  EXPECT_EQ(good->records.size(), 1U);
  const auto bad = rig.wait_for(rig.dns->addresses("half.test", AddressFamily::any));
  EXPECT_EQ(bad.error().failure, DnsFailure::servfail);
}

TEST(Resolver, FailoverOnEveryKindOfFailure) {
  DnsServer bad([](const DnsQuery& q) -> Sends {
    if (q.name == "servfail.test") return DnsMessage(q).rcode(2);
    if (q.name == "refused.test") return DnsMessage(q).rcode(5);
    if (q.name == "broken.test") return DnsMessage(q).count(0, 4);
    return {};
  });
  DnsServer good(
      [](const DnsQuery& q) -> Sends { return DnsMessage(q).mx(q.name, 5, 10, "mx.test"); });
  for (const auto* name : {"servfail.test", "refused.test", "broken.test", "silent.test"}) {
    Rig rig({bad.address(), good.address()}, impatient());
    EXPECT_TRUE(rig.wait_for(rig.dns->mx(name))) << name;
    // From now on the bad one is asked last, which here means not at all.
    const auto before = bad.queries().size();
    EXPECT_TRUE(rig.wait_for(rig.dns->mx("again.test"))) << name;
    EXPECT_EQ(bad.queries().size(), before) << name;
  }
}

TEST(Resolver, AllServersFailAndAllAreNamed) {
  DnsServer refusing([](const DnsQuery& q) -> Sends { return DnsMessage(q).rcode(5); });
  Rig rig({refusing.address(), silent_server().address()}, impatient(3));
  const auto result = rig.wait_for(rig.dns->mx("example.org"));
  EXPECT_EQ(result.error().failure, DnsFailure::timeout);
  EXPECT_EQ(result.error().text, "MX example.org: REFUSED from " + refusing.address().text() +
                                     "; no answer from " + silent_server().address().text() +
                                     " in 2 tries");
  EXPECT_EQ(refusing.queries().size(), 1U);
}

TEST(Resolver, AliasIsAskedFor) {
  DnsServer server([](const DnsQuery& q) -> Sends {
    if (q.name == "a.test") return DnsMessage(q).authenticated().cname(q.name, 30, "b.elsewhere");
    if (q.name == "gone.test") return DnsMessage(q).cname(q.name, 30, "nowhere.test");
    if (q.name == "nowhere.test") return DnsMessage(q).rcode(3);
    return DnsMessage(q).mx(q.name, 60, 10, "mx.test");
  });
  Rig rig(server);
  const auto result = rig.wait_for(rig.dns->mx("a.test"));
  ASSERT_TRUE(result);
  EXPECT_TRUE(is_left_of(30s, result->ttl));
  EXPECT_EQ(result->aliases, 1U);
  EXPECT_FALSE(result->authenticated) << "both replies must be";
  EXPECT_EQ(rig.wait_for(rig.dns->mx("gone.test")).error().failure, DnsFailure::nxdomain);
}

TEST(Resolver, EndlessAliasesEnd) {
  DnsServer server([](const DnsQuery& q) -> Sends {
    return DnsMessage(q).cname(q.name, 30, "x" + std::to_string(q.number) + ".test");
  });
  Rig rig(server);
  const auto result = rig.wait_for(rig.dns->mx("a.test"));
  EXPECT_EQ(result.error().failure, DnsFailure::malformed);
  EXPECT_EQ(server.queries().size(), 9U);
}

TEST(Resolver, NamesThatCannotBeAskedForAreNot) {
  DnsServer server([](const DnsQuery& q) -> Sends { return DnsMessage(q); });
  Rig rig(server);
  for (const std::string& name :
       {std::string(), std::string("."), std::string("a..b"), std::string(64, 'x') + ".test",
        std::string("192.0.2.1"), std::string("127.1"), std::string("[192.0.2.1]"),
        std::string("2001:db8::1"), std::string("a b.test"), std::string("x\r\ny.test"),
        std::string("\xc3\xa4.test")}) {
    const auto result = rig.wait_for(rig.dns->addresses(name, AddressFamily::any));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().failure, DnsFailure::nxdomain) << name;
    EXPECT_EQ(result.error().text.find_first_of("\r\n\xc3"), std::string::npos);
  }
  EXPECT_TRUE(server.queries().empty());
}

TEST(Resolver, DeadSocketAddressIsAnErrorNotACrash) {
  Rig rig({SocketAddress::parse("[100::1]:53").value(), silent_server().address()}, impatient(2));
  EXPECT_FALSE(rig.wait_for(rig.dns->mx("example.org")));
}

TEST(ResolvConf, ServersInOrder) {
  const auto texts = [](std::string_view conf) {
    std::string all;
    for (const auto& server : servers_from_resolv_conf(conf)) all += server.text() + " ";
    return all;
  };
  EXPECT_EQ(texts(""), "127.0.0.1:53 ");
  EXPECT_EQ(texts("# nameserver 192.0.2.9\nsearch example.org\nnameserver\t192.0.2.1 # one\r\n"
                  " nameserver 2001:db8::1\noptions edns0"),
            "192.0.2.1:53 [2001:db8::1]:53 ");
  EXPECT_EQ(texts("nameserver\nnameserver x\nnameserver fe80::1%eth0\nnameservers 192.0.2.1"),
            "127.0.0.1:53 ");
  EXPECT_EQ(texts("nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n"
                  "nameserver 192.0.2.4"),
            "192.0.2.1:53 192.0.2.2:53 192.0.2.3:53 ");
}

}  // namespace
}  // namespace postrider::dns
