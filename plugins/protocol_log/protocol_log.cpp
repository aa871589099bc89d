// SPDX-License-Identifier: MIT
// The protocol log: a record per connection, line and outcome, in and out, that ends with a verdict
// on the session; and the flight recorder, which remembers the last ones whatever the level. An
// observer: it decides nothing and delays nobody; when the disk is slow, lines are dropped.
#include <algorithm>

#include <postrider/sdk.hpp>

#include "log_file.hpp"
#include "own_names.hpp"
#include "recorder.hpp"
#include "settings.hpp"
#include "trace.hpp"

namespace postrider {
namespace {

using namespace protocol_log;  // NOLINT: these are its own parts

/// Said by whoever is the SMTP client of this conversation.
bool is_command(const ProtocolEvent& event) {
  return (event.kind == EventKind::line_in) == (event.side == Side::server);
}

Label label_of(const ProtocolEvent& event) {
  switch (event.kind) {
    case EventKind::connected:
      return Label::connected;
    case EventKind::line_in:
    case EventKind::line_out:
      return is_command(event) ? Label::command : Label::reply;
    case EventKind::data_in:
    case EventKind::data_out:
      return Label::data;
    case EventKind::closed:
      return Label::verdict;
    case EventKind::banner:
      return Label::banner;
    case EventKind::accepted:
      return Label::accepted;
    case EventKind::refused:
      return Label::refused;
    case EventKind::attempt:
      return Label::attempt;
    case EventKind::outcome:
      return Label::outcome;
    case EventKind::named:
      return Label::name;
    case EventKind::unreached:
      return Label::unreached;
  }
  return Label::connected;
}

/// The credentials in a line of a client that may not know that we take none (RFC 4954).
std::size_t secret_begin(const ProtocolEvent& event) {
  if (event.secret) return 0;
  const std::string_view text = event.text;
  const bool is_line = event.kind == EventKind::line_in || event.kind == EventKind::line_out;
  if (!is_line || text.size() < 5 || text[4] != ' ' ||
      !equal_ignoring_case(text.substr(0, 4), "AUTH"))
    return text.npos;
  const std::size_t space = text.find(' ', std::min(text.find_first_not_of(' ', 5), text.size()));
  return space == text.npos ? space : space + 1;
}

class ProtocolLog final : public Plugin, public ProtocolObserver, public LifecycleHook {
 public:
  using Settings = protocol_log::Settings;

  ProtocolLog(Host& host, Settings settings)
      : host_(host),
        settings_(std::move(settings)),
        filter_(settings_.filter()),
        in_force_(" [level=" + std::string(level_name(settings_.level)) + " " + filter_.text() +
                  "]"),
        own_names_(host),
        recorder_(Recorder::of(host.loop(), host.id())) {
    recorder_->keep(static_cast<std::size_t>(settings_.recorder));
    if (settings_.level == Level::off) return;
    file_.emplace(host.loop(), settings_.file,
                  FileLimits{static_cast<std::size_t>(settings_.buffer.octets),
                             settings_.max_size.octets, static_cast<unsigned>(settings_.keep)});
    tell_news();
  }

  Task<std::expected<void, std::string>> on_start() override {
    if (settings_.check_own_name && (file_ || settings_.recorder > 0)) own_names_.start();
    return std::expected<void, std::string>{};
  }

  void on_event(const ProtocolEvent& event) noexcept override {
    try {
      take(event);
      if (file_) tell_news();
    } catch (...) {  // no memory: the line is lost, the session is not
    }
  }

  Task<void> on_drain() override {
    if (file_) file_->expect_end();
    return {};
  }

  void on_reopen() noexcept override {
    if (file_) file_->reopen();
  }

  std::optional<std::string> on_command(std::span<const std::string_view> words) override {
    if (words.empty() || words[0] != "trace") return std::nullopt;
    return answer_trace(*recorder_, host_.loop_index(), words.subspan(1));
  }

 private:
  void tell_news() {
    if (const auto news = file_->news())
      host_.log().write(LogLevel::warning, "protocol log", {{"what", *news}});
  }

  void take(const ProtocolEvent& event) {
    if (!file_ && settings_.recorder == 0) return;
    const bool begins = event.kind == EventKind::connected || event.kind == EventKind::unreached;
    Conversation* known = begins ? recorder_->begin(event, host_.loop().wall_now(), room())
                                 : recorder_->find(event.id);
    if (!known) return take_alone(event);
    take(event, *known);
    if (event.kind != EventKind::closed && event.kind != EventKind::unreached) return;
    write_transcript(*known);
    recorder_->finish(*known);
  }

