// SPDX-License-Identifier: MIT
// One pass reads the records of a reply, a second follows the CNAMEs in whatever order they came.
#include "dns/packet.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace postrider::dns {
namespace {

constexpr std::size_t kHeader = 12;
constexpr unsigned kClassIn = 1;
constexpr unsigned kQr = 0x8000, kOpcode = 0x7800, kAa = 0x0400, kTc = 0x0200, kRd = 0x0100,
                   kAd = 0x0020;
constexpr unsigned kDo = 0x8000;
constexpr unsigned kUdpSize = 1232;  // fits every path without fragments (DNS flag day 2020)

unsigned get16(std::string_view packet, std::size_t at) noexcept {
  return static_cast<unsigned>(static_cast<std::uint8_t>(packet[at])) << 8 |
         static_cast<std::uint8_t>(packet[at + 1]);
}
std::uint32_t get32(std::string_view packet, std::size_t at) noexcept {
  return static_cast<std::uint32_t>(get16(packet, at)) << 16 | get16(packet, at + 2);
}
void put16(std::string& packet, unsigned value) {
  packet.push_back(static_cast<char>(value >> 8 & 0xff));
  packet.push_back(static_cast<char>(value & 0xff));
}
/// RFC 2181 section 8: a TTL with the top bit set counts as zero.
Duration length_of(std::uint32_t ttl) noexcept {
  return std::chrono::seconds(ttl >> 31 ? 0 : ttl);
}

/// One record where it lies; all of it is within the packet.
struct Place {
  WireName owner;
  RecordType type;
  unsigned owner_class;
  std::uint32_t ttl;  // raw: OPT keeps its flags here
  std::size_t data;
  std::size_t size;
};

std::optional<Place> read_place(std::string_view packet, std::size_t& at) {
  auto owner = read_name(packet, at);
  if (!owner || packet.size() - at < 10) return std::nullopt;
  Place place{.owner = std::move(*owner),
              .type = static_cast<RecordType>(get16(packet, at)),
              .owner_class = get16(packet, at + 2),
              .ttl = get32(packet, at + 4),
              .data = at + 10,
              .size = get16(packet, at + 8)};
  if (place.size > packet.size() - place.data) return std::nullopt;
  at = place.data + place.size;
  return place;
}

/// The name in the data of a record, `skip` octets into it; it must end where the data end.
std::optional<WireName> name_in(std::string_view packet, const Place& place, std::size_t skip) {
  if (place.size <= skip) return std::nullopt;
  std::size_t at = place.data + skip;
  auto name = read_name(packet.substr(0, place.data + place.size), at);
  if (!name || at != place.data + place.size) return std::nullopt;
  return name;
}

std::optional<std::string> joined_strings(std::string_view data) {
  if (data.empty()) return std::nullopt;
  std::string joined;
  while (!data.empty()) {
    const std::size_t length = static_cast<std::uint8_t>(data[0]);
    if (length > data.size() - 1) return std::nullopt;
    joined += data.substr(1, length);
    data.remove_prefix(1 + length);
  }
  return joined;
}

std::optional<Record> read_record(std::string_view packet, const Place& place) {
  const auto data = packet.substr(place.data, place.size);
  switch (place.type) {
    case RecordType::a:
    case RecordType::aaaa:
      if (data.size() != (place.type == RecordType::a ? 4U : 16U)) return std::nullopt;
      return Record{0, std::string(data)};
    case RecordType::mx:
      if (auto host = name_in(packet, place, 2))
        return Record{static_cast<std::uint16_t>(get16(data, 0)), to_lower(to_text(*host))};
      return std::nullopt;
    case RecordType::ptr:
      if (auto name = name_in(packet, place, 0)) return Record{0, to_text(*name)};
      return std::nullopt;
    case RecordType::txt:
      if (auto text = joined_strings(data)) return Record{0, std::move(*text)};
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

/// The sections of one reply. Broken answers make it malformed; what follows them is a bonus.
struct Sections {
  std::vector<Place> answers;
  std::vector<Place> authority;
  unsigned extended_rcode = 0;  // the upper eight bits, out of OPT
};

std::optional<Sections> read_sections(std::string_view packet, std::size_t at) {
  Sections sections;
  for (unsigned left = get16(packet, 6); left > 0; --left) {
    auto place = read_place(packet, at);
    if (!place) return std::nullopt;
    if (place->owner_class == kClassIn) sections.answers.push_back(std::move(*place));
  }
  const unsigned authority = get16(packet, 8);
  for (unsigned left = authority + get16(packet, 10), seen = 0; left > 0; --left, ++seen) {
    auto place = read_place(packet, at);
    if (!place) break;
    if (place->type == RecordType::opt) sections.extended_rcode = place->ttl >> 24;
    if (seen < authority && place->owner_class == kClassIn)
      sections.authority.push_back(std::move(*place));
  }
  return sections;
}

/// Follows the CNAMEs of one reply and collects what stands at their end.
class Chain {
 public:
  Chain(std::string_view packet, const Question& question, const Sections& sections)
      : packet_(packet), question_(question), sections_(sections) {
    reply_.target = question.name;
  }

  Reply follow(bool name_exists) && {
    while (true) {
      if (!collect()) return malformed("a broken record");
      if (!reply_.records.empty()) break;
      const Place* alias = find(RecordType::cname);
      if (!alias) break;
      if (++reply_.aliases > kMaxAliases) return malformed("too many CNAMEs, or a loop of them");
      auto target = name_in(packet_, *alias, 0);
      if (!target) return malformed("a broken CNAME");
      limit_ttl(alias->ttl);
      reply_.target = std::move(*target);
    }
    if (!name_exists)
      reply_.outcome = Outcome::nxdomain;
    else
      reply_.outcome = reply_.records.empty() ? Outcome::nodata : Outcome::records;
    if (reply_.outcome != Outcome::records) negative();
    return std::move(reply_);
  }

 private:
  bool collect() {
    for (const Place& place : sections_.answers) {
      if (place.type != question_.type || !same_name(place.owner, reply_.target)) continue;
      auto record = read_record(packet_, place);
      if (!record) return false;
      reply_.records.push_back(std::move(*record));
      limit_ttl(place.ttl);
    }
    if (ttl_) reply_.ttl = *ttl_;
    return true;
  }

  const Place* find(RecordType type) const {
    for (const Place& place : sections_.answers)
      if (place.type == type && same_name(place.owner, reply_.target)) return &place;
    return nullptr;
  }

  /// RFC 2308: the SOA says how long "no" holds. No SOA of the last name's zone: perhaps the
  /// server never looked there.
  void negative() {
    reply_.records.clear();
    for (const Place& place : sections_.authority) {
      if (place.type == RecordType::soa && place.size >= 22 &&
          is_at_or_below(reply_.target, place.owner)) {
        limit_ttl(place.ttl);
        limit_ttl(get32(packet_, place.data + place.size - 4));
        reply_.ttl = *ttl_;
        return;
      }
    }
    if (reply_.outcome == Outcome::nodata && reply_.aliases > 0)
      reply_.outcome = Outcome::alias;
    else
      reply_.ttl = Duration::zero();
  }

  void limit_ttl(std::uint32_t raw) {
    ttl_ = std::min(length_of(raw), ttl_.value_or(Duration::max()));
  }

  static Reply malformed(std::string detail) { return {.detail = std::move(detail)}; }

  std::string_view packet_;
  const Question& question_;
  const Sections& sections_;
  Reply reply_;
  std::optional<Duration> ttl_;
};

bool is_referral(const Sections& sections, unsigned flags) {
  const auto of = [&](RecordType type) {
    return std::ranges::find(sections.authority, type, &Place::type) != sections.authority.end();
  };
  return sections.answers.empty() && !(flags & kAa) && of(RecordType::ns) && !of(RecordType::soa);
}

Reply failed_with(unsigned rcode) {
  switch (rcode) {
    case 1:
    case 4:
      return {.outcome = Outcome::unsupported, .detail = rcode == 1 ? "FORMERR" : "NOTIMP"};
    case 2:
      return {.outcome = Outcome::servfail};
    case 5:
      return {.outcome = Outcome::refused};
    default:
      return {.outcome = Outcome::failed, .detail = fmt::format("RCODE {}", rcode)};
  }
}

/// Is this the reply to that question? Moves `at` past the question.
bool matches(std::string_view packet, const Question& question, std::optional<std::uint16_t> id,
             std::size_t& at) {
  const unsigned flags = get16(packet, 2);
  if (!(flags & kQr) || flags & kOpcode || (id && get16(packet, 0) != *id)) return false;
  // Old servers send a FORMERR as a bare header.
  if (get16(packet, 4) == 0) return (flags & 0xf) == 1;
  if (get16(packet, 4) != 1) return false;
  const auto name = read_name(packet, at);
  if (!name || packet.size() - at < 4 || !same_name(*name, question.name)) return false;
  at += 4;
  return get16(packet, at - 4) == std::to_underlying(question.type) &&
         get16(packet, at - 2) == kClassIn;
}

}  // namespace

std::string_view type_name(RecordType type) noexcept {
  switch (type) {
    case RecordType::a:
      return "A";
    case RecordType::ns:
      return "NS";
    case RecordType::cname:
      return "CNAME";
    case RecordType::soa:
      return "SOA";
    case RecordType::ptr:
      return "PTR";
    case RecordType::mx:
      return "MX";
    case RecordType::txt:
      return "TXT";
    case RecordType::aaaa:
      return "AAAA";
    case RecordType::opt:
      return "OPT";
  }
  return "?";
}

std::string write_query(std::uint16_t id, const Question& question) {
  std::string packet;
  for (const unsigned word : {unsigned{id}, kRd, 1U, 0U, 0U, 1U}) put16(packet, word);
  packet += question.name;
  put16(packet, std::to_underlying(question.type));
  put16(packet, kClassIn);
  packet.push_back('\0');  // OPT belongs to the root
  for (const unsigned word : {unsigned{std::to_underlying(RecordType::opt)}, kUdpSize, 0U, kDo, 0U})
    put16(packet, word);
  return packet;
}

Reply read_reply(std::string_view packet, const Question& question,
                 std::optional<std::uint16_t> id) {
  std::size_t at = kHeader;
  if (packet.size() < kHeader || !matches(packet, question, id, at))
    return {.detail = "no reply to what was asked"};
  const unsigned flags = get16(packet, 2);
  const unsigned rcode = flags & 0xf;
  if (rcode != 0 && rcode != 3) return failed_with(rcode);
  if (rcode == 0 && flags & kTc) return {.outcome = Outcome::truncated};
  const auto sections = read_sections(packet, at);
  if (!sections) return {.detail = "broken records, or fewer than announced"};
  if (sections->extended_rcode) return failed_with(sections->extended_rcode << 4 | rcode);
  if (rcode == 0 && is_referral(*sections, flags))
    return {.outcome = Outcome::failed, .detail = "a referral, no answer,"};
  Reply reply = Chain(packet, question, *sections).follow(rcode == 0);
  reply.authenticated = flags & kAd;
  return reply;
}

}  // namespace postrider::dns
