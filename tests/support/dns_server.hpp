// SPDX-License-Identifier: MIT
// A name server for tests that says what a script tells it to: lies, half messages, late answers,
// answers from elsewhere. UDP and TCP on one ephemeral loopback port, in a thread of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <postrider/ip_address.hpp>
#include <postrider/time.hpp>

namespace postrider::testing {

/// A question as the server saw it.
struct DnsQuery {
  std::string packet;
  std::string name;  ///< in text, lower case
  std::uint16_t id = 0;
  std::uint16_t type = 0;
  bool recursion_desired = false;
  unsigned udp_size = 0;  ///< of EDNS0; 0: no OPT record
  bool dnssec_ok = false;
  bool over_tcp = false;
  std::uint16_t port = 0;  ///< the asker's
  std::size_t number = 0;  ///< 0 is the first that this server got

  /// A question for tests of the parser.
  static DnsQuery make(std::string_view name, std::uint16_t type);
  static DnsQuery read(std::string packet);
};

/// One thing to send back.
struct DnsSend {
  std::string octets;
  Duration after{};             ///< wait so long first
  bool from_elsewhere = false;  ///< UDP: from another port
  bool is_raw = false;          ///< TCP: without the length in front
  bool then_close = false;      ///< TCP
};
using DnsScript = std::function<std::vector<DnsSend>(const DnsQuery&)>;

/// Writes a message, right or wrong.
class DnsMessage {
 public:
  static constexpr unsigned kA = 1, kNs = 2, kCname = 5, kSoa = 6, kPtr = 12, kMx = 15, kTxt = 16,
                            kAaaa = 28, kOpt = 41;
  /// A reply to `query`: its id and question, QR, RD, RA, NOERROR.
  explicit DnsMessage(const DnsQuery& query);

  DnsMessage& id(unsigned id);
  DnsMessage& rcode(unsigned rcode);
  DnsMessage& truncated();
  DnsMessage& authenticated();
  DnsMessage& flags(unsigned flags);
  DnsMessage& question(std::string octets, unsigned count = 1);
  /// section: 0 answer, 1 authority, 2 additional
  DnsMessage& record(unsigned section, std::string owner, unsigned type, std::uint32_t ttl,
                     std::string data, unsigned record_class = 1);
  DnsMessage& a(std::string_view owner, std::uint32_t ttl, std::string_view address);
  DnsMessage& cname(std::string_view owner, std::uint32_t ttl, std::string_view target);
  DnsMessage& mx(std::string_view owner, std::uint32_t ttl, unsigned preference,
                 std::string_view host);
  DnsMessage& ptr(std::string_view owner, std::uint32_t ttl, std::string_view name);
  DnsMessage& txt(std::string_view owner, std::uint32_t ttl, std::vector<std::string> strings);
  DnsMessage& soa(std::string_view zone, std::uint32_t ttl, std::uint32_t minimum);
  DnsMessage& ns(std::string_view zone, std::string_view host);
  /// Lie about the number of records of a section.
  DnsMessage& count(unsigned section, unsigned count);
  std::string octets() const;
  operator std::vector<DnsSend>() const { return {{.octets = octets()}}; }

  static std::string number(std::uint32_t value, unsigned octets);
  /// A name in wire form; what is in its labels does not matter.
  static std::string name(std::string_view text);

 private:
  unsigned id_;
  unsigned flags_ = 0x8180;
  std::string question_;
  unsigned questions_ = 1;
  unsigned counts_[3] = {0, 0, 0};
  std::string sections_[3];
};

class DnsServer {
 public:
  /// `script` runs in the server's thread, one question at a time.
  explicit DnsServer(DnsScript script);
  ~DnsServer();
  SocketAddress address() const;
  /// [any thread] What was asked so far.
  std::vector<DnsQuery> queries() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace postrider::testing