  /// An outcome without a connection (a transport's), or more conversations than are remembered.
  void take_alone(const ProtocolEvent& event) {
    Conversation alone(event, host_.loop().wall_now(), 0);
    alone.wanted = filter_.judge(alone.subject);
    take(event, alone);
  }

  void take(const ProtocolEvent& event, Conversation& conversation) {
    const bool learned = conversation.note(event);
    if (event.side == Side::client && event.kind == EventKind::connected)
      own_names_.saw(event.local.address);
    std::string made;
    std::string cut;
    const Record record{host_.loop().wall_now(), event.elapsed, label_of(event), false,
                        limited(text_of(event, conversation, made), cut)};
    if (record.label == Label::verdict || record.label == Label::unreached)
      conversation.end = record.text;
    const bool was_wanted = conversation.wanted == Wanted::yes;
    if (!was_wanted && (learned || event.kind == EventKind::connected || begins_alone(event)))
      conversation.wanted = filter_.judge(conversation.subject);
    if (conversation.wanted == Wanted::yes && !was_wanted) write_withheld(conversation);
    conversation.transcript.add(record, recorder_->next_number());
    if (file_ && conversation.wanted == Wanted::yes && is_shown(record.label))
      write(conversation, record);
  }

  static bool begins_alone(const ProtocolEvent& event) {
    return event.kind == EventKind::unreached || event.kind == EventKind::outcome;
  }

  std::string_view text_of(const ProtocolEvent& event, const Conversation& conversation,
                           std::string& made) const {
    if (const std::size_t secret = secret_begin(event); secret != std::string_view::npos) {
      made = event.text.substr(0, secret);
      made += "(secret, " + std::to_string(event.text.size() - secret) + " octets)";
      return made;
    }
    switch (event.kind) {
      case EventKind::connected:
        return made = std::string(event.text) + in_force_;
      case EventKind::closed:
        return made = conversation.verdict(event, own_names_.state(event.local.address));
      case EventKind::data_in:
      case EventKind::data_out:
        return made = std::to_string(event.octets) + " octets";
      default:
        return event.text;
    }
  }

  bool is_shown(Label label) const {
    switch (label) {
      case Label::command:
        return settings_.level >= Level::commands;
      case Label::reply:
      case Label::data:
        return settings_.level == Level::full;
      default:
        return true;
    }
  }

  /// Names come late: what was said until a filter matched is in the transcript.
  void write_withheld(Conversation& conversation) {
    if (!file_) return;
    conversation.transcript.visit([&](const Record* record, std::uint64_t) {
      if (record && is_shown(record->label)) write(conversation, *record);
    });
  }

  /// The flight recorder: what the level left out, when something failed.
  void write_transcript(Conversation& conversation) {
    if (!file_ || settings_.level == Level::full || settings_.recorder == 0 ||
        conversation.failure().empty() || conversation.wanted != Wanted::yes)
      return;
    std::string text = "transcript of " + std::to_string(conversation.transcript.size()) +
                       " records, because: " + conversation.failure();
    Record head{host_.loop().wall_now(), {}, Label::recorder, true, text};
    write(conversation, head);
    const std::string gap =
        std::to_string(conversation.transcript.omitted()) + " records were left out here";
    conversation.transcript.visit([&](const Record* record, std::uint64_t) {
      Record shown = record ? *record : Record{head.at, {}, Label::recorder, true, gap};
      shown.recorded = true;
      write(conversation, shown);
    });
  }

  void write(Conversation& conversation, const Record& record) {
    file_->write(record, conversation.origin(settings_.format), settings_.format);
  }

  /// Octets of records to remember of a conversation.
  std::size_t room() const {
    const bool is_needed = settings_.recorder > 0 || !filter_.hosts.empty() ||
                           !filter_.senders.empty() || !filter_.recipients.empty();
    return is_needed ? static_cast<std::size_t>(settings_.record_size.octets) : 0;
  }

  Host& host_;
  const Settings settings_;
  const Filter filter_;
  const std::string in_force_;  // for the first record of each session
  OwnNames own_names_;
  std::shared_ptr<Recorder> recorder_;
  std::optional<LogFile> file_;
};

}  // namespace
}  // namespace postrider

POSTRIDER_PLUGIN(postrider::ProtocolLog, "protocol_log", "Records every session and attempt");
