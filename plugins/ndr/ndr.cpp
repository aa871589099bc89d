// SPDX-License-Identifier: MIT
// Reports to senders (RFC 3461, 3464, 6522, 6533): a recipient that failed, waits for long, was
// delivered or relayed, as the sender asked. They become durable in one step with what they tell.
#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include <postrider/sdk.hpp>

#include "line_text.hpp"
#include "original.hpp"
#include "report.hpp"
#include "situation.hpp"

namespace postrider {
namespace {

enum class DoubleBounce : std::uint8_t { postmaster, drop };

std::optional<std::string> address_mistake(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto path = Path::parse(text);
  if (path) return std::nullopt;
  return setting::quoted(text) + " is not an address: " + path.error() +
         "; write for example \"postmaster@example.org\"";
}

class Ndr final : public Plugin, public OutcomeHook {
 public:
  struct Settings {
    Duration delay_notice = 4h;
    Size max_returned = 64_KiB;
    DoubleBounce double_bounce = DoubleBounce::postmaster;
    std::string postmaster;
    static void describe(Schema<Settings>& schema) {
      schema.field("delay_notice", &Settings::delay_notice,
                   "Tell the sender once when mail has waited so long; 0s: never");
      schema
          .field("max_returned", &Settings::max_returned,
                 "Larger messages are not returned whole: their header only")
          .between(1_KiB, 16_MiB);
      schema
          .field("double_bounce", &Settings::double_bounce,
                 "Failed mail from the null path, reports among them: who is told")
          .choices({{"postmaster", DoubleBounce::postmaster}, {"drop", DoubleBounce::drop}});
      schema.field("postmaster", &Settings::postmaster, "Empty: postmaster at our own name")
          .check(address_mistake);
    }
  };

  Ndr(Host& host, Settings settings) : host_(host), settings_(std::move(settings)) {
    const std::string address =
        settings_.postmaster.empty() ? "postmaster@" + host.hostname() : settings_.postmaster;
    auto path = Path::parse(address);
    if (!path) path = Path::parse("Postmaster");
    if (path) postmaster_ = std::move(*path);
  }

  Task<std::vector<Report>> on_outcome(const QueuedMessage& message,
                                       std::span<const RecipientOutcome> outcomes) override {
    std::vector<Report> reports;
    if (auto situation = situation_of(message, outcomes)) reports.push_back(write(*situation));
    return reports;
  }

  bool reports_failures() const noexcept override { return true; }
  Duration delay_notice() const noexcept override { return settings_.delay_notice; }

 private:
  /// What is to be told, and to whom; nothing for most outcomes.
  std::optional<ndr::Situation> situation_of(const QueuedMessage& message,
                                             std::span<const RecipientOutcome> outcomes) {
    ndr::Situation situation;
    situation.now = host_.loop().wall_now();
    situation.to = message.reverse_path();
    if (situation.to.is_null()) {
      if (settings_.double_bounce == DoubleBounce::drop) return std::nullopt;
      situation.to = postmaster_;
      situation.recipients = ndr::failed(outcomes);
      std::erase_if(situation.recipients, [this](const ndr::Told& told) {
        return equal_ignoring_case(told.what.recipient.path.text(), postmaster_.text());
      });
    } else {
      const auto age = situation.now - message.arrived();
      situation.recipients = ndr::wanted(outcomes, age, settings_.delay_notice);
    }
    if (situation.recipients.empty() || situation.to.is_null()) return std::nullopt;
    situation.message = &message;
    return situation;
  }

  Report write(ndr::Situation& situation) {
    const QueuedMessage& message = *situation.message;
    situation.hostname = host_.hostname();
    situation.utf8 = !situation.to.is_ascii();
    situation.global = situation.utf8 || message.parameters().smtputf8;
    situation.date = ndr::date_text(situation.now);
    situation.message_id = "<" + message.queue_id() + "." +
                           std::to_string(situation.now.time_since_epoch().count()) + "." +
                           std::to_string(++written_) + "@" + host_.hostname() + ">";
    const bool whole =
        situation.gravest() == Action::failed && message.parameters().ret != Return::headers;
    Report report;
    report.octets = ndr::write_report(
        situation, ndr::read_original(message, whole, settings_.max_returned.octets),
        [this] { return new_boundary(); });
    for (const ndr::Told& told : situation.recipients)
      if (told.what.outcome.action == Action::delayed) report.delays_told.push_back(told.place);
    report.smtputf8 = situation.utf8;
    report.to = situation.to;
    log(situation);
    return report;
  }

  void log(const ndr::Situation& situation) {
    const std::string count = std::to_string(situation.recipients.size());
    host_.log().write(LogLevel::info, "report",
                      {{"queue_id", situation.message->queue_id()},
                       {"to", situation.to.text()},
                       {"action", action_name(situation.gravest())},
                       {"recipients", count},
                       {"message_id", situation.message_id}});
  }

  /// 96 bits that nobody outside can foresee.
  std::string new_boundary() {
    static constexpr std::string_view kHex = "0123456789abcdef";
    std::string boundary = "=_";
    for (int word = 0; word < 3; ++word) {
      std::uint32_t bits = random_();
      for (int digit = 0; digit < 8; ++digit, bits >>= 4U) boundary += kHex[bits & 15U];
    }
    return boundary;
  }

  Host& host_;
  Settings settings_;
  Path postmaster_;
  std::random_device random_;
  std::uint64_t written_ = 0;
};

}  // namespace
}  // namespace postrider

POSTRIDER_PLUGIN(postrider::Ndr, "ndr", "Reports failure, delay and success to senders");
