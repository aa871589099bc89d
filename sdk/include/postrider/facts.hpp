// SPDX-License-Identifier: MIT
// The well-known facts: their names, their types, who usually owns them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <postrider/fact.hpp>
#include <postrider/time.hpp>

namespace postrider {

/// RFC 8601 section 2.7.3.
enum class IprevResult : std::uint8_t { pass, fail, temperror, permerror };

/// What reverse DNS says about the client (owner: reverse_resolve).
struct ClientName {
  IprevResult iprev = IprevResult::permerror;
  /// The first name whose addresses include the client's; empty unless iprev is pass. A valid host
  /// name, in lower case.
  std::string name;
  /// Why, in plain words, for logs.
  std::string reason;
  /// How long the computation took.
  Duration took{};
};
inline constexpr FactKey<ClientName> kClientName{"client_name"};

}  // namespace postrider
