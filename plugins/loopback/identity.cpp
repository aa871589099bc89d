// SPDX-License-Identifier: MIT
#include "identity.hpp"

#include <algorithm>
#include <charconv>

#include <postrider/path.hpp>

namespace postrider::loopback {
namespace {

using Found = std::optional<Match>;

std::string bracketed(const IpAddress& address) {
  return address.is_v4() ? address.text() : "[" + address.text() + "]";
}

bool listens_on(const Identity& self, std::uint16_t port) {
  return std::ranges::any_of(self.listeners,
                             [port](const SocketAddress& one) { return one.port == port; });
}

/// An address that reaches this machine, whatever the port.
bool is_here(const Identity& self, const IpAddress& address) {
  return address.is_loopback() || address.is_unspecified() ||
         std::ranges::find(self.interfaces, address) != self.interfaces.end();
}

Found by_also_us(const Identity& self, const Hop& hop) {
  for (const OwnPlace& place : self.also_us) {
    if (place.port != 0 && place.port != hop.port) continue;
    const auto same = [&place](const IpAddress& address) { return address == place.address; };
    const bool named = place.address ? std::ranges::any_of(hop.addresses, same)
                                     : equal_ignoring_case(hop.name, place.name);
    if (named) return Match{hop.name + " is \"" + place.written + "\" of also_us", "also_us"};
  }
  return std::nullopt;
}

Found by_name(const Identity& self, const Hop& hop, bool chosen) {
  if (chosen && !listens_on(self, hop.port)) return std::nullopt;
  const std::string name = lower(hop.name);
  if (name == self.hostname) return Match{name + " is our own name", "hostname"};
  if (std::ranges::find(self.aliases, name) != self.aliases.end())
    return Match{name + " is an alias of ours", "aliases"};
  const bool localhost =
      name == "localhost" || name == "localhost.localdomain" || name.ends_with(".localhost");
  if (localhost) return Match{"the name " + name + " means this host", ""};
  return std::nullopt;
}

Found by_listener(const Identity& self, const SocketAddress& hop) {
  for (const SocketAddress& listener : self.listeners) {
    if (listener.port != hop.port) continue;
    const bool any = listener.address.is_unspecified() && is_here(self, hop.address);
    if (any || listener.address == hop.address)
      return Match{hop.text() + " is our listener " + listener.text(), "listen.address"};
  }
  if (!listens_on(self, hop.port) || !is_here(self, hop.address)) return std::nullopt;
  return Match{bracketed(hop.address) + " is an address of this machine, and we listen on port " +
                   std::to_string(hop.port),
               "listen.address"};
}

Found by_address(const Identity& self, const Hop& hop, bool chosen) {
  for (const IpAddress& address : hop.addresses) {
    if (auto match = by_listener(self, {address, hop.port})) return match;
    // In public DNS an address like 127.0.0.1 can only mean whoever asks.
    if (!chosen && (address.is_loopback() || address.is_unspecified()))
      return Match{address.text() + " means this host", ""};
  }
  return std::nullopt;
}

}  // namespace

std::expected<OwnPlace, std::string> parse_setting(std::string_view text, OwnPlace*) {
  OwnPlace place;
  place.written = text;
  if (const auto both = SocketAddress::parse(text); both && both->port != 0) {
    place.address = both->address;
    place.port = both->port;
    return place;
  }
  const bool in_brackets = text.starts_with('[') && text.ends_with(']');
  const std::string_view bare = in_brackets ? text.substr(1, text.size() - 2) : text;
  if (const auto address = IpAddress::parse(bare)) {
    place.address = *address;
    return place;
  }
  const std::size_t colon = text.find(':');
  place.name = lower(text.substr(0, colon));
  if (colon != text.npos) {
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, place.port);
    if (error != std::errc() || rest != end || place.port == 0) place.name.clear();
  }
  if (is_host_name(place.name)) return place;
  return std::unexpected("\"" + printable(text) +
                         "\" is no address and no name; write \"192.0.2.1\", \"192.0.2.1:25\", "
                         "\"[2001:db8::1]:25\" or \"mail.example.org\"");
}

std::string format_setting(const OwnPlace& place) {
  return place.written;
}

std::optional<Match> find_match(const Identity& self, const Hop& hop, bool chosen) {
  if (auto match = by_also_us(self, hop)) return match;
  if (auto match = by_name(self, hop, chosen)) return match;
  return by_address(self, hop, chosen);
}

}  // namespace postrider::loopback
