// SPDX-License-Identifier: MIT
#include "excerpt.hpp"

#include <algorithm>

namespace postrider::protocol_log {
namespace {

constexpr auto kNowhere = static_cast<std::size_t>(-1);

/// These begin with the queue id (postrider/protocol_event.hpp).
bool names_a_message(Label label) {
  return label == Label::attempt || label == Label::outcome || label == Label::accepted ||
         label == Label::unreached;
}

bool is_about(const Record& record, std::string_view queue_id) {
  return names_a_message(record.label) && record.text.starts_with(queue_id) &&
         (record.text.size() == queue_id.size() || record.text[queue_id.size()] == ' ');
}

/// Reads a conversation from its start to its end.
class Reader {
 public:
  explicit Reader(std::string_view queue_id) : queue_id_(queue_id) {}

  void take(const Record* record) {
    const std::size_t place = place_++;
    if (!record) return;
    if (is_about(*record, queue_id_)) {
      note(*record, place);
    } else if (record->label == Label::attempt) {
      ended_ = ended_ || named_;
      shared_ = true;
      begin_ = kNowhere;
    } else if (record->label == Label::data) {
      begin_ = place + 1;  // what follows may be of the next message, sent ahead (RFC 2920)
    }
    if (named_ && !ended_) found_.last = place;
  }
  std::optional<Excerpt> excerpt() const { return named_ ? std::optional(found_) : std::nullopt; }

 private:
  void note(const Record& record, std::size_t place) {
    if (!named_) {
      found_.opening = shared_ ? 1 : 0;  // whom we are connected to
      found_.first = shared_ ? std::min(begin_, place) : 0;
    }
    named_ = true;
    found_.last = place;
    if (record.label == Label::outcome) ++found_.outcomes;
  }

  std::string_view queue_id_;
  std::size_t place_ = 0;
  std::size_t begin_ = kNowhere;  // where the next message may begin before its attempt is told
  bool shared_ = false;           // another message was here before
  bool named_ = false;
  bool ended_ = false;  // by the attempt of another message
  Excerpt found_;
};

}  // namespace

std::optional<Excerpt> excerpt_of(const Conversation& conversation, std::string_view queue_id) {
  Reader reader(queue_id);
  conversation.transcript.visit(
      [&reader](const Record* record, std::uint64_t) { reader.take(record); });
  return reader.excerpt();
}

}  // namespace postrider::protocol_log
