// SPDX-License-Identifier: MIT
// One question asked of the servers in turn, CNAMEs followed across replies, and what came of it in
// words. How to try is decided here, what a reply means in packet.hpp.
#pragma once

#include <expected>
#include <memory>
#include <span>
#include <string>

#include <postrider/dns.hpp>

#include "dns/server.hpp"

namespace postrider::dns {

using Servers = std::span<const std::unique_ptr<Server>>;

/// Ask until a server answers: `attempts` tries, at least one for each server, those that answered
/// badly of late last. Only silence is a reason to ask the same server again. The outcome is
/// records, alias, nodata or nxdomain; else `detail` says who did what.
Task<Reply> try_servers(Servers servers, unsigned attempts, Question question);

/// What is left `now` of a TTL that began `then`.
Duration left_of(Duration ttl, TimePoint then, TimePoint now) noexcept;

/// Look `name` up: its records, or why there are none. The servers must outlive the task.
Task<std::expected<Reply, DnsError>> look_up(Servers servers, unsigned attempts, std::string name,
                                             RecordType type);

}  // namespace postrider::dns
