// SPDX-License-Identifier: MIT
// The octets first, then the reason, both flushed. Without room on the disk nothing is moved, and
// the caller keeps what it has.
#include "store/quarantine.hpp"

#include <array>
#include <utility>

namespace postrider::store {
namespace {

constexpr std::string_view kWhy = ".why";

}  // namespace

Quarantine::Quarantine(FileSystem& files, std::string folder, bool looks_only)
    : files_(files), folder_(std::move(folder)), looks_only_(looks_only) {}

void Quarantine::load() {
  const auto names = files_.list(folder_);
  if (!names) return;
  const std::lock_guard guard(mutex_);
  for (const std::string& name : *names) {
    if (name.ends_with(kWhy)) continue;
    std::array<char, 1024> text;
    const auto file = files_.open(folder_ + '/' + name + std::string(kWhy), OpenMode::read);
    const auto count = file ? (*file)->read(0, text.data(), text.size()) : Result<std::size_t>(0);
    const std::string_view why(text.data(), count.value_or(0));
    reasons_[name] = why.substr(0, why.find('\n'));
  }
}

void Quarantine::write(const std::string& name, std::string_view octets, bool& good) {
  auto file = files_.open(folder_ + '/' + name, OpenMode::ensure);
  const std::array<std::string_view, 1> pieces{octets};
  good = good && file && (*file)->write(0, pieces) && (*file)->sync();
}

bool Quarantine::keep(const std::string& name, const std::string& why) {
  if (!looks_only_) {
    bool good = true;  // the reason is a courtesy: what it explains is safe already
    write(name + std::string(kWhy), why + '\n', good);
    if (!files_.sync_folder(folder_)) return false;
  }
  const std::lock_guard guard(mutex_);
  const bool added = reasons_.insert_or_assign(name, why).second;
  if (added) ++since_start_;
  return true;
}

bool Quarantine::put(const std::string& name, std::string_view octets, const std::string& why) {
  bool good = true;
  if (!looks_only_) write(name, octets, good);
  return good && keep(name, why);
}

bool Quarantine::move(const std::string& path, const std::string& name, const std::string& why) {
  if (!looks_only_ && !files_.rename(path, folder_ + '/' + name)) return false;
  return keep(name, why);
}

bool Quarantine::link(const std::string& path, const std::string& name, const std::string& why) {
  {
    const std::lock_guard guard(mutex_);
    if (reasons_.contains(name)) return true;
  }
  if (!looks_only_) {
    const auto linked = files_.link(path, folder_ + '/' + name);
    if (!linked) return linked.error().code == Errc::not_found;
  }
  return keep(name, why);
}

void Quarantine::count_lost(std::uint64_t messages) {
  const std::lock_guard guard(mutex_);
  since_start_ += messages;
}

std::uint64_t Quarantine::since_start() const {
  const std::lock_guard guard(mutex_);
  return since_start_;
}

std::vector<SetAside> Quarantine::list() const {
  const std::lock_guard guard(mutex_);
  std::vector<SetAside> all;
  all.reserve(reasons_.size());
  for (const auto& [name, why] : reasons_) all.push_back({name, why});
  return all;
}

}  // namespace postrider::store
