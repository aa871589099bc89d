// SPDX-License-Identifier: MIT
// The five steps of Q190026 against scripted DNS: what is wrong is found, on the right record.
#include "control/doctor_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <postrider/testing/fake_dns.hpp>
#include <postrider/testing/run.hpp>

#include "unit/control/findings.hpp"

namespace postrider::control {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class DoctorNames : public ::testing::Test {
 protected:
  DoctorNames() {
    dns.set_mx("example.org", {{10, "mail.example.org"}});
    dns.set_addresses("mail.example.org", {"198.51.100.25"});
    dns.set_ptr("198.51.100.25", {"mail.example.org"});
  }
  Findings run() {
    return postrider::testing::run(
        loop, examine_names(dns, {.domain = "example.org",
                                  .hostname = "mail.example.org",
                                  .own_addresses = {IpAddress::parse("198.51.100.25").value()}}));
  }
  std::vector<std::string> lines() { return lines_of(run()); }

  postrider::testing::ManualLoop loop;
  postrider::testing::FakeDns dns{loop};
};

TEST_F(DoctorNames, AllAgree) {
  EXPECT_THAT(lines(),
              ElementsAre("ok names.mx: example.org has MX 10 mail.example.org",
                          "ok names.address: mail.example.org has address 198.51.100.25",
                          "ok names.ptr: 198.51.100.25 has PTR mail.example.org",
                          "ok names.agree: mail.example.org leads back to 198.51.100.25",
                          "ok names.seen: a remote host sees mail.example.org [198.51.100.25] say "
                          "EHLO mail.example.org: all agree"));
}

TEST_F(DoctorNames, EachQuestionIsAskedOnceForEachRecord) {
  run();
  EXPECT_THAT(dns.questions(), ElementsAre("mx example.org", "a mail.example.org",
                                           "ptr 198.51.100.25", "a mail.example.org"));
}

TEST_F(DoctorNames, AMissingPtrNamesTheRecordToAdd) {
  dns.fail("198.51.100.25", DnsFailure::nxdomain);
  EXPECT_THAT(lines(), Contains(StartsWith(
                           "wrong names.ptr: 198.51.100.25 has no PTR; remote hosts may drop our "
                           "connections (Q190026) -> have whoever runs the network set "
                           "\"25.100.51.198.in-addr.arpa. IN PTR mail.example.org.\"")));
  EXPECT_THAT(lines(), Not(Contains(HasSubstr("names.seen"))));
}

TEST_F(DoctorNames, APtrThatLeadsElsewhere) {
  dns.set_ptr("198.51.100.25", {"old.example.net"});
  dns.set_addresses("old.example.net", {"203.0.113.9"});
  EXPECT_THAT(lines(), Contains(AllOf(StartsWith("wrong names.agree: the PTR of 198.51.100.25 does "
                                                 "not lead back to it: old.example.net has "
                                                 "address 203.0.113.9"),
                                      HasSubstr("IN PTR mail.example.org."))));
}

TEST_F(DoctorNames, APtrOfAnotherNameThatLeadsBack) {
  dns.set_ptr("198.51.100.25", {"host25.provider.example"});
  dns.set_addresses("host25.provider.example", {"198.51.100.25"});
  EXPECT_THAT(lines(), Contains(AllOf(StartsWith("warning names.seen: a remote host sees "
                                                 "host25.provider.example [198.51.100.25] say "
                                                 "EHLO mail.example.org: the names differ"),
                                      HasSubstr("hostname = \"host25.provider.example\""))));
}

TEST_F(DoctorNames, AHostilePtrIsMadePrintable) {
  dns.set_ptr("198.51.100.25", {"a b\r\n<script>"});
  EXPECT_THAT(lines(),
              Contains(StartsWith("wrong names.ptr: the PTR of 198.51.100.25 is no host name: "
                                  "\"a b?"
                                  "?<script>\"")));
}

TEST_F(DoctorNames, WithoutMxTheDomainsOwnAddressCounts) {
  dns.fail("example.org", DnsFailure::nodata);
  EXPECT_THAT(lines(), Contains(StartsWith("warning names.mx: example.org has no MX")));
  EXPECT_THAT(lines(), Contains(StartsWith("wrong names.address: the domain example.org has no")));
  EXPECT_THAT(lines(), Contains(HasSubstr("add the record \"example.org. IN MX 10 "
                                          "mail.example.org.\"")));
}

TEST_F(DoctorNames, TheHostIsExaminedEvenIfTheDomainDoesNotExist) {
  dns.fail("example.org", DnsFailure::nxdomain);
  EXPECT_THAT(lines(), Contains(StartsWith("wrong names.mx: the domain example.org does not")));
  EXPECT_THAT(lines(), Contains(StartsWith("ok names.seen")));
}

TEST_F(DoctorNames, DnsTroubleIsNotTakenForAMissingRecord) {
  dns.fail("example.org", DnsFailure::servfail);
  dns.fail("198.51.100.25", DnsFailure::timeout);
  EXPECT_THAT(lines(), Contains(HasSubstr("names.mx: the MX of example.org cannot be looked up")));
  EXPECT_THAT(lines(), Contains(HasSubstr("the PTR of 198.51.100.25 cannot be looked up")));
  EXPECT_THAT(lines(), Not(Contains(HasSubstr("has no PTR"))));
}

TEST_F(DoctorNames, SilentNameServersAreNotAMissingAddress) {
  dns.fail("mail.example.org", DnsFailure::timeout);
  EXPECT_THAT(lines(),
              Contains(AllOf(StartsWith("wrong names.address: the address of our host "
                                        "mail.example.org cannot be looked up"),
                             HasSubstr("-> check our name servers"), Not(HasSubstr("A record")))));
}

TEST_F(DoctorNames, AnMxThatIsAnAlias) {
  dns.set_aliases("mail.example.org", 1);
  EXPECT_THAT(lines(), Contains(AllOf(StartsWith("wrong names.address: our host mail.example.org "
                                                 "is an alias (CNAME), to 198.51.100.25"),
                                      HasSubstr("RFC 2181"))));
}

TEST_F(DoctorNames, AnMxThatIsAnAddressAndANullMx) {
  dns.set_mx("example.org", {{10, "198.51.100.25"}, {20, "mail.example.org"}});
  EXPECT_THAT(lines(), Contains(StartsWith("wrong names.mx: the MX \"198.51.100.25\" of")));
  dns.set_mx("example.org", {{0, ""}});
  EXPECT_THAT(lines(), Contains(StartsWith("warning names.mx: example.org has a null MX")));
}

TEST_F(DoctorNames, AnMxWithoutAddress) {
  dns.set_mx("example.org", {{10, "mail.example.org"}, {20, "gone.example.org"}});
  EXPECT_THAT(lines(), Contains("wrong names.address: the MX gone.example.org has no address: no "
                                "such name -> add an A record for gone.example.org, or take it "
                                "out of the MX records"));
}

TEST_F(DoctorNames, AnotherHostsMissingPtrIsAWarning) {
  dns.set_mx("example.org", {{10, "mail.example.org"}, {20, "backup.example.net"}});
  dns.set_addresses("backup.example.net", {"203.0.113.7"});
  const auto found = lines();
  EXPECT_THAT(found, Contains(StartsWith("warning names.ptr: 203.0.113.7 has no PTR")));
  EXPECT_THAT(found, Contains(StartsWith("ok names.mx: example.org has MX 10 mail.example.org, 20 "
                                         "backup.example.net")));
}

TEST_F(DoctorNames, NoMxLeadsHere) {
  dns.set_mx("example.org", {{10, "elsewhere.example.net"}});
  dns.set_addresses("elsewhere.example.net", {"203.0.113.7"});
  EXPECT_THAT(lines(), Contains(StartsWith("warning names.mx: no MX of example.org leads to this "
                                           "host, mail.example.org")));
}

TEST_F(DoctorNames, AnAddressOfAPrivateNetworkIsAWarning) {
  dns.set_addresses("mail.example.org", {"10.0.0.25"});
  dns.set_ptr("10.0.0.25", {"mail.example.org"});
  EXPECT_THAT(lines(), Contains(StartsWith("warning names.address: mail.example.org has address "
                                           "10.0.0.25, which the internet cannot reach")));
}

TEST_F(DoctorNames, Ipv6HasItsOwnRecords) {
  dns.set_addresses("mail.example.org", {"2001:db8::25"});
  dns.set_ptr("2001:db8::25", {"mail6.example.org"});
  const auto found = lines();
  EXPECT_THAT(found, Contains(AllOf(HasSubstr("names.agree"), HasSubstr("ip6.arpa. IN PTR"),
                                    HasSubstr("\"mail6.example.org. IN AAAA 2001:db8::25\""))));
}

TEST(DomainOf, IsTheHostNameWithoutItsFirstLabel) {
  EXPECT_EQ(domain_of("mail.example.org"), "example.org");
  EXPECT_EQ(domain_of("example.org"), "example.org");
  EXPECT_EQ(domain_of("localhost"), "localhost");
}

}  // namespace
}  // namespace postrider::control
