// SPDX-License-Identifier: MIT
#include "store/inspection.hpp"

#include <utility>
#include <vector>

namespace postrider::store {
namespace {

constexpr std::size_t kChunk = 256 << 10;

// One in memory was checked when it was read.
Result<void> read_through(const Body& body) {
  if (!body.memory().empty()) return {};
  std::string chunk(kChunk, '\0');
  BodySum sum;
  while (sum.size < body.size()) {
    const auto count = body.read(sum.size, chunk.data(), chunk.size());
    if (!count) return std::unexpected(count.error());
    if (*count == 0) break;
    sum.add(std::string_view(chunk).substr(0, *count));
  }
  return body.confirm(sum);
}

Result<void> expect_spool(const std::string& folder) {
  const auto lock = posix_file_system().open(folder + "/LOCK", OpenMode::read);
  if (lock) return {};
  if (lock.error().code != Errc::not_found) return std::unexpected(lock.error());
  return std::unexpected(Error{Errc::not_found, folder + " is no spool: it has no file LOCK"});
}

}  // namespace

Result<std::unique_ptr<Inspection>> Inspection::open(const std::string& folder, Purpose purpose) {
  if (auto there = expect_spool(folder); !there) return std::unexpected(there.error());
  LogOptions options;
  options.folder = folder;
  auto inspection = std::make_unique<Inspection>(options, purpose);
  Spool& spool = inspection->spool_;
  auto report = purpose == Purpose::look ? spool.look() : spool.open();
  if (!report) return std::unexpected(report.error());
  inspection->report_ = std::move(*report);
  return inspection;
}

Inspection::Inspection(const LogOptions& options, Purpose purpose)
    : files_(posix_file_system()),
      spool_(purpose == Purpose::look ? static_cast<FileSystem&>(files_) : posix_file_system(),
             options, purpose == Purpose::look ? Spool::Purpose::look : Spool::Purpose::repair) {}

void Inspection::for_each(const std::function<void(const Inspected&)>& each) const {
  std::vector<MessageId> ids;
  ids.reserve(spool_.index.size());
  spool_.index.for_each([&](MessageId id, const Entry&) { ids.push_back(id); });
  ReadWindows windows;
  for (const MessageId id : ids) each(inspect(id, windows));
}

Inspected Inspection::inspect(MessageId id, ReadWindows& windows) const {
  const Entry entry = spool_.index.find(id).value();
  Inspected found{.id = id, .envelope = {}, .state = {}, .body_size = entry.body, .fault = {}};
  auto text = spool_.text(entry, windows);
  if (!text) {
    found.fault = text.error();
    return found;
  }
  found.envelope = std::move(text->envelope);
  found.state = std::move(text->state);
  found.fault = std::move(text->state_error);
  const auto body = spool_.body(id);
  const auto read = body ? read_through(**body) : std::unexpected(body.error());
  if (!read && !found.fault) found.fault = read.error();
  return found;
}

Result<void> Inspection::set_aside(MessageId id, const std::string& why) {
  const auto entry = spool_.index.find(id);
  if (!entry) return std::unexpected(Error{Errc::not_found, "no such message"});
  if (!spool_.set_aside_message(id, *entry, why)) {
    return std::unexpected(
        Error{Errc::io, "it cannot be copied to " + spool_.quarantine.folder() + ": left alone"});
  }
  spool_.index.erase(id);
  return {};
}

}  // namespace postrider::store
