// SPDX-License-Identifier: MIT
// Bodies in files of their own: the writer that fills one, the body that reads it, their folder.
#include "store/large_body.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace postrider::store {
namespace {

constexpr std::size_t kCopyChunk = 256 << 10;

// What a file of big/ is.
struct Place {
  FileSystem& files;
  Quarantine& quarantine;
  std::string path;
  MessageId id;
};

class LargeBody final : public Body {
 public:
  LargeBody(Place place, std::unique_ptr<File> file, BodySum sum, bool kept)
      : place_(std::move(place)), file_(std::move(file)), sum_(sum), kept_(kept), flushed_(kept) {}
  LargeBody(const LargeBody&) = delete;
  LargeBody& operator=(const LargeBody&) = delete;
  ~LargeBody() override {
    if (!kept_) (void)place_.files.remove(place_.path);
  }

  std::uint64_t size() const noexcept override { return sum_.size; }
  std::string_view memory() const noexcept override { return {}; }
  Result<std::size_t> read(std::uint64_t offset, char* target, std::size_t length) const override {
    return file_->read(offset, target, length);
  }

  Result<void> confirm(const BodySum& read) const override {
    const bool whole = read.size == sum_.size && (sum_.crc == 0 || read.crc == sum_.crc);
    if (whole) return {};
    std::string why =
        read.size < sum_.size
            ? fmt::format("{} ends after {} of {} octets", place_.path, read.size, sum_.size)
            : fmt::format("{} has other octets than were accepted", place_.path);
    (void)place_.quarantine.link(place_.path, id_text(place_.id) + ".eml", why);
    return std::unexpected(Error{Errc::corrupt, std::move(why)});
  }

  MessageId id() const { return place_.id; }
  const std::string& path() const { return place_.path; }
  std::uint32_t crc() const { return sum_.crc; }
  void keep() const { kept_ = true; }
  bool kept() const { return kept_; }
  // On the writer's thread. A flush that failed is never asked for again.
  Result<void> flush() const {
    if (broken_) return std::unexpected(Error{Errc::io, place_.path + ": an earlier flush failed"});
    if (flushed_) return {};
    auto synced = file_->sync();
    flushed_ = synced.has_value();
    broken_ = !flushed_;
    return synced;
  }

 private:
  const Place place_;
  std::unique_ptr<File> file_;
  const BodySum sum_;
  mutable std::atomic<bool> kept_;
  mutable bool flushed_;
  mutable bool broken_ = false;
};

class LargeBodyWriter final : public BodyWriter {
 public:
  LargeBodyWriter(Place place, std::unique_ptr<File> file)
      : place_(std::move(place)), file_(std::move(file)) {}
  LargeBodyWriter(const LargeBodyWriter&) = delete;
  LargeBodyWriter& operator=(const LargeBodyWriter&) = delete;
  ~LargeBodyWriter() override {
    if (file_) (void)place_.files.remove(place_.path);
  }

  Result<void> append(std::string_view octets) override {
    if (!state_) return state_;
    const std::array<std::string_view, 1> pieces{octets};
    state_ = file_->write(sum_.size, pieces);
    if (state_) sum_.add(octets);
    return state_;
  }

  Result<BodyPtr> finish() override {
    if (!state_) return std::unexpected(state_.error());
    state_ = std::unexpected(Error{Errc::closing, place_.path + ": already finished"});
    return std::make_shared<LargeBody>(place_, std::move(file_), sum_, false);
  }

 private:
  const Place place_;
  std::unique_ptr<File> file_;
  BodySum sum_;
  Result<void> state_;
};

const LargeBody* as_large(const Add& add) {
  return dynamic_cast<const LargeBody*>(add.body.get());
}

}  // namespace

LargeBodies::LargeBodies(FileSystem& files, std::string folder, std::uint64_t threshold,
                         Quarantine& quarantine)
    : files_(files), folder_(std::move(folder)), threshold_(threshold), quarantine_(quarantine) {}

