// SPDX-License-Identifier: MIT
// The folder corrupt/: what is damaged or not ours is put here for the operator, <name> with its
// octets and <name>.why with one line that says what it is. The store never reads it back.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "store/file.hpp"

namespace postrider::store {

/// Any thread.
class Quarantine {
 public:
  /// `looks_only`: everything is noted and nothing is touched, for a spool that is not ours to
  /// change.
  Quarantine(FileSystem& files, std::string folder, bool looks_only = false);

  /// Takes note of what is there from before.
  void load();
  /// Each returns whether it is there now; false leaves things as they were.
  bool put(const std::string& name, std::string_view octets, const std::string& why);
  bool move(const std::string& path, const std::string& name, const std::string& why);
  /// True also if there is nothing at `path`.
  bool link(const std::string& path, const std::string& name, const std::string& why);
  /// Damage of which nothing can be kept.
  void count_lost(std::uint64_t messages);

  /// Pieces set aside or lost since the start.
  std::uint64_t since_start() const;
  /// What is in the folder, by name.
  std::vector<SetAside> list() const;
  const std::string& folder() const { return folder_; }

 private:
  bool keep(const std::string& name, const std::string& why);
  void write(const std::string& name, std::string_view octets, bool& good);

  FileSystem& files_;
  const std::string folder_;
  const bool looks_only_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> reasons_;
  std::uint64_t since_start_ = 0;
};

}  // namespace postrider::store
