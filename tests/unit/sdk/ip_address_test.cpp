// SPDX-License-Identifier: MIT
// Addresses as text and back; what is no address; networks and their edges.
#include <gtest/gtest.h>

#include <postrider/ip_address.hpp>

namespace postrider {
namespace {

std::string again(std::string_view text) {
  const auto address = IpAddress::parse(text);
  return address ? address->text() : "error";
}

TEST(IpAddress, ReadsAndWritesBothFamilies) {
  EXPECT_EQ(again("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(again("0.0.0.0"), "0.0.0.0");
  EXPECT_EQ(again("255.255.255.255"), "255.255.255.255");
  EXPECT_EQ(again("::"), "::");
  EXPECT_EQ(again("::1"), "::1");
  EXPECT_EQ(again("1::"), "1::");
  EXPECT_EQ(again("2001:DB8::0001"), "2001:db8::1");
  EXPECT_EQ(again("1:2:3:4:5:6:7:8"), "1:2:3:4:5:6:7:8");
  EXPECT_EQ(again("1:2:3:4:5:6:192.0.2.1"), "1:2:3:4:5:6:c000:201");
}

TEST(IpAddress, WritesAsRfc5952Says) {
  EXPECT_EQ(again("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");  // one group is not shortened
  EXPECT_EQ(again("2001:0:0:1:0:0:0:1"), "2001:0:0:1::1");           // the longest run
  EXPECT_EQ(again("2001:db8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");     // the first of equal runs
  EXPECT_EQ(again("1:0:0:0:0:0:0:0"), "1::");
  EXPECT_EQ(again("1::3:4:5:6:7:8"), "1:0:3:4:5:6:7:8");
}

TEST(IpAddress, TakesAMappedAddressForIpv4) {
  const auto mapped = IpAddress::parse("::ffff:192.0.2.1");
  ASSERT_TRUE(mapped);
  EXPECT_TRUE(mapped->is_v4());
  EXPECT_EQ(*mapped, *IpAddress::parse("192.0.2.1"));
  EXPECT_EQ(mapped->text(), "192.0.2.1");
  EXPECT_EQ(mapped->octets().size(), 4U);
  EXPECT_FALSE(IpAddress::parse("::192.0.2.1")->is_v4());
}

TEST(IpAddress, RefusesWhatIsNone) {
  for (const char* text : {"",
                           " ",
                           "1",
                           "127.1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "256.1.1.1",
                           "999.1.1.1",
                           "01.2.3.4",
                           "1.2.3.4 ",
                           " 1.2.3.4",
                           "1..2.3",
                           "1.2.3.",
                           ".1.2.3",
                           "+1.2.3.4",
                           "-1.2.3.4",
                           "0x7f.0.0.1",
                           "a.b.c.d",
                           ":",
                           ":::",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1::2::3",
                           "12345::",
                           "g::",
                           ":1:2",
                           "1:2:",
                           "1:2:3:4:5:6:7::8",
                           "::1%lo",
                           "::ffff:1.2.3.4%25lo",
                           "[::1]",
                           "1.2.3.4::",
                           "::1.2.3.4:5",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "::+1",
                           "::-1",
                           "::0x1",
                           "::1.2.3",
                           "::1.2.3.400"}) {
    EXPECT_EQ(again(text), "error") << text;
  }
  EXPECT_EQ(again(std::string_view("1.2.3.4\0", 8)), "error");
  EXPECT_EQ(again(std::string(1'000'000, ':')), "error");
}

TEST(IpAddress, KnowsItsKind) {
  EXPECT_TRUE(IpAddress::parse("127.255.0.1")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("::1")->is_loopback());
  EXPECT_FALSE(IpAddress::parse("128.0.0.1")->is_loopback());
  EXPECT_TRUE(IpAddress().is_unspecified());
  EXPECT_TRUE(IpAddress::parse("::")->is_unspecified());
  for (const char* inside : {"10.0.0.0", "172.16.0.1", "172.31.255.255", "192.168.1.1",
                             "169.254.0.1", "fc00::1", "fdff::1", "fe80::1", "febf::1"})
    EXPECT_TRUE(IpAddress::parse(inside)->is_private()) << inside;
  for (const char* outside : {"9.255.255.255", "172.15.0.1", "172.32.0.1", "192.169.0.1", "fec0::1",
                              "fe00::1", "2001:db8::1"})
    EXPECT_FALSE(IpAddress::parse(outside)->is_private()) << outside;
}

TEST(IpAddress, ComparesFamiliesApart) {
  EXPECT_NE(*IpAddress::parse("0.0.0.0"), *IpAddress::parse("::"));
  EXPECT_LT(*IpAddress::parse("10.0.0.1"), *IpAddress::parse("10.0.0.2"));
}

TEST(IpAddress, NamesItsPointerQuery) {
  EXPECT_EQ(IpAddress::parse("192.0.2.1")->reverse_name(), "1.2.0.192.in-addr.arpa");
  EXPECT_EQ(IpAddress::parse("2001:db8::567:89ab")->reverse_name(),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST(IpAddress, WritesLiterals) {
  EXPECT_EQ(IpAddress::parse("192.0.2.1")->literal(), "[192.0.2.1]");
  EXPECT_EQ(IpAddress::parse("2001:db8::1")->literal(), "[IPv6:2001:db8::1]");
}

TEST(SocketAddress, ReadsAndWrites) {
  for (const char* text : {"192.0.2.1:25", "[2001:db8::1]:25", "0.0.0.0:0", "127.0.0.1:65535"}) {
    const auto address = SocketAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
}

TEST(SocketAddress, RefusesWhatIsNone) {
  for (const char* text : {"", "1.2.3.4", "1.2.3.4:", ":25", "1.2.3.4:65536", "1.2.3.4:025",
                           "1.2.3.4:-1", "::1:25", "[::1]", "[::1]25", "[1.2.3.4]:25", "[]:25",
                           "[:25", "]:25", "host:25", "1.2.3.4:99999999999"})
    EXPECT_FALSE(SocketAddress::parse(text)) << text;
}

TEST(Network, HoldsItsAddressesOnly) {
  const auto net = Network::parse("10.20.0.0/15");
  ASSERT_TRUE(net);
  EXPECT_TRUE(net->contains(*IpAddress::parse("10.20.0.0")));
  EXPECT_TRUE(net->contains(*IpAddress::parse("10.21.255.255")));
  EXPECT_FALSE(net->contains(*IpAddress::parse("10.22.0.0")));
  EXPECT_FALSE(net->contains(*IpAddress::parse("10.19.255.255")));
  EXPECT_FALSE(net->contains(*IpAddress::parse("::")));
  EXPECT_TRUE(net->contains(*IpAddress::parse("::ffff:10.20.1.1")));
}

TEST(Network, ReachesBothEnds) {
  EXPECT_TRUE(Network::parse("0.0.0.0/0")->contains(*IpAddress::parse("255.1.2.3")));
  EXPECT_FALSE(Network::parse("0.0.0.0/0")->contains(*IpAddress::parse("::1")));
  EXPECT_TRUE(Network::parse("::/0")->contains(*IpAddress::parse("ffff::")));
  const auto lone = Network::parse("2001:db8::1");
  ASSERT_TRUE(lone);
  EXPECT_EQ(lone->text(), "2001:db8::1/128");
  EXPECT_TRUE(lone->contains(*IpAddress::parse("2001:db8::1")));
  EXPECT_FALSE(lone->contains(*IpAddress::parse("2001:db8::2")));
}

TEST(Network, RefusesWhatIsNone) {
  for (const char* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.1/8",
        "10.0.0.128/24", "2001:db8::1/64", "10.0.0.0/8/8", "10/8", "::ffff:10.0.0.0/104"})
    EXPECT_FALSE(Network::parse(text)) << text;
}

}  // namespace
}  // namespace postrider
