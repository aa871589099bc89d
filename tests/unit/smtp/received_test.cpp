// SPDX-License-Identifier: MIT
// Trace fields (RFC 5321 section 4.4) and dates (RFC 5322 section 3.3).
#include "smtp/received.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "smtp/date.hpp"
#include "smtp/header_block.hpp"

namespace postrider::smtp {
namespace {

using namespace std::chrono;

TraceInfo info() {
  TraceInfo trace;
  trace.helo = "mail.example.org";
  trace.client_name = "mx1.example.org";
  trace.client = *IpAddress::parse("192.0.2.1");
  trace.by = "mx.example.net";
  trace.protocol = Protocol::esmtp;
  trace.id = "1A2B3C";
  trace.at = sys_days(2026y / November / 21) + 5h + 8min + 46s;
  return trace;
}

/// The field on one line, and every line within 78 octets.
std::string one_line(const TraceInfo& trace) {
  const std::string field = received(trace);
  FieldReader reader(field);
  const auto read = reader.next();
  EXPECT_EQ(read->name, "Received");
  EXPECT_FALSE(reader.next()) << field;
  std::size_t at = 0;
  while (at < field.size()) {
    const std::size_t end = field.find("\r\n", at);
    EXPECT_LE(end - at, 78U) << field;
    at = end + 2;
  }
  return unfold(read->value);
}

TEST(Received, IsFoldedBeforeBy) {
  EXPECT_EQ(received(info()),
            "Received: from mail.example.org (mx1.example.org [192.0.2.1])\r\n"
            "\tby mx.example.net with ESMTP id 1A2B3C; Sat, 21 Nov 2026 05:08:46 +0000\r\n");
}

TEST(Received, NamesTheClientAsFarAsKnown) {
  TraceInfo trace = info();
  trace.client_name.reset();
  EXPECT_TRUE(one_line(trace).starts_with("from mail.example.org ([192.0.2.1])\tby "));
  trace.client_name = "";
  EXPECT_TRUE(one_line(trace).starts_with("from mail.example.org (unknown [192.0.2.1])\tby "));
  for (const char* hostile : {"x) by trusted (y", "a\r\nb", "${x}", "\x1b[1m", "a b", "1.2.3.4"}) {
    trace.client_name = hostile;
    EXPECT_TRUE(one_line(trace).starts_with("from mail.example.org (unknown [192.0.2.1])\tby "));
  }
  trace.client = *IpAddress::parse("2001:db8::1");
  EXPECT_NE(one_line(trace).find("(unknown [IPv6:2001:db8::1])"), std::string::npos);
}

TEST(Received, NamesTheRecipientIfGiven) {
  TraceInfo trace = info();
  trace.recipient = *Path::parse("a@b.example");
  EXPECT_NE(one_line(trace).find("id 1A2B3C for <a@b.example>;\tSat, 21 Nov"), std::string::npos)
      << received(trace);
  trace.recipient = *Path::parse("\xc3\xa9@b", true);
  EXPECT_EQ(one_line(trace).find("for"), std::string::npos);
  trace.smtputf8 = true;
  EXPECT_NE(one_line(trace).find("for <\xc3\xa9@b>;"), std::string::npos);
  EXPECT_NE(one_line(trace).find("with UTF8SMTP id"), std::string::npos);
  trace.recipient = Path();
  EXPECT_EQ(one_line(trace).find("for"), std::string::npos);
}

TEST(Received, MakesTheHeloHarmless) {
  TraceInfo trace = info();
  for (const std::string& helo :
       {std::string("x) by trusted (y"), std::string("a\r\nX-Evil: 1"), std::string("a;b"),
        std::string("\0\x1b\xff", 3), std::string("<a@b>"), std::string("\"q\""),
        std::string("a b\\")}) {
    trace.helo = helo;
    const std::string line = one_line(trace);
    EXPECT_EQ(line.find_first_of("<>\"\\\r\n"), std::string::npos) << line;
    EXPECT_EQ(std::ranges::count(line, '('), 1);
    EXPECT_EQ(std::ranges::count(line, ')'), 1);
    EXPECT_EQ(std::ranges::count(line, ';'), 1);
  }
  trace.helo = "[IPv6:2001:db8::1]";
  EXPECT_TRUE(one_line(trace).starts_with("from [IPv6:2001:db8::1] (mx1"));
  trace.helo = "";
  EXPECT_TRUE(one_line(trace).starts_with("from unknown (mx1"));
  trace.helo = std::string(11'000, '0');
  EXPECT_LT(received(trace).size(), 512U);
}

TEST(Received, SaysWithWhat) {
  EXPECT_EQ(with_protocol(Protocol::smtp, false, false, false), "SMTP");
  EXPECT_EQ(with_protocol(Protocol::smtp, true, false, false), "SMTP");
  EXPECT_EQ(with_protocol(Protocol::esmtp, false, false, false), "ESMTP");
  EXPECT_EQ(with_protocol(Protocol::esmtp, true, false, false), "ESMTPS");
  EXPECT_EQ(with_protocol(Protocol::esmtp, false, true, false), "ESMTPA");
  EXPECT_EQ(with_protocol(Protocol::esmtp, true, true, false), "ESMTPSA");
  EXPECT_EQ(with_protocol(Protocol::lmtp, true, true, false), "LMTPSA");
  EXPECT_EQ(with_protocol(Protocol::esmtp, true, false, true), "UTF8SMTPS");
  EXPECT_EQ(with_protocol(Protocol::lmtp, false, false, true), "UTF8LMTP");
}

TEST(Received, IsCounted) {
  std::string block = "Received: a\r\n\tReceived: not one\r\nX-Received: b\r\nRECEIVED:c\r\n";
  EXPECT_EQ(count_received(block), 2U);
  for (int i = 0; i < 100; ++i) block += received(info());
  EXPECT_EQ(count_received(block), 102U);
}

TEST(Date, IsOfRfc5322) {
  EXPECT_EQ(date(info().at), "Sat, 21 Nov 2026 05:08:46 +0000");
  EXPECT_EQ(date(WallTime{}), "Thu, 01 Jan 1970 00:00:00 +0000");
  EXPECT_EQ(date(sys_days(2024y / February / 29) + 23h + 59min + 59s + 999ms),
            "Thu, 29 Feb 2024 23:59:59 +0000");
  EXPECT_EQ(date(sys_days(2038y / January / 19) + 3h + 14min + 8s),
            "Tue, 19 Jan 2038 03:14:08 +0000");
  EXPECT_EQ(date(WallTime(-1ms)), "Wed, 31 Dec 1969 23:59:59 +0000");
  EXPECT_EQ(date(WallTime::min()), "Mon, 01 Jan 1900 00:00:00 +0000");
  EXPECT_EQ(date(WallTime::max()), "Fri, 31 Dec 9999 23:59:59 +0000");
}

}  // namespace
}  // namespace postrider::smtp
