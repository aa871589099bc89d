// SPDX-License-Identifier: MIT
// Which destination a recipient's mail goes to, and which loop owns that destination.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <postrider/path.hpp>
#include <postrider/route.hpp>

namespace postrider::plugin {
class Chains;
}

namespace postrider::queue {

struct DestinationHash {
  std::size_t operator()(const Destination& destination) const noexcept;
};

/// Shared by all messages that go there.
using DestinationPtr = std::shared_ptr<const Destination>;

/// The one loop of `loops` that schedules and delivers to `destination`.
unsigned loop_of(const Destination& destination, unsigned loops) noexcept;

/// The first plugin's answer, else the domain by MX. The bare Postmaster (RFC 5321 section 4.5.1)
/// is the one of `hostname`, and so are plugins asked. `chains` may be null.
Destination destination_of(const Path& recipient, plugin::Chains* chains,
                           const std::string& hostname);

}  // namespace postrider::queue
