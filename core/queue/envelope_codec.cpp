// SPDX-License-Identifier: MIT
// e1 ARRIVED FLAGS SIZE BODY RET ENVID AUTH SESSION REVERSE-PATH COUNT {NOTIFY ORCPT PATH} .
// s1 GIVE-UP[,ORDERED] {STATE[,ATTEMPTS,NEXT,STATUS,REASON,REMOTE[,DELAY-REPORTED,REPLY]]} .
// Times are milliseconds since 1970.
// The dot is the end mark: a line cut short is known as such, and no address is cut short.
#include "queue/envelope_codec.hpp"

#include <algorithm>

#include "queue/field_line.hpp"

namespace postrider::queue {
namespace {

constexpr std::string_view kEnd = " .";
constexpr unsigned kSmtpUtf8 = 1, kEightBit = 2, kLeadingDot = 4, kUtf8Header = 8;

unsigned flags_of(const Envelope& envelope) noexcept {
  return (envelope.parameters.smtputf8 ? kSmtpUtf8 : 0U) |
         (envelope.facts.eight_bit ? kEightBit : 0U) |
         (envelope.facts.leading_dot ? kLeadingDot : 0U) |
         (envelope.facts.utf8_header ? kUtf8Header : 0U);
}

void number_field(std::string& line, std::int64_t number) {
  line += ' ';
  append_number(line, number);
}
void text_field(std::string& line, std::string_view text) {
  line += ' ';
  append_text(line, text);
}

std::optional<WallTime> read_time(FieldReader& reader) {
  const auto count = reader.number<std::int64_t>();
  if (!count) return std::nullopt;
  return WallTime(Duration(*count));
}

/// "" is the null path.
std::optional<Path> read_path(FieldReader& reader) {
  const auto text = reader.text();
  if (!text) return std::nullopt;
  if (text->empty()) return Path();
  auto path = Path::parse(*text, true);
  if (!path) return std::nullopt;
  return std::move(*path);
}

bool read_parameters(FieldReader& reader, Envelope& envelope) {
  const auto flags = reader.number<unsigned>();
  const auto size = reader.number<std::uint64_t>();
  const auto body = reader.number<unsigned>();
  const auto ret = reader.number<unsigned>();
  auto envid = reader.text();
  auto auth = reader.text();
  auto session = reader.text();
  if (!flags || !size || !body || *body > 3 || !ret || *ret > 2 || !envid || !auth || !session)
    return false;
  envelope.parameters = {*size,
                         static_cast<postrider::Body>(*body),
                         (*flags & kSmtpUtf8) != 0,
                         static_cast<Return>(*ret),
                         std::move(*envid),
                         std::move(*auth)};
  envelope.facts = {(*flags & kEightBit) != 0, (*flags & kLeadingDot) != 0,
                    (*flags & kUtf8Header) != 0};
  envelope.session = std::move(*session);
  return true;
}

bool read_recipient(FieldReader& reader, Envelope& envelope) {
  const auto notify = reader.number<std::uint8_t>();
  auto orcpt = reader.text();
  auto path = read_path(reader);
  if (!notify || !orcpt || !path || path->is_null()) return false;
  envelope.recipients.push_back({std::move(*path), {*notify, std::move(*orcpt)}});
  return true;
}

/// One letter per state; 'r' is a failure that has been reported.
char letter_of(const RecipientStatus& status) noexcept {
  if (status.gone && status.state == RecipientState::failed) return 'r';
  switch (status.state) {
    case RecipientState::delayed:
      return 'w';
    case RecipientState::held:
      return 'h';
    case RecipientState::delivered:
      return 'd';
    case RecipientState::failed:
      return 'f';
    case RecipientState::queued:
    case RecipientState::active:
      break;
  }
  return 'q';
}

bool read_letter(std::string_view field, RecipientStatus& status) noexcept {
  if (field.size() != 1) return false;
  switch (field[0]) {
    case 'q':
      status.state = RecipientState::queued;
      return true;
    case 'w':
      status.state = RecipientState::delayed;
      return true;
    case 'h':
      status.state = RecipientState::held;
      return true;
    case 'd':
      status.state = RecipientState::delivered;
      break;
    case 'r':
      status.state = RecipientState::failed;
      break;
    case 'f':
      status.state = RecipientState::failed;
      return true;
    default:
      return false;
  }
  status.gone = true;
  return true;
}

/// "450 4.2.0 text", as Reply::line() has it; no code in "".
Reply read_reply(std::string_view line) {
  Reply reply;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), reply.code);
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  if (line.starts_with(' ')) line.remove_prefix(1);
  reply.status = EnhancedStatus::parse(line);
  if (reply.status.is_set()) line.remove_prefix(std::min(line.find(' '), line.size() - 1) + 1);
  reply.text = line;
  return reply;
}

/// What reports need beside the state.
bool read_report_fields(FieldReader& reader, RecipientStatus& status, LastWord& word) {
  const auto reported = reader.number<unsigned>();
  const auto reply = reader.text();
  if (!reported || *reported > 1 || !reply || !reader.is_at_end()) return false;
  status.delay_reported = *reported == 1;
  word.reply = read_reply(*reply);
  return true;
}

