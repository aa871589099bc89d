// SPDX-License-Identifier: MIT
// DNS messages: writing a question, judging a reply. Replies are hostile input; nothing here
// trusts a count, a length or a pointer (RFC 1035 section 4, RFC 2181, RFC 2308, RFC 6891).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <postrider/time.hpp>

#include "dns/name.hpp"

namespace postrider::dns {

enum class RecordType : std::uint16_t {
  a = 1,
  ns = 2,
  cname = 5,
  soa = 6,
  ptr = 12,
  mx = 15,
  txt = 16,
  aaaa = 28,
  opt = 41,
};
/// "MX"
std::string_view type_name(RecordType type) noexcept;

struct Question {
  WireName name;
  RecordType type = RecordType::a;
};

/// What came of asking one server once.
enum class Outcome : std::uint8_t {
  records,      ///< there are records
  alias,        ///< CNAMEs lead to a name that the reply says nothing about: ask for it
  nodata,       ///< the name has no such records
  nxdomain,     ///< no such name
  truncated,    ///< TC: ask again over TCP
  servfail,     ///< RCODE 2
  refused,      ///< RCODE 5
  unsupported,  ///< RCODE 1 or 4: the server did not like how we asked, EDNS0 perhaps
  failed,       ///< another RCODE, a referral, a connection that broke; `detail` says which
  malformed,    ///< no reply to this question, or broken, or a CNAME loop
  timeout,      ///< no reply in time
  unsent,       ///< the question could not be sent; `detail` says why
};

/// A, AAAA: the 4 or 16 octets. MX: the host in text, lower case. PTR: the name in text, as it
/// came. TXT: the strings, joined.
struct Record {
  std::uint16_t preference = 0;  ///< MX only
  std::string data{};
  bool operator==(const Record&) const = default;
};

struct Reply {
  Outcome outcome = Outcome::malformed;
  std::vector<Record> records{};
  Duration ttl{};              ///< of nodata and nxdomain too (RFC 2308), 0 if unknown
  bool authenticated = false;  ///< AD
  unsigned aliases = 0;        ///< CNAMEs followed within the reply
  WireName target{};           ///< where they ended
  std::string detail{};        ///< for people, if there is more to say
  unsigned strays = 0;         ///< packets that came meanwhile and fit no question
};

/// The CNAMEs followed for one question, in one reply or several.
inline constexpr unsigned kMaxAliases = 8;

/// A query: recursion desired, EDNS0 with 1232 octets and DO.
std::string write_query(std::uint16_t id, const Question& question);

/// Judge `packet` as the reply to `question`. `id`: the id it must have, if nobody checked before.
Reply read_reply(std::string_view packet, const Question& question,
                 std::optional<std::uint16_t> id = std::nullopt);

}  // namespace postrider::dns
