// SPDX-License-Identifier: MIT
// DNS of a simulated world: a zone written as lines, answers after a moment of virtual time, and a
// count of the questions.
//   example.org. 300 MX 10 mx.example.org     name, TTL (may be left out), type, data
//   192.0.2.7 PTR host.example.org            an address stands for its reverse name
//   broken.example MX SERVFAIL                or TIMEOUT, REFUSED, NODATA
//   slow.example DELAY 3s                     every answer about this name takes so long
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <postrider/dns.hpp>
#include <postrider/loop.hpp>

namespace postrider::sim {

/// The records. Shared by every server that asks, and kept over its restart.
class Zone {
 public:
  /// Replaces all records. Throws Mismatch at a line that makes no sense.
  void load(const std::vector<std::string>& lines);
  /// How often `type` ("MX", "A", "AAAA", "PTR", "TXT") of `name` was asked.
  std::size_t count(const std::string& type, const std::string& name) const;

 private:
  friend class SimDns;
  struct Records {
    std::vector<std::string> data;
    Duration ttl = 300s;
    std::optional<DnsFailure> failure;
  };
  void add(const std::string& line);
  const Records* find(const std::string& type, const std::string& name) const;
  DnsError missing(const std::string& type, const std::string& name) const;

  std::map<std::string, std::map<std::string, Records>> names_;  // name, then type
  std::map<std::string, Duration> delays_;
  std::map<std::string, std::size_t> asked_;
};

/// [loop thread]
class SimDns final : public Dns {
 public:
  SimDns(Loop& loop, Zone& zone) : loop_(loop), zone_(zone) {}
  Task<DnsResult<MxRecord>> mx(std::string name) override;
  Task<DnsResult<IpAddress>> addresses(std::string name, AddressFamily family) override;
  Task<DnsResult<std::string>> ptr(IpAddress address) override;
  Task<DnsResult<std::string>> txt(std::string name) override;

 private:
  using Answer = DnsResult<std::string>;
  Task<Answer> ask(std::string type, std::string name);

  Loop& loop_;
  Zone& zone_;
};

}  // namespace postrider::sim
