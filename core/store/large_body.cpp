// SPDX-License-Identifier: MIT
// Bodies in files of their own: the writer that fills one, the body that reads it, their folder.
#include "store/large_body.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace postrider::store {
namespace {

constexpr std::size_t kCopyChunk = 256 << 10;

class LargeBody final : public Body {
 public:
  LargeBody(FileSystem& files, std::string path, std::unique_ptr<File> file, MessageId id,
            std::uint64_t size, bool kept)
      : files_(files),
        path_(std::move(path)),
        file_(std::move(file)),
        id_(id),
        size_(size),
        kept_(kept),
        flushed_(kept) {}
  LargeBody(const LargeBody&) = delete;
  LargeBody& operator=(const LargeBody&) = delete;
  ~LargeBody() override {
    if (!kept_) (void)files_.remove(path_);
  }

  std::uint64_t size() const noexcept override { return size_; }
  std::string_view memory() const noexcept override { return {}; }
  Result<std::size_t> read(std::uint64_t offset, char* target, std::size_t length) const override {
    return file_->read(offset, target, length);
  }

  MessageId id() const { return id_; }
  const std::string& path() const { return path_; }
  void keep() const { kept_ = true; }
  bool kept() const { return kept_; }
  // On the writer's thread. A flush that failed is never asked for again.
  Result<void> flush() const {
    if (broken_) return std::unexpected(Error{Errc::io, path_ + ": an earlier flush failed"});
    if (flushed_) return {};
    auto synced = file_->sync();
    flushed_ = synced.has_value();
    broken_ = !flushed_;
    return synced;
  }

 private:
  FileSystem& files_;
  std::string path_;
  std::unique_ptr<File> file_;
  MessageId id_;
  std::uint64_t size_;
  mutable std::atomic<bool> kept_;
  mutable bool flushed_;
  mutable bool broken_ = false;
};

class LargeBodyWriter final : public BodyWriter {
 public:
  LargeBodyWriter(FileSystem& files, std::string path, std::unique_ptr<File> file, MessageId id)
      : files_(files), path_(std::move(path)), file_(std::move(file)), id_(id) {}
  LargeBodyWriter(const LargeBodyWriter&) = delete;
  LargeBodyWriter& operator=(const LargeBodyWriter&) = delete;
  ~LargeBodyWriter() override {
    if (file_) (void)files_.remove(path_);
  }

  Result<void> append(std::string_view octets) override {
    if (!state_) return state_;
    const std::array<std::string_view, 1> pieces{octets};
    state_ = file_->write(size_, pieces);
    if (state_) size_ += octets.size();
    return state_;
  }

  Result<BodyPtr> finish() override {
    if (!state_) return std::unexpected(state_.error());
    state_ = std::unexpected(Error{Errc::closing, path_ + ": already finished"});
    return std::make_shared<LargeBody>(files_, path_, std::move(file_), id_, size_, false);
  }

 private:
  FileSystem& files_;
  std::string path_;
  std::unique_ptr<File> file_;
  MessageId id_;
  std::uint64_t size_ = 0;
  Result<void> state_;
};

const LargeBody* as_large(const Add& add) {
  return dynamic_cast<const LargeBody*>(add.body.get());
}

}  // namespace

LargeBodies::LargeBodies(FileSystem& files, std::string folder, std::uint64_t threshold)
    : files_(files), folder_(std::move(folder)), threshold_(threshold) {}

std::string LargeBodies::path(MessageId id) const {
  return folder_ + '/' + hex(id, 16) + ".eml";
}

Result<std::unique_ptr<BodyWriter>> LargeBodies::create(MessageId id) {
  auto file = files_.open(path(id), OpenMode::create);
  if (!file) return std::unexpected(file.error());
  return std::make_unique<LargeBodyWriter>(files_, path(id), std::move(*file), id);
}

Result<BodyPtr> LargeBodies::open(MessageId id, std::uint64_t size) const {
  auto file = files_.open(path(id), OpenMode::read);
  if (!file) return std::unexpected(file.error());
  return std::make_shared<LargeBody>(files_, path(id), std::move(*file), id, size, true);
}

PlacedBody LargeBodies::plan(const Add& add) const {
  PlacedBody body;
  body.size = add.body->size();
  body.file = as_large(add) != nullptr || body.size >= threshold_;
  return body;
}

Result<void> LargeBodies::copy(const Body& body, const std::string& path) {
  auto file = files_.open(path, OpenMode::create);
  if (!file) return std::unexpected(file.error());
  std::string chunk(kCopyChunk, '\0');
  for (std::uint64_t offset = 0; offset < body.size();) {
    const auto count = body.read(offset, chunk.data(), chunk.size());
    if (!count) return std::unexpected(count.error());
    if (*count == 0) return std::unexpected(Error{Errc::io, path + ": the body ended early"});
    const std::array<std::string_view, 1> pieces{std::string_view(chunk).substr(0, *count)};
    if (auto written = (*file)->write(offset, pieces); !written) return written;
    offset += *count;
  }
  return (*file)->sync();
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
  const LargeBody* large = as_large(add);
  if (large == nullptr) {
    placed = copy(*add.body, path(add.id));
  } else {
    placed = large->flush();
    if (placed && large->path() != path(add.id)) placed = files_.link(large->path(), path(add.id));
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

Result<std::vector<MessageId>> LargeBodies::list() const {
  const auto names = files_.list(folder_);
  if (!names) return std::unexpected(names.error());
  std::vector<MessageId> ids;
  for (const std::string& name : *names) {
    if (!name.ends_with(".eml")) continue;
    if (const auto id = parse_hex(std::string_view(name).substr(0, name.size() - 4))) {
      ids.push_back(*id);
    }
  }
  std::ranges::sort(ids);
  return ids;
}

}  // namespace postrider::store
