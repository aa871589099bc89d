// SPDX-License-Identifier: MIT
// The file system of the tests. Each file keeps its octets twice, as programs see them and as the
// disk has them, and the writes between; names likewise.
#include "store/faulty_file.hpp"

#include <algorithm>
#include <cerrno>
#include <random>
#include <utility>

#include "store/faulty_node.hpp"

namespace postrider::store {
namespace {

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

int error_number(Fault fault) {
  switch (fault) {
    case Fault::io:
    case Fault::short_write:
      return EIO;
    case Fault::no_space:
      return ENOSPC;
    case Fault::quota:
      return EDQUOT;
    case Fault::too_many_files:
      return EMFILE;
  }
  return EIO;
}

}  // namespace

class FaultyFile final : public File {
 public:
  FaultyFile(FaultyFileSystem& files, FaultyFileSystem::NodePtr node, std::string path, bool lock)
      : files_(files), node_(std::move(node)), path_(std::move(path)), lock_(lock) {}
  FaultyFile(const FaultyFile&) = delete;
  FaultyFile& operator=(const FaultyFile&) = delete;
  ~FaultyFile() override {
    if (!lock_) return;
    const std::lock_guard guard(files_.mutex_);
    files_.locked_.erase(path_);
  }
  Result<std::size_t> read(std::uint64_t offset, char* target, std::size_t length) const override {
    const std::lock_guard guard(files_.mutex_);
    if (auto counted = files_.count_read(path_); !counted) return std::unexpected(counted.error());
    if (offset >= node_->data.size()) return 0;
    const std::size_t copied = node_->data.copy(target, length, offset);
    files_.read_[path_] += copied;
    return copied;
  }
  Result<void> write(std::uint64_t offset, std::span<const std::string_view> pieces) override {
    return files_.write(*node_, path_, offset, pieces);
  }
  Result<void> sync() override { return files_.sync(*node_, path_); }
  Result<void> allocate(std::uint64_t size) override {
    return files_.allocate(*node_, path_, size);
  }
  Result<void> trim(std::uint64_t size) override { return files_.trim(*node_, path_, size); }
  Result<std::uint64_t> size() const override {
    const std::lock_guard guard(files_.mutex_);
    return node_->data.size();
  }

