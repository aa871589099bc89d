// SPDX-License-Identifier: MIT
// The protocol log: a record per connection, line and outcome, in and out, that ends with a verdict
// on the session. An observer: it decides nothing, asks no DNS, and delays nobody; when the disk is
// slow, lines are dropped and counted.
#include <algorithm>
#include <map>

#include <postrider/sdk.hpp>

#include "conversation.hpp"
#include "line_writer.hpp"
#include "record.hpp"

namespace postrider {
namespace {

using protocol_log::Conversation;
using protocol_log::Format;
using protocol_log::Record;

enum class Level : std::uint8_t { off, connections, commands, full };
enum class Direction : std::uint8_t { both, in, out };

constexpr std::size_t kConversations = 100000;  // remembered at once, at most

std::optional<std::string> network_mistake(std::string_view text) {
  const auto network = Network::parse(text);
  if (network) return std::nullopt;
  return network.error();
}

class ProtocolLog final : public Plugin, public ProtocolObserver, public LifecycleHook {
 public:
  struct Settings {
    Level level = Level::commands;
    Format format = Format::text;
    std::string file = "/var/log/postrider/protocol.log";
    Direction direction = Direction::both;
    std::vector<std::string> networks;
    Size buffer = 4_MiB;
    static void describe(Schema<Settings>& schema);
  };

  ProtocolLog(Host& host, Settings settings) : host_(host), settings_(std::move(settings)) {
    for (const std::string& text : settings_.networks)
      networks_.push_back(Network::parse(text).value());
    if (settings_.level == Level::off) return;
    writer_.emplace(
        settings_.file, settings_.buffer.octets, [format = settings_.format](std::uint64_t count) {
          Record record;
          record.at = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
          record.kind = "dropped";
          const std::string text = std::to_string(count) + " lines were dropped";
          record.text = text;
          return format_record(record, format);
        });
  }

  void on_event(const ProtocolEvent& event) noexcept override {
    if (!writer_ || !is_wanted(event)) return;
    try {
      record(event);
    } catch (...) {  // no memory: the line is lost, the session is not
    }
  }

  void on_reopen() noexcept override {
    if (writer_) writer_->reopen();
  }

 private:
  bool is_wanted(const ProtocolEvent& event) const {
    if (settings_.direction != Direction::both &&
        (settings_.direction == Direction::in) != (event.side == Side::server))
      return false;
    return networks_.empty() || std::ranges::any_of(networks_, [&](const Network& network) {
             return network.contains(event.remote.address);
           });
  }

  void record(const ProtocolEvent& event) {
    if (event.kind == EventKind::connected && conversations_.size() < kConversations)
      conversations_.insert_or_assign(std::string(event.id), Conversation());
    const auto known = conversations_.find(event.id);
    if (known != conversations_.end()) known->second.note(event);
    if (is_shown(event)) write(event, known == conversations_.end() ? nullptr : &known->second);
    if (event.kind == EventKind::closed && known != conversations_.end())
      conversations_.erase(known);
  }

  bool is_shown(const ProtocolEvent& event) const {
    switch (event.kind) {
      case EventKind::line_in:
      case EventKind::line_out:
        return settings_.level == Level::full ||
               (settings_.level == Level::commands && is_command(event));
      case EventKind::data_in:
      case EventKind::data_out:
        return settings_.level == Level::full;
      default:
        return true;
    }
  }
  /// Said by whoever is the SMTP client of this conversation.
  static bool is_command(const ProtocolEvent& event) {
    return (event.kind == EventKind::line_in) == (event.side == Side::server);
  }

  void write(const ProtocolEvent& event, const Conversation* conversation) {
    const bool is_line = event.kind == EventKind::line_in || event.kind == EventKind::line_out;
    const std::string text = text_of(event, conversation);
    const std::string_view kind =
        is_line ? (is_command(event) ? "C:" : "S:") : protocol_log::event_name(event.kind);
    writer_->write(format_record({host_.loop().wall_now(), event.id, event.side, event.local,
                                  event.remote, event.elapsed, kind, text},
                                 settings_.format));
  }

  std::string text_of(const ProtocolEvent& event, const Conversation* conversation) const {
    if (event.secret) return "(secret, " + std::to_string(event.text.size()) + " octets)";
    switch (event.kind) {
      case EventKind::connected:
        return std::string(event.text) + in_force();
      case EventKind::closed:
        return conversation ? conversation->verdict(event) : std::string(event.text);
      case EventKind::data_in:
      case EventKind::data_out:
        return std::to_string(event.octets) + " octets";
      default:
        return std::string(event.text);
    }
  }

  /// The level and the filter, for the first record of each session.
  std::string in_force() const {
    static constexpr std::string_view kLevels[] = {"off", "connections", "commands", "full"};
    static constexpr std::string_view kDirections[] = {"both", "in", "out"};
    std::string text = " [level=";
    text += kLevels[static_cast<std::size_t>(settings_.level)];
    text.append(" direction=").append(kDirections[static_cast<std::size_t>(settings_.direction)]);
    text += " networks=";
    for (const Network& network : networks_)
      text += (&network == networks_.data() ? "" : ",") + network.text();
    return text + (networks_.empty() ? "all]" : "]");
  }

  Host& host_;
  const Settings settings_;
  std::vector<Network> networks_;
  std::map<std::string, Conversation, std::less<>> conversations_;
  std::optional<protocol_log::LineWriter> writer_;
};

void ProtocolLog::Settings::describe(Schema<Settings>& schema) {
  schema.field("level", &Settings::level, "How much is recorded")
      .choices({{"off", Level::off},
                {"connections", Level::connections},
                {"commands", Level::commands},
                {"full", Level::full}});
  schema.field("format", &Settings::format, "Lines for people, or one JSON object a line")
      .choices({{"text", Format::text}, {"json", Format::json}});
  schema.field("file", &Settings::file, "Where the records go; SIGUSR1 opens it again");
  schema.field("direction", &Settings::direction, "Incoming sessions, outgoing attempts, or both")
      .choices({{"both", Direction::both}, {"in", Direction::in}, {"out", Direction::out}});
  schema.field("networks", &Settings::networks, "Only remotes in these networks; empty: all")
      .check(network_mistake);
  schema.field("buffer", &Settings::buffer, "What may wait for the disk before lines are dropped")
      .between(64_KiB, 1_GiB);
}

}  // namespace
}  // namespace postrider

POSTRIDER_PLUGIN(postrider::ProtocolLog, "protocol_log", "Records every session and attempt");
