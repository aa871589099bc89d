// SPDX-License-Identifier: MIT
// DNS as a mail server needs it: answers with their TTL, and failures told apart.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include <postrider/ip_address.hpp>
#include <postrider/task.hpp>
#include <postrider/time.hpp>

namespace postrider {

/// How a lookup ended without records.
enum class DnsFailure : std::uint8_t {
  nodata,     ///< the name exists, without records of this type
  nxdomain,   ///< no such name
  servfail,   ///< the server could not answer
  refused,    ///< the server would not answer
  timeout,    ///< no server answered in time
  malformed,  ///< answers that make no sense; treated like servfail
};

struct DnsError {
  DnsFailure failure = DnsFailure::servfail;
  /// The failure may be remembered so long from now, when it is handed over (RFC 2308: nodata and
  /// nxdomain only); 0 if unknown.
  Duration ttl{};
  /// For people: which name, type, server and what happened.
  std::string text;
  /// May the same question have an answer later? True for all but nodata and nxdomain.
  bool is_temporary() const noexcept {
    return failure != DnsFailure::nodata && failure != DnsFailure::nxdomain;
  }
};

template <class T>
struct DnsAnswer {
  std::vector<T> records;  ///< never empty
  /// The answer may be used so long from now, when it is handed over: until the first of its
  /// records and of the CNAMEs on the way ends. What is kept for a while has to be counted down.
  Duration ttl{};
  bool authenticated = false;  ///< the AD bit; worth something from a loopback resolver only
  unsigned aliases = 0;        ///< CNAMEs on the way; 0: the records are the name's own
};
template <class T>
using DnsResult = std::expected<DnsAnswer<T>, DnsError>;

struct MxRecord {
  std::uint16_t preference = 0;
  std::string host;  ///< lower case, no trailing dot; "" is the null MX (RFC 7505)
  bool operator==(const MxRecord&) const = default;
};

enum class AddressFamily : std::uint8_t { any, v4, v6 };

/// [loop thread, may suspend] Lookups of one loop. Names are ASCII (A-labels) without trailing dot;
/// dropping the task cancels the query. CNAMEs are followed (8 at most).
class Dns {
 public:
  virtual ~Dns() = default;
  /// MX records, unsorted, as they came.
  virtual Task<DnsResult<MxRecord>> mx(std::string name) = 0;
  /// A and AAAA records. With `any` both are asked at once: an answer if either has records; a
  /// temporary error if neither has and one failed temporarily.
  virtual Task<DnsResult<IpAddress>> addresses(std::string name, AddressFamily family) = 0;
  /// The PTR names of an address, raw: hostile input, check with is_host_name().
  virtual Task<DnsResult<std::string>> ptr(IpAddress address) = 0;
  /// TXT records, the strings of each joined.
  virtual Task<DnsResult<std::string>> txt(std::string name) = 0;
};

}  // namespace postrider
