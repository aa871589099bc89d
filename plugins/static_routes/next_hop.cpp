// SPDX-License-Identifier: MIT
#include "next_hop.hpp"

#include <charconv>

#include <postrider/path.hpp>

namespace postrider::static_routes {
namespace {

using Error = std::unexpected<std::string>;

constexpr char kForms[] = "; write \"host\", \"host:port\", \"[192.0.2.1]:port\" or \"mx:domain\"";

/// ":2525" -> 2525; "" -> 0; -1 if it is no port.
int port_of(std::string_view text) {
  if (text.empty()) return 0;
  int port = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + 1, end, port);
  const bool good = text[0] == ':' && error == std::errc() && rest == end;
  return good && port > 0 && port < 65536 ? port : -1;
}

}  // namespace

std::expected<NextHop, std::string> parse_setting(std::string_view text, NextHop*) {
  NextHop hop;
  hop.written = text;
  if (text.starts_with("mx:")) {
    hop.name = lower(text.substr(3));
    hop.use_mx = true;
    if (is_host_name(hop.name)) return hop;
    return Error("\"" + hop.name + "\" is no domain" + kForms);
  }
  const bool literal = text.starts_with('[');
  const std::size_t end = literal ? text.find(']') : text.find(':');
  if (literal && end == text.npos) return Error(std::string("the bracket is not closed") + kForms);
  const std::string_view host = text.substr(0, literal ? end + 1 : end);
  const int port = port_of(text.substr(host.size()));
  if (port < 0) return Error(std::string("the port is not 1 to 65535") + kForms);
  hop.port = static_cast<std::uint16_t>(port);
  if (!literal) {
    const auto bare = IpAddress::parse(host);
    hop.name = bare ? lower(bare->literal()) : lower(host);
    if (bare) return hop;
    if (is_host_name(hop.name)) return hop;
    return Error("\"" + std::string(host) + "\" is no host name" + kForms);
  }
  std::string_view inside = host.substr(1, host.size() - 2);
  if (equal_ignoring_case(inside.substr(0, 5), "IPv6:")) inside.remove_prefix(5);
  if (const auto address = IpAddress::parse(inside)) {
    hop.name = lower(address->literal());
    return hop;
  }
  if (!is_host_name(inside))
    return Error("\"" + std::string(inside) + "\" is no address and no host name" + kForms);
  hop.name = lower(inside);  // "[host]": without MX, as people write it elsewhere
  return hop;
}

std::string format_setting(const NextHop& hop) {
  return hop.written;
}

}  // namespace postrider::static_routes