 private:
  FaultyFileSystem& files_;
  FaultyFileSystem::NodePtr node_;
  std::string path_;
  bool lock_;
};

FaultyFileSystem::FaultyFileSystem() = default;
FaultyFileSystem::~FaultyFileSystem() = default;

Result<void> FaultyFileSystem::count(std::string_view call, const std::string& path,
                                     bool* cut_short) {
  ++calls_;
  if (recording_) record_.push_back(std::string(call) + ' ' + path);
  if (calls_ != failing_call_) return {};
  if (fault_ == Fault::short_write && cut_short == nullptr) return {};
  if (cut_short != nullptr) *cut_short = fault_ == Fault::short_write;
  ++faults_;
  return std::unexpected(system_error(call, path, error_number(fault_)));
}

Result<void> FaultyFileSystem::count_read(const std::string& path) {
  const std::uint64_t number = ++reads_;
  if (number < first_bad_read_ || number > last_bad_read_) return {};
  ++faults_;
  return std::unexpected(system_error("pread", path, EIO));
}

void FaultyFileSystem::apply(Names& names, const NameChange& change) {
  if (!change.removed.empty()) names.erase(change.removed);
  if (!change.added.empty()) names[change.added] = change.node;
}

void FaultyFileSystem::change(NameChange change) {
  apply(names_, change);
  changes_.push_back(std::move(change));
}

Result<void> FaultyFileSystem::reserve(std::uint64_t old_size, std::uint64_t new_size,
                                       const std::string& path) {
  if (new_size <= old_size) return {};
  std::uint64_t used = new_size - old_size;
  for (const auto& [name, node] : names_) used += node->data.size();
  if (used <= space_) return {};
  return std::unexpected(system_error("write", path, ENOSPC));
}

Result<std::unique_ptr<File>> FaultyFileSystem::open(const std::string& path, OpenMode mode) {
  std::unique_lock guard(mutex_);
  const auto found = names_.find(path);
  const bool creates = mode == OpenMode::create || mode == OpenMode::ensure;
  if (found == names_.end() && !creates) {
    return std::unexpected(system_error("open", path, ENOENT));
  }
  if (found != names_.end()) {
    if (mode == OpenMode::create) return std::unexpected(system_error("open", path, EEXIST));
    if (auto counted = count("open", path); !counted) return std::unexpected(counted.error());
    return std::make_unique<FaultyFile>(*this, found->second, path, false);
  }
  if (auto counted = count("create", path); !counted) return std::unexpected(counted.error());
  auto node = std::make_shared<Node>();
  change({folder_of(path), "", path, node});
  guard.unlock();
  call_hook();
  return std::make_unique<FaultyFile>(*this, std::move(node), path, false);
}

Result<std::unique_ptr<File>> FaultyFileSystem::lock(const std::string& path) {
  if (auto made = open(path, OpenMode::ensure); !made) return made;
  const std::lock_guard guard(mutex_);
  const NodePtr node = names_.at(path);
  if (!locked_.insert(path).second) {
    const std::string pid = node->data.substr(0, node->data.find('\n'));
    return std::unexpected(Error{Errc::io, path + " is locked by another process: pid " + pid});
  }
  return std::make_unique<FaultyFile>(*this, node, path, true);
}

Result<void> FaultyFileSystem::rename(const std::string& from, const std::string& to) {
  {
    const std::lock_guard guard(mutex_);
    if (auto counted = count("rename", from); !counted) return counted;
    const auto found = names_.find(from);
    if (found == names_.end()) return std::unexpected(system_error("rename", from, ENOENT));
    change({folder_of(to), from, to, found->second});
  }
  call_hook();
  return {};
}

Result<void> FaultyFileSystem::link(const std::string& from, const std::string& to) {
  {
    const std::lock_guard guard(mutex_);
    if (auto counted = count("link", from); !counted) return counted;
    const auto found = names_.find(from);
    if (found == names_.end()) return std::unexpected(system_error("link", from, ENOENT));
    if (names_.contains(to)) return std::unexpected(system_error("link", to, EEXIST));
    change({folder_of(to), "", to, found->second});
  }
  call_hook();
  return {};
}

Result<void> FaultyFileSystem::remove(const std::string& path) {
  {
    const std::lock_guard guard(mutex_);
    if (auto counted = count("remove", path); !counted) return counted;
    if (!names_.contains(path)) return std::unexpected(system_error("unlink", path, ENOENT));
    change({folder_of(path), path, "", nullptr});
  }
  call_hook();
  return {};
}

Result<void> FaultyFileSystem::make_folder(const std::string& path) {
  {
    const std::lock_guard guard(mutex_);
    if (names_.contains(path)) return {};
    if (auto counted = count("mkdir", path); !counted) return counted;
    auto node = std::make_shared<Node>();
    node->folder = true;
    change({folder_of(path), "", path, std::move(node)});
  }
  call_hook();
  return {};
}

Result<void> FaultyFileSystem::sync_folder(const std::string& path) {
  {
    const std::lock_guard guard(mutex_);
    if (auto counted = count("sync_folder", path); !counted) return counted;
    if (!ignore_folder_syncs_) {
      std::erase_if(changes_, [&](const NameChange& change) {
        if (change.folder != (path == "/" ? "" : path)) return false;
        apply(durable_names_, change);
        return true;
      });
    }
  }
  call_hook();
  return {};
}

Result<std::vector<std::string>> FaultyFileSystem::list(const std::string& path) {
  const std::lock_guard guard(mutex_);
  std::vector<std::string> found;
  for (const auto& [name, node] : names_) {
    if (folder_of(name) == path && !node->folder) found.push_back(name.substr(path.size() + 1));
  }
  return found;
}

Result<std::uint64_t> FaultyFileSystem::free_space(const std::string&) {
  const std::lock_guard guard(mutex_);
  std::uint64_t used = 0;
  for (const auto& [name, node] : names_) used += node->data.size();
  return used < space_ ? space_ - used : 0;
}

Result<void> FaultyFileSystem::write(Node& node, const std::string& path, std::uint64_t offset,
                                     std::span<const std::string_view> pieces) {
  std::string octets;
  for (const auto piece : pieces) octets += piece;
  {
    const std::lock_guard guard(mutex_);
    bool cut_short = false;
    if (auto counted = count("write", path, &cut_short); !counted) {
      if (cut_short) node.add(offset, octets.substr(0, octets.size() / 2));
      return counted;
    }
    if (auto free = reserve(node.data.size(), offset + octets.size(), path); !free) return free;
    written_[path] += octets.size();
    if (!octets.empty()) node.add(offset, std::move(octets));
  }
  call_hook();
  return {};
}

Result<void> FaultyFileSystem::sync(Node& node, const std::string& path) {
  {
    const std::lock_guard guard(mutex_);
    if (auto counted = count("sync", path); !counted) return counted;
    if (!ignore_file_syncs_) node.sync();
  }
  call_hook();
  return {};
}

Result<void> FaultyFileSystem::allocate(Node& node, const std::string& path, std::uint64_t size) {
  {
    const std::lock_guard guard(mutex_);
    if (auto counted = count("allocate", path); !counted) return counted;
    if (auto free = reserve(node.data.size(), size, path); !free) return free;
    if (size > node.data.size()) node.add(size, {});
  }
  call_hook();
  return {};
}

Result<void> FaultyFileSystem::trim(Node& node, const std::string& path, std::uint64_t size) {
  {
    const std::lock_guard guard(mutex_);
    if (auto counted = count("trim", path); !counted) return counted;
    if (size < node.data.size()) node.data.resize(size);
  }
  call_hook();
  return {};
}

unsigned FaultyFileSystem::faults() const {
  const std::lock_guard guard(mutex_);
  return faults_;
}

std::uint64_t FaultyFileSystem::calls() const {
  const std::lock_guard guard(mutex_);
  return calls_;
}

std::uint64_t FaultyFileSystem::sum_of(const Octets& counted, std::string_view part) const {
  const std::lock_guard guard(mutex_);
  std::uint64_t octets = 0;
  for (const auto& [path, count] : counted) octets += path.find(part) != path.npos ? count : 0;
  return octets;
}

std::vector<std::string> FaultyFileSystem::recorded() const {
  const std::lock_guard guard(mutex_);
  return record_;
}

void FaultyFileSystem::fail_call(std::uint64_t number, Fault fault) {
  const std::lock_guard guard(mutex_);
  failing_call_ = number;
  fault_ = fault;
}

std::uint64_t FaultyFileSystem::reads() const {
  const std::lock_guard guard(mutex_);
  return reads_;
}

void FaultyFileSystem::fail_reads(std::uint64_t first, std::uint64_t last) {
  const std::lock_guard guard(mutex_);
  first_bad_read_ = first;
  last_bad_read_ = last;
}

void FaultyFileSystem::limit_space(std::uint64_t octets) {
  const std::lock_guard guard(mutex_);
  space_ = octets;
}

std::unique_ptr<FaultyFileSystem> FaultyFileSystem::image(Tail tail, std::uint64_t seed) const {
  const std::lock_guard guard(mutex_);
  std::mt19937_64 random(seed);
  Names names = durable_names_;
  for (const NameChange& change : changes_) {
    const bool survives =
        tail == Tail::everything || (tail == Tail::random_sectors && random() % 2 == 0);
    if (survives) apply(names, change);
  }
  auto left = std::make_unique<FaultyFileSystem>();
  std::map<const Node*, NodePtr> copies;
  const auto copy_of = [&](const NodePtr& node) {
    NodePtr& copy = copies[node.get()];
    if (copy || !node) return copy;
    copy = std::make_shared<Node>(*node);
    if (tail == Tail::everything) return copy;
    copy->data = tail == Tail::nothing ? node->durable : node->torn(random);
    copy->sync();
    return copy;
  };
  for (const auto& [name, node] : names) {
    const std::string folder = folder_of(name);
    if (folder.rfind('/') != std::string::npos && !names.contains(folder)) continue;
    left->names_[name] = copy_of(node);
  }
  left->durable_names_ = left->names_;
  if (tail != Tail::everything) return left;
  left->durable_names_.clear();
  for (const auto& [name, node] : durable_names_) left->durable_names_[name] = copy_of(node);
  for (NameChange change : changes_) {
    change.node = copy_of(change.node);
    left->changes_.push_back(std::move(change));
  }
  return left;
}

std::string FaultyFileSystem::contents(const std::string& path) const {
  const std::lock_guard guard(mutex_);
  const auto found = names_.find(path);
  return found == names_.end() ? std::string() : found->second->data;
}

void FaultyFileSystem::damage(const std::string& path, std::uint64_t offset,
                              std::string_view octets) {
  const std::lock_guard guard(mutex_);
  Node::put(names_.at(path)->data, offset, octets);
  Node::put(names_.at(path)->durable, offset, octets);
}

std::vector<std::string> FaultyFileSystem::paths() const {
  const std::lock_guard guard(mutex_);
  std::vector<std::string> all;
  for (const auto& [name, node] : names_) {
    if (!node->folder) all.push_back(name);
  }
  return all;
}

}  // namespace postrider::store
