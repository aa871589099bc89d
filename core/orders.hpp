// SPDX-License-Identifier: MIT
// What the operator has ordered until further notice: the mode, the suspended destinations. Kept in
// a small file of the spool, so that a restart does not forget; written whole, then renamed.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <postrider/reply.hpp>

#include "config/mode.hpp"
#include "queue/gate.hpp"

namespace postrider {

struct Orders {
  std::optional<config::Mode> mode;  ///< nothing: server.mode
  WallTime mode_since{};
  std::vector<queue::Suspension> suspended;
};

/// One line each: "orders 1", "mode NAME SINCE", "suspended PATTERN SINCE REASON", "end".
std::string encode(const Orders& orders);
std::expected<Orders, std::string> decode_orders(const std::string& text);

/// Without a file: no orders. The error names the file and what to do.
std::expected<Orders, std::string> load_orders(const std::string& spool);
/// Durable when it returns.
std::expected<void, std::string> save_orders(const std::string& spool, const Orders& orders);

/// What the queues are told in this mode, which the operator ordered or the configuration says.
queue::GatePtr gate_for(config::Mode mode, const Orders& orders);
/// What clients are told, new ones and those that are there; nothing: they are let in.
std::optional<Reply> refusal_for(config::Mode mode);

}  // namespace postrider
