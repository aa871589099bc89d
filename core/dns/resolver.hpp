// SPDX-License-Identifier: MIT
// The resolver of the server: asks the configured name servers in turn, tells failures apart,
// follows CNAMEs. It does not cache. Names are those of RFC 1035 in ASCII.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <postrider/dns.hpp>

#include "runtime/runtime.hpp"

namespace postrider::dns {

struct ResolverOptions {
  /// In order of preference; none: 127.0.0.1:53. A recursive, better a validating resolver.
  std::vector<SocketAddress> servers;
  /// How long one server may take for one answer over UDP: 100 ms to 30 s, in steps of 100 ms.
  Duration attempt_timeout = 2s;
  /// Tries for one question over all servers; each server gets at least one.
  unsigned attempts = 3;
  /// Questions open at one server; the others wait in order.
  unsigned in_flight = 256;
  /// A new source port after so many questions, against forged answers. 0: never for a server on
  /// loopback, 64 for others.
  unsigned questions_per_port = 0;
};

/// [loop thread] A resolver on `runtime`. Dropping a task cancels its queries; the resolver
/// outlives its tasks, `runtime` the resolver. A name that cannot be asked for (an address, an
/// empty label, too long) is nxdomain with a text, without asking; CNAME loops are `malformed`.
std::unique_ptr<Dns> make_resolver(runtime::Runtime& runtime, ResolverOptions options);

/// The name servers of a resolv.conf(5): the first three "nameserver" lines with an address that
/// can be used, else 127.0.0.1, all with port 53. Other settings do not matter to a mail server.
std::vector<SocketAddress> servers_from_resolv_conf(std::string_view text);

}  // namespace postrider::dns
