// SPDX-License-Identifier: MIT
// Domain names in wire form (RFC 1035 section 3.1): reading them out of packets with care, writing
// them, comparing them, and their text with escapes for odd octets (RFC 1035 section 5.1).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postrider::dns {

/// A name uncompressed, its root label included, at most 255 octets; case as it came.
using WireName = std::string;

/// "mx.example.org" or "mx.example.org." in wire form. Nothing for what is not a name to ask for:
/// empty, an empty label, a label over 63, over 253 in all, octets that are not visible ASCII, `\`.
std::optional<WireName> to_wire(std::string_view text);

/// The text of a name, without trailing dot; "" is the root. Octets that are not visible ASCII
/// become \DDD, and those that mean something in text get a `\`.
std::string to_text(std::string_view wire);

/// ASCII lower case.
std::string to_lower(std::string_view text);

/// Equal but for ASCII case.
bool same_name(std::string_view wire, std::string_view other) noexcept;

/// Is `wire` equal to `ancestor`, or below it?
bool is_at_or_below(std::string_view wire, std::string_view ancestor) noexcept;

/// The name at `offset`, which is moved past it. Compression pointers may only point backwards,
/// each further than the one before, so every name ends. Nothing if the packet is broken.
std::optional<WireName> read_name(std::string_view packet, std::size_t& offset);

}  // namespace postrider::dns
