// SPDX-License-Identifier: MIT
#include "transcript.hpp"

#include <cstring>

namespace postrider::protocol_log {
namespace {

/// A record as it is kept; its text follows.
struct Head {
  std::int64_t at;
  std::uint64_t number;
  std::uint32_t elapsed;
  std::uint16_t text;
  Label label;
};

Head head_at(const std::string& records, std::size_t place) {
  Head head{};
  std::memcpy(&head, records.data() + place, sizeof head);
  return head;
}

void visit_all(const std::string& records, const Transcript::Visitor& visitor) {
  for (std::size_t place = 0; place < records.size();) {
    const Head head = head_at(records, place);
    const std::string_view text(records.data() + place + sizeof head, head.text);
    const Record record{WallTime(Duration(head.at)), Duration(head.elapsed), head.label, false,
                        text};
    visitor(&record, head.number);
    place += sizeof head + head.text;
  }
}

}  // namespace

void Transcript::add(const Record& record, std::uint64_t number) {
  last_ = number;
  if (half_ == 0) return;
  Head head{};
  head.at = record.at.time_since_epoch().count();
  head.number = number;
  head.elapsed = static_cast<std::uint32_t>(record.elapsed.count());
  head.text = static_cast<std::uint16_t>(record.text.size() & 0xffff);
  head.label = record.label;
  const std::size_t size = sizeof head + head.text;
  ++count_;
  first_is_full_ = first_is_full_ || first_.size() + size > half_;
  if (first_is_full_ && latest_.size() + size > half_) make_room();
  std::string& place = first_is_full_ ? latest_ : first_;
  place.append(reinterpret_cast<const char*>(&head), sizeof head);
  place.append(record.text.data(), head.text);
}

/// Half of the latest go at once, so that it is done seldom.
void Transcript::make_room() {
  std::size_t end = 0;
  while (end < latest_.size() && end < half_ / 2) {
    end += sizeof(Head) + head_at(latest_, end).text;
    ++omitted_;
  }
  latest_.erase(0, end);
}

void Transcript::visit(const Visitor& visitor) const {
  visit_all(first_, visitor);
  if (omitted_ > 0) visitor(nullptr, 0);
  visit_all(latest_, visitor);
}

}  // namespace postrider::protocol_log