std::string LargeBodies::path(MessageId id) const {
  return folder_ + '/' + hex(id, 16) + ".eml";
}

Result<std::unique_ptr<BodyWriter>> LargeBodies::create(MessageId id) {
  auto file = files_.open(path(id), OpenMode::create);
  if (!file) return std::unexpected(file.error());
  return std::make_unique<LargeBodyWriter>(Place{files_, quarantine_, path(id), id},
                                           std::move(*file));
}

Result<BodyPtr> LargeBodies::open(MessageId id, std::uint64_t size, std::uint32_t crc) const {
  auto file = files_.open(path(id), OpenMode::read);
  if (!file && file.error().code == Errc::not_found) {
    return std::unexpected(Error{Errc::corrupt, path(id) + " is missing"});
  }
  if (!file) return std::unexpected(file.error());
  auto body = std::make_shared<LargeBody>(Place{files_, quarantine_, path(id), id},
                                          std::move(*file), BodySum{size, crc}, true);
  return body;
}

PlacedBody LargeBodies::plan(const Add& add) const {
  PlacedBody body;
  body.size = add.body->size();
  body.file = as_large(add) != nullptr || body.size >= threshold_;
  return body;
}

Result<std::uint32_t> LargeBodies::copy(const Body& body, const std::string& path) {
  auto file = files_.open(path, OpenMode::create);
  if (!file) return std::unexpected(file.error());
  std::string chunk(kCopyChunk, '\0');
  BodySum sum;
  while (sum.size < body.size()) {
    const auto count = body.read(sum.size, chunk.data(), chunk.size());
    if (!count) return std::unexpected(count.error());
    if (*count == 0) return std::unexpected(Error{Errc::io, path + ": the body ended early"});
    const std::array<std::string_view, 1> pieces{std::string_view(chunk).substr(0, *count)};
    if (auto written = (*file)->write(sum.size, pieces); !written) {
      return std::unexpected(written.error());
    }
    sum.add(pieces.front());
  }
  if (auto synced = (*file)->sync(); !synced) return std::unexpected(synced.error());
  return sum.crc;
}

Result<void> LargeBodies::place(const Add& add, PlacedBody& body) {
  body.holder = add.body;
  if (!body.file) {
    body.octets = add.body->memory();
    if (body.octets.size() == body.size) return {};
    std::string octets(body.size, '\0');
    const auto count = add.body->read(0, octets.data(), octets.size());
    if (!count) return std::unexpected(count.error());
    if (*count != octets.size()) return std::unexpected(Error{Errc::io, "the body ended early"});
    body.holder = make_memory_body(std::move(octets));
    body.octets = body.holder->memory();
    return {};
  }
  Result<void> placed;
  if (const LargeBody* large = as_large(add)) {
    body.crc = large->crc();
    placed = large->flush();
    if (placed && large->path() != path(add.id)) placed = files_.link(large->path(), path(add.id));
  } else if (const auto copied = copy(*add.body, path(add.id))) {
    body.crc = *copied;
  } else {
    placed = std::unexpected(copied.error());
  }
  if (!placed) drop(add);
  return placed;
}

void LargeBodies::keep(const Add& add) {
  const LargeBody* large = as_large(add);
  if (large != nullptr && large->id() == add.id) large->keep();
}

void LargeBodies::drop(const Add& add) {
  const LargeBody* large = as_large(add);
  if (large == nullptr || large->path() != path(add.id)) remove(add.id);
}

Result<LargeBodies::Found> LargeBodies::list() const {
  const auto names = files_.list(folder_);
  if (!names) return std::unexpected(names.error());
  Found found;
  for (const std::string& name : *names) {
    const auto id = parse_hex(std::string_view(name).substr(0, 16));
    if (id && name == hex(*id, 16) + ".eml") {
      found.ids.push_back(*id);
    } else {
      found.foreign.push_back(name);
    }
  }
  std::ranges::sort(found.ids);
  return found;
}

}  // namespace postrider::store
