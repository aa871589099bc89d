// SPDX-License-Identifier: MIT
// What the daemon shows, as JSON. The shapes are those of docs/control.md.
#pragma once

#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include "control/daemon.hpp"

namespace postrider::control {

using Json = nlohmann::ordered_json;

/// The answers of all loops to one command as one: lists are joined, numbers added, of anything
/// else the first counts; an {"error": ...} counts only if no loop has a better answer.
std::string merged(std::span<const std::string> answers);
/// A refusal: what is wrong, what would be right.
Json mistake(std::string text);
/// RFC 3339 in UTC, to the second.
std::string time_text(WallTime time);
Json to_json(const queue::QueueCounts& counts);
Json to_json(const queue::MessageView& message);
/// The `limit` largest groups.
Json to_json(const queue::TallyTable& table, std::size_t limit);
Json to_json(const queue::DestinationView& destination);
Json to_json(const plugin::PluginView& plugin);
Json to_json(const receive::SessionTable::Figures& figures);
Json to_json(const store::Stats& stats);
Json to_json(const MemoryView& memory);
Json to_json(const std::vector<watchdog::Standing>& loops);

}  // namespace postrider::control
