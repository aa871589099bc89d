// SPDX-License-Identifier: MIT
// An answer of the cache as the operator sees it: JSON for `postrider routes`.
#pragma once

#include <string>

#include "cache.hpp"
#include "lookup.hpp"

namespace postrider::route_cache {

/// What people call `destination` by: its name, or its whole text.
bool is_called(const Destination& destination, std::string_view name);

std::string json_of(const Entry& entry, TimePoint now, unsigned loop);
/// A lookup that is under way.
std::string json_of(const Lookup& lookup, TimePoint now, unsigned loop);

/// "found 2 hosts in 12 ms", "451 4.4.3 ... in 6000 ms": the last result in words.
std::string in_words(const RouteResult& result, Duration took);

}  // namespace postrider::route_cache