bool read_status(std::string_view field, RecipientStatus& status) {
  FieldReader reader(field, ',');
  if (!read_letter(reader.next(), status)) return false;
  if (reader.is_at_end()) return true;
  const auto attempts = reader.number<std::uint32_t>();
  const auto next = read_time(reader);
  const auto code = reader.text();
  auto reason = reader.text();
  auto remote = reader.text();
  if (!attempts || !next || !code || !reason || !remote) return false;
  LastWord word{EnhancedStatus::parse(*code), std::move(*reason), std::move(*remote)};
  if (!reader.is_at_end() && !read_report_fields(reader, status, word)) return false;
  status.attempts = *attempts;
  status.next_attempt = *next;
  status.word = std::make_shared<const LastWord>(std::move(word));
  return true;
}

bool read_give_up(std::string_view field, MessageState& state) {
  FieldReader reader(field, ',');
  const auto time = read_time(reader);
  if (!time) return false;
  state.give_up_at = *time;
  if (reader.is_at_end()) return true;
  const auto ordered = reader.number<unsigned>();
  state.give_up_ordered = ordered == 1U;
  return ordered && *ordered <= 1 && reader.is_at_end();
}

}  // namespace

std::string encode(const Envelope& envelope) {
  std::string line = "e1";
  line.reserve(128 + 48 * envelope.recipients.size());
  number_field(line, envelope.arrived.time_since_epoch().count());
  number_field(line, flags_of(envelope));
  number_field(line, static_cast<std::int64_t>(envelope.parameters.size));
  number_field(line, static_cast<std::int64_t>(envelope.parameters.body));
  number_field(line, static_cast<std::int64_t>(envelope.parameters.ret));
  text_field(line, envelope.parameters.envid);
  text_field(line, envelope.parameters.auth);
  text_field(line, envelope.session);
  text_field(line, envelope.reverse_path.text());
  number_field(line, static_cast<std::int64_t>(envelope.recipients.size()));
  for (const Recipient& recipient : envelope.recipients) {
    number_field(line, recipient.parameters.notify);
    text_field(line, recipient.parameters.orcpt);
    text_field(line, recipient.path.text());
  }
  return line += kEnd;
}

std::string encode(const MessageState& state) {
  std::string line = "s1";
  number_field(line, state.give_up_at.time_since_epoch().count());
  if (state.give_up_ordered) line += ",1";
  for (const RecipientStatus& status : state.recipients) {
    line += ' ';
    line += letter_of(status);
    const LastWord& word = status.last();
    const bool untouched = status.attempts == 0 && word.reason.empty() && !status.delay_reported;
    if (untouched || status.state == RecipientState::delivered) continue;
    line += ',';
    append_number(line, status.attempts);
    line += ',';
    append_number(line, status.next_attempt.time_since_epoch().count());
    line += ',';
    append_text(line, word.status.text());
    line += ',';
    append_text(line, word.reason);
    line += ',';
    append_text(line, word.remote);
    if (!status.delay_reported && word.reply.code == 0) continue;
    line += status.delay_reported ? ",1," : ",0,";
    append_text(line, word.reply.code != 0 ? printable(word.reply.line()) : std::string());
  }
  return line += kEnd;
}

std::expected<Envelope, std::string> decode_envelope(std::string_view line) {
  FieldReader reader(line, ' ');
  if (reader.next() != "e1") return std::unexpected("envelope of an unknown version");
  Envelope envelope;
  const auto arrived = read_time(reader);
  if (!arrived) return std::unexpected("envelope: no time of arrival");
  envelope.arrived = *arrived;
  if (!read_parameters(reader, envelope)) return std::unexpected("envelope: parameters of MAIL");
  auto path = read_path(reader);
  if (!path) return std::unexpected("envelope: reverse-path");
  envelope.reverse_path = std::move(*path);
  const auto count = reader.number<std::uint32_t>();
  if (!count || *count == 0) return std::unexpected("envelope: number of recipients");
  for (std::uint32_t i = 0; i < *count; ++i)
    if (!read_recipient(reader, envelope))
      return std::unexpected("envelope: recipient " + std::to_string(i + 1));
  if (reader.next() != "." || !reader.is_at_end())
    return std::unexpected("envelope: no end after the last recipient");
  return envelope;
}

std::expected<MessageState, std::string> decode_state(std::string_view line,
                                                      std::size_t recipients) {
  if (line.empty()) return std::unexpected("the state is damaged");
  FieldReader reader(line, ' ');
  if (reader.next() != "s1") return std::unexpected("state of an unknown version");
  MessageState state;
  if (!read_give_up(reader.next(), state)) return std::unexpected("state: no give-up time");
  for (std::size_t i = 0; i < recipients; ++i)
    if (!read_status(reader.next(), state.recipients.emplace_back()))
      return std::unexpected("state: recipient " + std::to_string(i + 1));
  if (reader.next() != "." || !reader.is_at_end())
    return std::unexpected("state: no end after the last recipient");
  return state;
}

}  // namespace postrider::queue
