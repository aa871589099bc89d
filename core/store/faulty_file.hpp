// SPDX-License-Identifier: MIT
// A file system in memory that misbehaves on command: it counts every call that reaches a disk,
// fails the n-th once, fails reads, and at any moment says what a power cut would leave. What was
// synced is there; of the rest an arbitrary part, in sectors of 512 octets. For tests.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "store/file.hpp"

namespace postrider::store {

/// What is left of that which was not synced, after a power cut; or everything, and still not
/// synced: the process was killed, and the power may be cut later.
enum class Tail : std::uint8_t { nothing, everything, random_sectors };

enum class Fault : std::uint8_t { io, no_space, quota, too_many_files, short_write };

class FaultyFileSystem final : public FileSystem {
 public:
  FaultyFileSystem();
  FaultyFileSystem(const FaultyFileSystem&) = delete;
  FaultyFileSystem& operator=(const FaultyFileSystem&) = delete;
  ~FaultyFileSystem() override;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<std::unique_ptr<File>> lock(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> link(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> make_folder(const std::string& path) override;
  Result<void> sync_folder(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<std::uint64_t> free_space(const std::string& path) override;

  /// Calls so far that change a disk or make it keep something, and those that open a file.
  std::uint64_t calls() const;
  /// Octets read so far from files whose path contains `part`.
  std::uint64_t octets_read(std::string_view part) const { return sum_of(read_, part); }
  /// The same of what was written.
  std::uint64_t octets_written(std::string_view part) const { return sum_of(written_, part); }
  /// The names of those calls, as "write log/00000001.log". Kept from the last call of this on.
  void record_calls() {
    recording_ = true;
    record_.clear();
  }
  std::vector<std::string> recorded() const;

  /// Fails the call with this number (the first is 1), once.
  void fail_call(std::uint64_t number, Fault fault);
  /// Reads so far, and those that fail: with these numbers, the first is 1. They are no calls().
  std::uint64_t reads() const;
  void fail_reads(std::uint64_t first, std::uint64_t last);
  /// Calls and reads that were failed.
  unsigned faults() const;
  /// Called after each counted call, from the thread that made it. It may call image().
  void after_each_call(std::function<void()> hook) { hook_ = std::move(hook); }
  /// The disk after a crash now. The seed matters for random_sectors only.
  std::unique_ptr<FaultyFileSystem> image(Tail tail, std::uint64_t seed) const;

  /// Mutants, to prove that a test notices: syncs that say yes and do nothing.
  void ignore_file_syncs() { ignore_file_syncs_ = true; }
  void ignore_folder_syncs() { ignore_folder_syncs_ = true; }
  /// Files may not hold more than this together; then calls fail with no_space.
  void limit_space(std::uint64_t octets);

  /// The octets of a file, as a program would read them, and a way to damage them on the disk.
  std::string contents(const std::string& path) const;
  void damage(const std::string& path, std::uint64_t offset, std::string_view octets);
  std::vector<std::string> paths() const;

 private:
  friend class FaultyFile;
  struct Node;
  using NodePtr = std::shared_ptr<Node>;
  using Names = std::map<std::string, NodePtr>;
  using Octets = std::map<std::string, std::uint64_t>;  ///< by path
  struct NameChange {
    std::string folder;
    std::string removed;  ///< empty: none
    std::string added;    ///< empty: none
    NodePtr node;
  };

  Result<void> count(std::string_view call, const std::string& path, bool* cut_short = nullptr);
  Result<void> count_read(const std::string& path);
  void call_hook() {
    if (hook_) hook_();
  }
  std::uint64_t sum_of(const Octets& counted, std::string_view part) const;
  void change(NameChange change);
  static void apply(Names& names, const NameChange& change);
  Result<void> reserve(std::uint64_t old_size, std::uint64_t new_size, const std::string& path);
  Result<void> write(Node& node, const std::string& path, std::uint64_t offset,
                     std::span<const std::string_view> pieces);
  Result<void> sync(Node& node, const std::string& path);
  Result<void> allocate(Node& node, const std::string& path, std::uint64_t size);
  Result<void> trim(Node& node, const std::string& path, std::uint64_t size);

  mutable std::mutex mutex_;
  Names names_;          ///< as programs see them
  Names durable_names_;  ///< as the disk has them
  std::vector<NameChange> changes_;
  std::set<std::string> locked_;
  std::function<void()> hook_;
  std::vector<std::string> record_;
  mutable Octets read_;
  Octets written_;
  std::uint64_t calls_ = 0;
  std::uint64_t failing_call_ = 0;
  std::uint64_t reads_ = 0;
  std::uint64_t first_bad_read_ = 1;
  std::uint64_t last_bad_read_ = 0;
  Fault fault_ = Fault::io;
  unsigned faults_ = 0;
  bool recording_ = false;
  bool ignore_file_syncs_ = false;
  bool ignore_folder_syncs_ = false;
  std::uint64_t space_ = 1ull << 40;
};

}  // namespace postrider::store
