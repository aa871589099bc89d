// SPDX-License-Identifier: MIT
// Builds the octets of a batch. A composite's checksum covers the headers inside it, and those
// cover the rest, so that no body is summed twice.
#include "store/batch.hpp"

#include <array>

#include "store/crc32c.hpp"

namespace postrider::store {
namespace {

constexpr auto kPadding = [] {
  std::array<char, kBlock> block{};
  block.fill('\n');
  return block;
}();

std::size_t steps(const Transaction& transaction) {
  return transaction.add.size() + transaction.update.size() + transaction.remove.size();
}

}  // namespace

std::uint64_t encoded_size(const Transaction& transaction, std::span<const PlacedBody> bodies) {
  std::uint64_t size = (steps(transaction) + 1) * kHeaderSize;
  for (std::size_t i = 0; i < transaction.add.size(); ++i) {
    size += transaction.add[i].envelope.size() + transaction.add[i].state.size() + 3;
    if (!bodies[i].file) size += bodies[i].size;
  }
  for (const Update& update : transaction.update) size += update.state.size() + 2;
  return size;
}

void Batch::begin(std::uint32_t segment, std::uint64_t salt, std::uint64_t number,
                  std::uint64_t offset) {
  text_.clear();
  text_start_ = 0;
  parts_.clear();
  records_.clear();
  segment_ = segment;
  salt_ = salt;
  number_ = number;
  offset_ = offset;
  size_ = 0;
}

Record Batch::complete(Record record) const {
  record.segment = segment_;
  record.batch = number_;
  return record;
}

void Batch::append_octets(std::string_view octets) {
  parts_.push_back({text_start_, text_.size(), octets});
  text_start_ = text_.size();
}

void Batch::append(Record record, std::string_view envelope, std::string_view state,
                   std::string_view octets) {
  record = complete(record);
  if (record.has_text()) {
    record.envelope = static_cast<std::uint32_t>(envelope.size());
    record.state = static_cast<std::uint32_t>(state.size());
    record.text_crc = crc32c("\n", crc32c(state, crc32c("\n", crc32c(envelope))));
  }
  if (record.has_body()) {
    record.body = octets.size();
    record.body_crc = crc32c(octets);
  }
  records_.push_back({record, offset_ + size_});
  const std::size_t header = text_.size();
  append_header(text_, record, inside_ ? inner_salt(salt_) : salt_);
  composite_crc_ = crc32c(std::string_view(text_).substr(header, kHeaderSize), composite_crc_);
  if (record.has_text()) text_.append(envelope).append("\n").append(state).append("\n");
  if (record.has_body()) {
    append_octets(octets);
    text_ += '\n';
  }
  size_ += record.size();
}

void Batch::append(const Transaction& transaction, std::span<const PlacedBody> bodies) {
  const bool several = steps(transaction) > 1;
  const std::size_t outer = text_.size();
  const std::uint64_t before = size_;
  if (several) {
    text_.append(kHeaderSize, '\n');
    size_ += kHeaderSize;
    composite_crc_ = 0;
    inside_ = true;
  }
  Record record;
  for (std::size_t i = 0; i < transaction.add.size(); ++i) {
    const Add& add = transaction.add[i];
    record.type = bodies[i].file ? RecordType::put_file : RecordType::put;
    record.id = add.id;
    record.body = bodies[i].size;
    record.body_crc = bodies[i].crc;
    append(record, add.envelope, add.state, bodies[i].octets);
  }
  record = {.type = RecordType::update};
  for (const Update& update : transaction.update) {
    record.id = update.id;
    append(record, {}, update.state, {});
  }
  record = {.type = RecordType::done};
  for (const Remove& remove : transaction.remove) {
    record.id = remove.id;
    append(record, {}, {}, {});
  }
  if (!several) return;
  inside_ = false;
  record = complete({.type = RecordType::composite});
  record.body = size_ - before - kHeaderSize;
  record.body_crc = composite_crc_;
  std::string header;
  append_header(header, record, salt_);
  text_.replace(outer, kHeaderSize, header);
}

std::span<const std::string_view> Batch::pieces() {
  pieces_.clear();
  const std::string_view text = text_;
  for (const Piece& part : parts_) {
    if (part.text_end > part.text_start) {
      pieces_.push_back(text.substr(part.text_start, part.text_end - part.text_start));
    }
    if (!part.octets.empty()) pieces_.push_back(part.octets);
  }
  if (text.size() > text_start_) pieces_.push_back(text.substr(text_start_));
  const std::uint64_t padding = round_up(size_) - size_;
  if (padding > 0) pieces_.push_back({kPadding.data(), padding});
  return pieces_;
}

}  // namespace postrider::store
