// SPDX-License-Identifier: MIT
// A file or folder of the FaultyFileSystem: its octets twice, as programs see them and as the disk
// has them, and the writes between.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/faulty_file.hpp"

namespace postrider::store {

struct FaultyFileSystem::Node {
  static constexpr std::uint64_t kSector = 512;

  static void put(std::string& data, std::uint64_t offset, std::string_view octets) {
    if (data.size() < offset + octets.size()) data.resize(offset + octets.size());
    std::ranges::copy(octets, data.begin() + static_cast<std::ptrdiff_t>(offset));
  }

  struct Write {
    std::uint64_t offset;
    std::string octets;
  };
  std::string data;
  std::string durable;
  std::vector<Write> unsynced;  ///< an empty one means: the file is at least `offset` long
  bool folder = false;

  void add(std::uint64_t offset, std::string octets) {
    put(data, offset, octets);
    unsynced.push_back({offset, std::move(octets)});
  }
  void sync() {
    durable = data;
    unsynced.clear();
  }
  /// What the disk holds if only some of the unsynced sectors reached it.
  std::string torn(std::mt19937_64& random) const {
    std::string left = durable;
    for (const Write& write : unsynced) {
      if (write.octets.empty() && random() % 2 == 0) put(left, write.offset, {});
      const std::string_view octets = write.octets;
      for (std::uint64_t at = 0; at < octets.size();) {
        const std::uint64_t end = (write.offset + at) / kSector * kSector + kSector - write.offset;
        if (random() % 2 == 0) put(left, write.offset + at, octets.substr(at, end - at));
        at = end;
      }
    }
    return left;
  }
};

}  // namespace postrider::store
