// SPDX-License-Identifier: MIT
// The parser of replies: what a resolver sends, and what somebody hostile sends (V040, V042, V045).
#include "dns/packet.hpp"

#include <random>

#include <gtest/gtest.h>

#include "support/dns_server.hpp"

namespace postrider::dns {
namespace {

using testing::DnsMessage;
using testing::DnsQuery;

struct Asked {
  explicit Asked(std::string_view name, RecordType type = RecordType::a)
      : question{.name = DnsMessage::name(name), .type = type},
        query(DnsQuery::make(name, static_cast<std::uint16_t>(type))) {}
  DnsMessage reply() const { return DnsMessage(query); }
  Reply read(const DnsMessage& message) const { return read_reply(message.octets(), question); }
  Question question;
  DnsQuery query;
};

std::string nth(unsigned i) {
  return "n" + std::to_string(i) + ".test";
}
std::string v4(unsigned last) {
  return {'\xc0', '\0', '\2', static_cast<char>(last)};
}

TEST(Packet, QueryIsWhatServersExpect) {
  const auto seen = DnsQuery::read(
      write_query(0xbeef, {.name = DnsMessage::name("Example.org"), .type = RecordType::mx}));
  EXPECT_EQ(seen.id, 0xbeef);
  EXPECT_EQ(seen.name, "example.org");
  EXPECT_EQ(seen.type, 15);
  EXPECT_TRUE(seen.recursion_desired);
  EXPECT_EQ(seen.udp_size, 1232U);
  EXPECT_TRUE(seen.dnssec_ok);
}

TEST(Packet, RecordsWithSmallestTtlAndAd) {
  const Asked asked("example.org");
  const auto reply = asked.read(asked.reply()
                                    .authenticated()
                                    .a("EXAMPLE.org", 300, "192.0.2.1")
                                    .a("example.org", 60, "192.0.2.2"));
  EXPECT_EQ(reply.outcome, Outcome::records);
  EXPECT_EQ(reply.records, (std::vector<Record>{{0, v4(1)}, {0, v4(2)}}));
  EXPECT_EQ(reply.ttl, 60s);
  EXPECT_TRUE(reply.authenticated);
}

TEST(Packet, MxHostsAreLowerCaseTextAndNullMxIsEmpty) {
  const Asked asked("example.org", RecordType::mx);
  const auto reply = asked.read(
      asked.reply().mx("example.org", 5, 10, "MX.Example.ORG").mx("example.org", 5, 0, ""));
  EXPECT_EQ(reply.records, (std::vector<Record>{{10, "mx.example.org"}, {0, ""}}));
}

TEST(Packet, TxtStringsAreJoined) {
  const Asked asked("example.org", RecordType::txt);
  const auto reply = asked.read(asked.reply().txt("example.org", 5, {"v=spf1 ", "", "-all"}));
  EXPECT_EQ(reply.records, (std::vector<Record>{{0, "v=spf1 -all"}}));
}

TEST(Packet, TxtOfFourThousandStrings) {
  const Asked asked("example.org", RecordType::txt);
  const auto reply =
      asked.read(asked.reply().txt("example.org", 5, std::vector<std::string>(4000, "0123456")));
  ASSERT_EQ(reply.outcome, Outcome::records);
  EXPECT_EQ(reply.records[0].data.size(), 28000U);
}

TEST(Packet, PtrKeepsCaseAndEscapesOddOctets) {
  const Asked asked("1.2.0.192.in-addr.arpa", RecordType::ptr);
  std::string odd = std::string("\x06") + "a\r\n.\\\xff" + "\x03" + "ORG" + '\0';
  const auto reply = asked.read(asked.reply().record(0, DnsMessage::name("1.2.0.192.in-addr.arpa"),
                                                     DnsMessage::kPtr, 5, odd));
  ASSERT_EQ(reply.records.size(), 1U);
  EXPECT_EQ(reply.records[0].data, "a\\013\\010\\.\\\\\\255.ORG");
}

TEST(Packet, CnameOrderDoesNotMatter) {
  const Asked asked("a.test");
  const auto reply = asked.read(asked.reply()
                                    .a("c.test", 50, "192.0.2.1")
                                    .cname("b.test", 40, "C.test")
                                    .cname("a.test", 60, "b.test"));
  EXPECT_EQ(reply.outcome, Outcome::records);
  EXPECT_EQ(reply.records, (std::vector<Record>{{0, v4(1)}}));
  EXPECT_EQ(reply.ttl, 40s) << "the smallest TTL of the chain";
  EXPECT_EQ(reply.aliases, 2U);
}

TEST(Packet, CnameThatLeadsOutsideIsAnAlias) {
  const Asked asked("a.test");
  const auto reply = asked.read(asked.reply().cname("a.test", 60, "b.elsewhere"));
  EXPECT_EQ(reply.outcome, Outcome::alias);
  EXPECT_EQ(to_text(reply.target), "b.elsewhere");
  EXPECT_EQ(reply.ttl, 60s);
}

TEST(Packet, CnameToNoDataIsNodataWhenTheSoaSaysSo) {
  const Asked asked("a.test");
  const auto message = asked.reply().cname("a.test", 60, "b.test").soa("test", 900, 30);
  EXPECT_EQ(asked.read(message).outcome, Outcome::nodata);
  EXPECT_EQ(asked.read(message).ttl, 30s);
  const auto foreign = asked.reply().cname("a.test", 60, "b.elsewhere").soa("test", 900, 30);
  EXPECT_EQ(asked.read(foreign).outcome, Outcome::alias) << "not the zone of the target";
}

TEST(Packet, EightCnamesAreFollowedNotNine) {
  for (const unsigned length : {8U, 9U}) {
    const Asked asked("n0.test");
    auto message = asked.reply();
    for (unsigned i = 0; i < length; ++i) message.cname(nth(i), 60, nth(i + 1));
    message.a(nth(length), 60, "192.0.2.1");
    EXPECT_EQ(asked.read(message).outcome, length == 8 ? Outcome::records : Outcome::malformed);
  }
}

TEST(Packet, CnameLoopsAreMalformed) {
  const Asked asked("a.test");
  EXPECT_EQ(asked.read(asked.reply().cname("a.test", 60, "a.test")).outcome, Outcome::malformed);
  const auto two = asked.reply().cname("a.test", 60, "b.test").cname("b.test", 60, "a.test");
  EXPECT_EQ(asked.read(two).outcome, Outcome::malformed);
}

TEST(Packet, NegativeTtlIsTheSmallerOfSoaTtlAndMinimum) {
  const Asked asked("no.example.org");
  auto reply = asked.read(asked.reply().rcode(3).soa("example.org", 77, 900));
  EXPECT_EQ(reply.outcome, Outcome::nxdomain);
  EXPECT_EQ(reply.ttl, 77s);
  reply = asked.read(asked.reply().soa("example.org", 900, 78));
  EXPECT_EQ(reply.outcome, Outcome::nodata);
  EXPECT_EQ(reply.ttl, 78s);
  EXPECT_EQ(asked.read(asked.reply().rcode(3)).ttl, 0s) << "no SOA";
  EXPECT_EQ(asked.read(asked.reply().rcode(3).soa("example.com", 77, 900)).ttl, 0s)
      << "another zone's SOA";
}

TEST(Packet, TtlWithTheTopBitIsZero) {
  const Asked asked("a.test");
  EXPECT_EQ(asked.read(asked.reply().a("a.test", 0x80000000, "192.0.2.1")).ttl, 0s);
  EXPECT_EQ(asked.read(asked.reply().a("a.test", 0x7fffffff, "192.0.2.1")).ttl,
            std::chrono::seconds(0x7fffffff));
  EXPECT_EQ(asked.read(asked.reply().soa("test", 0xffffffff, 5)).ttl, 0s);
}

TEST(Packet, RcodesAreToldApart) {
  const Asked asked("a.test");
  const auto outcome = [&](unsigned rcode) {
    return asked.read(asked.reply().rcode(rcode)).outcome;
  };
  EXPECT_EQ(outcome(0), Outcome::nodata);
  EXPECT_EQ(outcome(1), Outcome::unsupported);
  EXPECT_EQ(outcome(2), Outcome::servfail);
  EXPECT_EQ(outcome(3), Outcome::nxdomain);
  EXPECT_EQ(outcome(4), Outcome::unsupported);
  EXPECT_EQ(outcome(5), Outcome::refused);
  EXPECT_EQ(outcome(9), Outcome::failed);
  const auto extended =
      asked.reply().record(2, std::string(1, '\0'), DnsMessage::kOpt, 1U << 24, "");
  EXPECT_EQ(asked.read(extended).detail, "RCODE 16");
  EXPECT_EQ(asked.read(asked.reply().truncated()).outcome, Outcome::truncated);
}

TEST(Packet, ReferralIsNotNodata) {
  const Asked asked("a.test");
  EXPECT_EQ(asked.read(asked.reply().ns("test", "ns.test")).outcome, Outcome::failed);
  EXPECT_EQ(asked.read(asked.reply().ns("test", "ns.test").soa("test", 5, 5)).outcome,
            Outcome::nodata);
}

TEST(Packet, OtherQuestionsIdsAndQueriesAreRefused) {
  const Asked asked("a.test");
  const auto good = asked.reply().a("a.test", 5, "192.0.2.1");
  const auto outcome = [&](DnsMessage message, std::optional<std::uint16_t> id = {}) {
    return read_reply(message.octets(), asked.question, id).outcome;
  };
  EXPECT_EQ(outcome(good, 0x1234), Outcome::records);
  EXPECT_EQ(outcome(good, 0x1235), Outcome::malformed);
  EXPECT_EQ(outcome(DnsMessage(good).flags(0x0180)), Outcome::malformed) << "QR unset";
  EXPECT_EQ(outcome(DnsMessage(good).flags(0xa980)), Outcome::malformed) << "opcode";
  const auto a_in = DnsMessage::number(1, 2) + DnsMessage::number(1, 2);
  const auto ask = [&](std::string octets, unsigned count) {
    return outcome(DnsMessage(good).question(std::move(octets), count));
  };
  EXPECT_EQ(ask(DnsMessage::name("A.TEST") + a_in, 1), Outcome::records) << "case";
  EXPECT_EQ(ask(DnsMessage::name("b.test") + a_in, 1), Outcome::malformed);
  EXPECT_EQ(ask("", 0), Outcome::malformed);
  EXPECT_EQ(ask(DnsMessage::name("a.test") + a_in + DnsMessage::name("a.test") + a_in, 2),
            Outcome::malformed);
  EXPECT_EQ(ask(DnsMessage::name("a.test") + std::string("\0\1\0\3", 4), 1), Outcome::malformed)
      << "class CH";
  EXPECT_EQ(ask(DnsMessage::name("a.test") + std::string("\0\2\0\1", 4), 1), Outcome::malformed)
      << "another type";
}

TEST(Packet, RecordsOfOthersAndOtherClassesDoNotCount) {
  const Asked asked("a.test");
  EXPECT_EQ(asked.read(asked.reply().a("b.test", 5, "192.0.2.1")).outcome, Outcome::nodata);
  EXPECT_EQ(asked.read(asked.reply().record(0, DnsMessage::name("a.test"), 1, 5, v4(1), 3)).outcome,
            Outcome::nodata);
  EXPECT_EQ(asked.read(asked.reply().record(0, DnsMessage::name("a.test"), 46, 5, "sig")).outcome,
            Outcome::nodata)
      << "RRSIG beside nothing";
}

TEST(Packet, CompressionPointersGoBackwardsOnly) {
  const Asked asked("a.test", RecordType::mx);
  const auto with_host = [&](std::string host) {
    return asked.read(asked.reply().record(0, std::string("\xc0\x0c", 2), DnsMessage::kMx, 5,
                                           std::string("\0\12", 2) + std::move(host)));
  };
  // The question stands at 12, the record's data after 12 + 12 + 12: its host at 38.
  const auto good = with_host(std::string("\2mx\xc0\x0c", 5));
  ASSERT_EQ(good.outcome, Outcome::records);
  EXPECT_EQ(good.records[0].data, "mx.a.test");
  EXPECT_EQ(with_host("\xc0\x26").outcome, Outcome::malformed) << "to itself";
  EXPECT_EQ(with_host("\xc0\x28").outcome, Outcome::malformed) << "forwards";
  EXPECT_EQ(with_host("\xff\xff").outcome, Outcome::malformed) << "outside";
  EXPECT_EQ(with_host(std::string("\xc0\x05", 2)).outcome, Outcome::malformed) << "the header";
  EXPECT_EQ(with_host("\2mx\xc0\x26").outcome, Outcome::malformed) << "loop over a label";
  EXPECT_EQ(with_host("\xc0").outcome, Outcome::malformed) << "half a pointer";
  EXPECT_EQ(with_host("\x40").outcome, Outcome::malformed) << "a reserved label type";
  EXPECT_EQ(with_host(std::string("\2mx\0x", 5)).outcome, Outcome::malformed) << "octets after it";
}

TEST(Packet, NamesEndAt255Octets) {
  const Asked asked("a.test", RecordType::ptr);
  const std::string label = "\x3f" + std::string(63, 'x');
  const auto with_name = [&](std::string name) {
    return asked
        .read(asked.reply().record(0, DnsMessage::name("a.test"), DnsMessage::kPtr, 5, name))
        .outcome;
  };
  const std::string most = label + label + label + "\x3d" + std::string(61, 'x') + '\0';
  ASSERT_EQ(most.size(), 255U);
  EXPECT_EQ(with_name(most), Outcome::records);
  EXPECT_EQ(with_name(label + label + label + "\x3e" + std::string(62, 'x') + '\0'),
            Outcome::malformed);
  EXPECT_EQ(with_name(label + label + label + label + label + '\0'), Outcome::malformed);
}

TEST(Packet, CountsAndLengthsThatLie) {
  const Asked asked("a.test");
  const auto one = asked.reply().a("a.test", 5, "192.0.2.1");
  EXPECT_EQ(asked.read(DnsMessage(one).count(0, 2)).outcome, Outcome::malformed);
  EXPECT_EQ(asked.read(DnsMessage(one).count(0, 65535)).outcome, Outcome::malformed);
  EXPECT_EQ(asked.read(DnsMessage(one).count(0, 0)).outcome, Outcome::nodata);
  EXPECT_EQ(asked.read(DnsMessage(one).count(2, 65535)).outcome, Outcome::records)
      << "what follows the answers is not needed";
  const auto size = [&](std::string data) {
    return asked.read(asked.reply().record(0, DnsMessage::name("a.test"), 1, 5, std::move(data)))
        .outcome;
  };
  EXPECT_EQ(size("abc"), Outcome::malformed);
  EXPECT_EQ(size("abcde"), Outcome::malformed);
  EXPECT_EQ(size(""), Outcome::malformed);
  auto cut = one.octets();
  for (std::size_t left = cut.size() - 1; left > 0; --left) {
    EXPECT_EQ(read_reply(std::string_view(cut).substr(0, left), asked.question).outcome,
              Outcome::malformed);
  }
  EXPECT_EQ(read_reply("", asked.question).outcome, Outcome::malformed);
}

TEST(Packet, TxtStringsStayWithinTheRecord) {
  const Asked asked("a.test", RecordType::txt);
  const auto with = [&](std::string data) {
    return asked
        .read(asked.reply().record(0, DnsMessage::name("a.test"), DnsMessage::kTxt, 5, data))
        .outcome;
  };
  EXPECT_EQ(with("\4abc"), Outcome::malformed);
  EXPECT_EQ(with(""), Outcome::malformed);
  EXPECT_EQ(with(std::string(1, '\0')), Outcome::records);
}

TEST(Packet, MutatedRepliesNeverReadOutside) {
  const Asked asked("a.test", RecordType::mx);
  const auto good = asked.reply()
                        .cname("a.test", 5, "b.test")
                        .record(0, std::string("\1b\xc0\x0e", 4), DnsMessage::kMx, 5,
                                std::string("\0\12\2mx\xc0\x0c", 7))
                        .soa("test", 5, 5)
                        .octets();
  ASSERT_EQ(read_reply(good, asked.question).outcome, Outcome::records);
  std::mt19937 random(42);
  for (int round = 0; round < 20000; ++round) {
    // An exact copy on the heap, so that the sanitizer sees each octet too many.
    std::vector<char> octets(good.begin(), good.end());
    for (unsigned changes = random() % 4 + 1; changes > 0; --changes)
      octets[random() % octets.size()] = static_cast<char>(random());
    octets.resize(octets.size() - random() % 8);
    octets.shrink_to_fit();
    const auto reply = read_reply({octets.data(), octets.size()}, asked.question);
    EXPECT_EQ(reply.outcome == Outcome::records, !reply.records.empty());
  }
}

TEST(Name, WhatCanBeAskedFor) {
  EXPECT_EQ(to_wire("mx.example"), DnsMessage::name("mx.example"));
  EXPECT_EQ(to_wire("mx.example."), DnsMessage::name("mx.example"));
  EXPECT_EQ(to_wire("_dmarc.example"), DnsMessage::name("_dmarc.example"));
  const std::string label(63, 'x');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'x');
  EXPECT_TRUE(to_wire(longest));
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".a"), std::string("a..b"), std::string("a.."),
        std::string(64, 'x'), longest + "x", std::string("a b"), std::string("a\r\nb"),
        std::string("a\\b"), std::string("\xc3\xa4.example"), std::string("a\0b", 3)})
    EXPECT_FALSE(to_wire(bad)) << bad;
}

TEST(Name, BelowIsByLabels) {
  const auto name = DnsMessage::name("mail.example.org");
  EXPECT_TRUE(is_at_or_below(name, DnsMessage::name("Example.ORG")));
  EXPECT_TRUE(is_at_or_below(name, name));
  EXPECT_TRUE(is_at_or_below(name, DnsMessage::name("")));
  EXPECT_FALSE(is_at_or_below(name, DnsMessage::name("ample.org")));
  EXPECT_FALSE(is_at_or_below(name, DnsMessage::name("a.mail.example.org")));
}

}  // namespace
}  // namespace postrider::dns
