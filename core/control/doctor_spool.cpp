// SPDX-License-Identifier: MIT
#include "control/doctor_spool.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <postrider/quantity.hpp>

namespace postrider::control {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kFlushes = 10;
constexpr std::uint64_t kStoreMinimum = (64_MiB).octets;  // below it the store takes no mail
constexpr std::uint64_t kComfort = (1_GiB).octets;
constexpr auto kSlowFlush = std::chrono::milliseconds(20);

/// Writes and flushes a page `kFlushes` times; the median, or nothing if the system refuses.
std::optional<std::chrono::microseconds> time_flushes(int descriptor) {
  const std::array<char, 4096> page{};
  std::vector<std::chrono::microseconds> times;
  for (int i = 0; i < kFlushes; ++i) {
    const auto began = Clock::now();
    const bool written = ::write(descriptor, page.data(), page.size()) == std::ssize(page);
    if (!written || ::fdatasync(descriptor) != 0) return std::nullopt;
    times.push_back(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began));
  }
  std::ranges::nth_element(times, times.begin() + kFlushes / 2);
  return times[kFlushes / 2];
}

void try_writing(SpoolFacts& facts) {
  std::string name = facts.path + "/doctor-XXXXXX";
  const int descriptor = ::mkstemp(name.data());
  if (descriptor < 0) {
    facts.not_writable = std::strerror(errno);
    return;
  }
  facts.flush = time_flushes(descriptor);
  if (!facts.flush) facts.not_writable = std::strerror(errno);
  ::close(descriptor);
  ::unlink(name.c_str());
}

Finding check_room(const SpoolFacts& facts) {
  const auto mib = [](std::uint64_t octets) { return octets >> 20; };
  const std::string found = fmt::format("{} MiB free in {}", mib(facts.free), facts.path);
  const std::uint64_t needed = kStoreMinimum + facts.largest;
  if (facts.free < needed)
    return wrong("spool.room", found,
                 fmt::format("make room: below {} MiB mail is refused with 452", mib(needed)));
  const std::uint64_t comfort = std::max(kComfort, kStoreMinimum + 10 * facts.largest);
  if (facts.free < comfort)
    return warning("spool.room", found,
                   fmt::format("make room for mail that waits: {} MiB or more", mib(comfort)));
  return ok("spool.room", found);
}

Finding check_flush(const SpoolFacts& facts) {
  const double ms = static_cast<double>(facts.flush.value().count()) / 1000.0;
  const std::string found = fmt::format("a flush takes {:.2f} ms (median of {})", ms, kFlushes);
  if (*facts.flush < kSlowFlush) return ok("spool.flush", found);
  return warning("spool.flush", found,
                 "each message waits for one before its 250: use a disk with a power-safe cache, "
                 "or a faster one");
}

Finding check_missing(const SpoolFacts& facts) {
  const std::string found = fmt::format("{} does not exist", facts.path);
  if (facts.parent_exists)
    return warning("spool.folder", found, "postriderd makes it at its first start, if it may");
  return wrong("spool.folder", found + ", nor does the folder it is to be in",
               "make it, owned by the daemon's user, or correct server.spool");
}

}  // namespace

SpoolFacts look_at_spool(const std::string& path) {
  SpoolFacts facts{.path = path};
  std::error_code error;
  facts.exists = std::filesystem::exists(path, error);
  facts.is_folder = std::filesystem::is_directory(path, error);
  if (!facts.exists) {
    const auto parent = std::filesystem::absolute(path, error).parent_path();
    facts.parent_exists = std::filesystem::is_directory(parent, error);
  }
  if (!facts.is_folder) return facts;
  struct statvfs room{};
  if (::statvfs(path.c_str(), &room) == 0)
    facts.free = std::uint64_t{room.f_bavail} * room.f_frsize;
  try_writing(facts);
  return facts;
}

Findings check_spool(const SpoolFacts& facts) {
  if (facts.in_memory)
    return {warning("spool.folder", "server.store is \"memory\": a restart loses the queue",
                    "set server.store = \"log\" unless this is a test")};
  if (!facts.exists) return {check_missing(facts)};
  if (!facts.is_folder)
    return {wrong("spool.folder", facts.path + " is not a folder", "correct server.spool")};
  Findings findings;
  if (facts.not_writable.empty())
    findings.push_back(ok("spool.folder", facts.path + " can be written"));
  else
    findings.push_back(wrong(
        "spool.folder", fmt::format("{} cannot be written: {}", facts.path, facts.not_writable),
        "give the folder to the daemon's user, or run this as that user"));
  findings.push_back(check_room(facts));
  if (facts.flush) findings.push_back(check_flush(facts));
  return findings;
}

}  // namespace postrider::control
