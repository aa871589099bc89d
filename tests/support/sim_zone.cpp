// SPDX-License-Identifier: MIT
#include "support/sim_zone.hpp"

#include <algorithm>
#include <array>

#include <postrider/path.hpp>

#include "support/sim_text.hpp"

namespace postrider::sim {
namespace {

constexpr Duration kUsual = 10ms;    // an answer that is not in any cache
constexpr Duration kNoAnswer = 18s;  // three questions, each with a longer wait

std::string plain_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (const auto address = IpAddress::parse(name)) return address->reverse_name();
  return lower(name);
}

std::optional<DnsFailure> failure_named(std::string_view word) {
  if (word == "SERVFAIL") return DnsFailure::servfail;
  if (word == "TIMEOUT") return DnsFailure::timeout;
  if (word == "REFUSED") return DnsFailure::refused;
  if (word == "NODATA") return DnsFailure::nodata;
  return std::nullopt;
}

bool is_type(std::string_view word) {
  constexpr std::array<std::string_view, 7> kTypes{"A",   "AAAA",  "MX",   "PTR",
                                                   "TXT", "CNAME", "DELAY"};
  return std::ranges::find(kTypes, word) != kTypes.end();
}

}  // namespace

void Zone::load(const std::vector<std::string>& lines) {
  names_.clear();
  delays_.clear();
  for (const std::string& line : lines) add(line);
}

void Zone::add(const std::string& line) {
  std::string_view rest = line;
  const std::string name = plain_name(next_word(rest));
  std::string word = next_word(rest);
  Records records;
  if (!word.empty() && word.find_first_not_of("0123456789") == word.npos) {
    records.ttl = std::chrono::seconds(number_of(word));
    word = next_word(rest);
  }
  if (!is_type(word) || (rest.empty() && word != "PTR"))
    throw Mismatch("zone: \"" + line + "\" is not NAME [TTL] TYPE DATA");
  if (word == "DELAY") {
    delays_[name] = duration_of(rest);
    return;
  }
  Records& there = names_[name].emplace(word, std::move(records)).first->second;
  if (const auto failure = failure_named(rest))
    there.failure = failure;
  else
    there.data.push_back(unescape(rest));
}

std::size_t Zone::count(const std::string& type, const std::string& name) const {
  const auto found = asked_.find(type + " " + plain_name(name));
  return found == asked_.end() ? 0 : found->second;
}

const Zone::Records* Zone::find(const std::string& type, const std::string& name) const {
  const auto there = names_.find(name);
  if (there == names_.end()) return nullptr;
  const auto found = there->second.find(type);
  return found == there->second.end() ? nullptr : &found->second;
}

DnsError Zone::missing(const std::string& type, const std::string& name) const {
  const Records* const known = find(type, name);
  DnsError error{DnsFailure::nxdomain, 300s, type + " of " + name + ": no such name"};
  if (known && known->failure)
    error = {*known->failure, 0s, type + " of " + name + ": the script lets it fail"};
  else if (names_.contains(name))
    error = {DnsFailure::nodata, 300s, type + " of " + name + ": no such record"};
  return error;
}

Task<SimDns::Answer> SimDns::ask(std::string type, std::string name) {
  ++zone_.asked_[type + " " + name];
  const auto delay = zone_.delays_.find(name);
  co_await sleep_for(loop_, delay == zone_.delays_.end() ? kUsual : delay->second);
  for (int hops = 0; hops < 8; ++hops) {
    const Zone::Records* const alias = zone_.find("CNAME", name);
    if (!alias || alias->data.empty()) break;
    name = plain_name(alias->data.front());
  }
  const Zone::Records* const found = zone_.find(type, name);
  if (found && !found->failure) co_return DnsAnswer<std::string>{found->data, found->ttl};
  const DnsError error = zone_.missing(type, name);
  // The zone may be another one after this.
  if (error.failure == DnsFailure::timeout) co_await sleep_for(loop_, kNoAnswer);
  co_return std::unexpected(error);
}

Task<DnsResult<MxRecord>> SimDns::mx(std::string name) {
  const Answer answer = co_await ask("MX", plain_name(name));
  if (!answer) co_return std::unexpected(answer.error());
  DnsAnswer<MxRecord> records{{}, answer->ttl};
  for (const std::string& data : answer->records) {
    std::string_view rest = data;
    const std::size_t preference = number_of(next_word(rest));
    records.records.push_back(
        {static_cast<std::uint16_t>(preference), rest == "." ? "" : plain_name(rest)});
  }
  co_return records;
}

Task<DnsResult<IpAddress>> SimDns::addresses(std::string name, AddressFamily family) {
  DnsAnswer<IpAddress> found;
  std::optional<DnsError> error;
  for (const bool v6 : {false, true}) {
    if (family != AddressFamily::any && v6 != (family == AddressFamily::v6)) continue;
    const Answer answer = co_await ask(v6 ? "AAAA" : "A", plain_name(name));
    if (!answer) {
      if (!error || answer.error().is_temporary()) error = answer.error();
      continue;
    }
    found.ttl = found.records.empty() ? answer->ttl : std::min(found.ttl, answer->ttl);
    for (const std::string& text : answer->records)
      found.records.push_back(IpAddress::parse(text).value());
  }
  if (found.records.empty()) co_return std::unexpected(*error);
  co_return found;
}

Task<DnsResult<std::string>> SimDns::ptr(IpAddress address) {
  return ask("PTR", address.reverse_name());
}

Task<DnsResult<std::string>> SimDns::txt(std::string name) {
  return ask("TXT", plain_name(name));
}

}  // namespace postrider::sim
