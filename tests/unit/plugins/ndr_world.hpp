// SPDX-License-Identifier: MIT
// What the tests of the plugin ndr share: outcomes, the plugin with a clock that stands still, and
// reports with a known boundary.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "unit/plugins/load.hpp"

namespace postrider::testing {

inline constexpr std::string_view kKnownBoundary = "=_000000000000000000000000";

/// The boundary that a report declares.
inline std::string boundary_of(const std::string& report) {
  const auto at = report.find("boundary=\"") + 10;
  return report.substr(at, report.find('"', at) - at);
}

/// The report with kKnownBoundary instead of its own.
inline std::string with_known_boundary(std::string report) {
  const std::string boundary = boundary_of(report);
  for (auto at = report.find(boundary); at != report.npos; at = report.find(boundary, at))
    report.replace(at, boundary.size(), kKnownBoundary);
  return report;
}

struct NdrWorld : ::testing::Test {
  NdrWorld() {
    host.own_name = "mx.example.org";
    message.id = "06BN7TZ3QVG00";
    message.arrival = host.loop().wall_now() - 90min;
  }

  static RecipientOutcome told(std::string_view to, Action action, EnhancedStatus status,
                               std::string text = {}) {
    RecipientOutcome one;
    one.recipient.path = Path::parse(to, true).value();
    one.outcome.action = action;
    one.outcome.status = status;
    one.outcome.text = std::move(text);
    one.attempts = 1;
    return one;
  }
  /// A next hop said so.
  static RecipientOutcome answered(std::string_view to, Action action, Reply reply) {
    RecipientOutcome one = told(to, action, reply.status);
    one.outcome.remote = "mail.example.net [192.0.2.25]";
    one.outcome.text = one.outcome.remote + " answered: " + reply.line();
    one.outcome.reply = std::move(reply);
    return one;
  }
  static RecipientOutcome answered(std::string_view to, Action action, ReplyLiteral reply) {
    return answered(to, action, Reply(reply));
  }
  static RecipientOutcome unknown(std::string_view to = "bob@example.net") {
    return answered(to, Action::failed, "550 5.1.1 <bob@example.net>: no such user here");
  }

  PluginLibrary& plugin() {
    if (!plugin_) plugin_.emplace(load("ndr", host, settings));
    return *plugin_;
  }
  std::vector<Report> reports(const std::vector<RecipientOutcome>& outcomes) {
    return run(host.loop(), plugin().hooks().outcome->on_outcome(message, outcomes));
  }
  /// The one report.
  std::string report(const std::vector<RecipientOutcome>& outcomes) {
    const auto all = reports(outcomes);
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? std::string() : all.front().octets;
  }

  FakeHost host{"ndr"};
  SettingTable settings;
  FakeQueuedMessage message{
      "Received: from client.example.net by mx.example.org; Fri, 20 Nov 2026 22:30:00 +0000\r\n"
      "From: Alice <alice@example.org>\r\nTo: bob@example.net\r\nSubject: Lunch on Friday\r\n"
      "Message-ID: <lunch@example.org>\r\n\r\nShall we meet at noon?\r\n",
      "alice@example.org"};

 private:
  std::optional<PluginLibrary> plugin_;
};

}  // namespace postrider::testing
