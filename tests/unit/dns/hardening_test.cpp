// SPDX-License-Identifier: MIT
// The two functions of libudns that are replaced: that libudns.so itself calls ours, and that ours
// are right.
#include "dns/hardening.hpp"

#include <set>
#include <string>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <udns.h>

#include "support/dns_server.hpp"

namespace postrider::dns {
namespace {

TEST(Hardening, LibudnsCallsOurFunctions) {
  EXPECT_TRUE(is_udns_hardened());
  // What libudns.so binds to is the first definition in the global scope: the executable's.
  Dl_info global{}, library{};
  for (const char* name : {"udns_jranval", "dns_getdn"}) {
    ASSERT_TRUE(dladdr(dlsym(RTLD_DEFAULT, name), &global));
    ASSERT_TRUE(dladdr(dlsym(RTLD_DEFAULT, "dns_version"), &library));
    EXPECT_STRNE(global.dli_fname, library.dli_fname) << name;
  }
}

TEST(Hardening, NumbersAreRandom) {
  std::set<std::uint32_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_number());
  EXPECT_GE(seen.size(), 999U);
  std::uint32_t other = 0;
  std::thread([&] { other = random_number(); }).join();
  EXPECT_FALSE(seen.contains(other)) << "each thread has numbers of its own";
}

/// Decodes with exact buffers, so that the sanitizer sees each octet too many.
int decode(const std::string& packet, std::size_t at, unsigned size, std::string& name,
           std::size_t* end = nullptr) {
  const std::vector<unsigned char> octets(packet.begin(), packet.end());
  std::vector<unsigned char> target(size);
  const unsigned char* cursor = octets.data() + at;
  const int length =
      dns_getdn(octets.data(), &cursor, octets.data() + octets.size(), target.data(), size);
  if (length > 0) name.assign(target.begin(), target.begin() + length);
  if (end) *end = static_cast<std::size_t>(cursor - octets.data());
  return length;
}

TEST(Hardening, LongNameStaysInItsBuffer) {
  const std::string header(12, '\0');
  const std::string label = "\x3f" + std::string(63, 'x');
  std::string name;
  const std::string most = label + label + label + "\x3d" + std::string(61, 'x') + '\0';
  EXPECT_EQ(decode(header + most, 12, 255, name), 255);
  EXPECT_EQ(name, most);
  // 255 octets of labels, then the root: the original writes that at [255].
  const std::string too_long = label + label + label + "\x3e" + std::string(62, 'x') + '\0';
  EXPECT_EQ(decode(header + too_long, 12, 255, name), -1);
  EXPECT_EQ(decode(header + most, 12, 254, name), 0) << "a small buffer";
  EXPECT_EQ(decode(header + std::string("\1a\0", 3), 12, 2, name), 0);
}

TEST(Hardening, PointersAndEnds) {
  const std::string packet = std::string(12, '\0') + std::string("\1a\0", 3) + "\1b\xc0\x0c";
  std::string name;
  std::size_t end = 0;
  EXPECT_EQ(decode(packet, 15, 255, name, &end), 5);
  EXPECT_EQ(name, std::string("\1b\1a\0", 5));
  EXPECT_EQ(end, packet.size());
  EXPECT_EQ(decode(packet.substr(0, packet.size() - 1), 15, 255, name), -1);
  EXPECT_EQ(decode(std::string(12, '\0') + "\xc0\x0c", 12, 255, name), -1) << "to itself";
  EXPECT_EQ(decode(std::string(12, '\0') + "\1a\xc0\x0c", 12, 255, name), -1) << "a loop";
  EXPECT_EQ(decode(std::string(12, '\0') + "\5ab", 12, 255, name), -1) << "past the end";
  EXPECT_EQ(decode(std::string(12, '\0') + "\x40", 12, 255, name), -1) << "a reserved type";
}

}  // namespace
}  // namespace postrider::dns
