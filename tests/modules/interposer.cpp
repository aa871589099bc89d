// SPDX-License-Identifier: MIT
// Loaded in front of the C library (LD_PRELOAD) it counts each call by which the daemon writes,
// flushes or names a file of its spool, and each that reads one, fails those it is told to, and
// shifts the calendar. A test tells it in a file that both map: tests/support/interposer.py has the
// same layout.
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

namespace {

// In the order of KINDS and PLACES in interposer.py.
enum Kind : unsigned { create, write_, sync, allocate, rename_, link_, unlink_, mkdir_, read_ };
enum Place : unsigned { elsewhere, folder, log_, big, corrupt, checkpoint };
constexpr unsigned kKinds = 9;
constexpr unsigned kPlaces = 6;
constexpr int kDescriptors = 65'536;
constexpr int kShortWrite = -1;

/// The calls from `first` to `last` fail with `error`, counted from 1.
struct Gate {
  std::atomic<std::uint64_t> calls, first, last;
  std::atomic<std::int64_t> error;
  std::atomic<std::uint64_t> faults;
};
struct Controls {
  Gate writes, reads;
  std::atomic<std::int64_t> calendar_ns;     // added to the calendar
  std::atomic<std::uint64_t> trusted_again;  // writes and flushes of a file whose flush had failed
  std::atomic<std::uint64_t> seen[kKinds][kPlaces], failed[kKinds][kPlaces];
  char spool[256];
};

Controls* controls = nullptr;
std::atomic<unsigned char> places[kDescriptors];
std::atomic<bool> broken[kDescriptors];

__attribute__((constructor)) void map_controls() {
  const char* path = std::getenv("POSTRIDER_INTERPOSER");
  const int descriptor = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return;
  void* mapped =
      ::mmap(nullptr, sizeof(Controls), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  ::close(descriptor);
  if (mapped != MAP_FAILED) controls = static_cast<Controls*>(mapped);
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

Place place_of(const char* path) {
  if (controls == nullptr) return elsewhere;
  const std::size_t length = std::strlen(controls->spool);
  if (length == 0 || std::strncmp(path, controls->spool, length) != 0) return elsewhere;
  const char* rest = path + length;
  if (std::strncmp(rest, "/log", 4) == 0) return log_;
  if (std::strncmp(rest, "/big", 4) == 0) return big;
  if (std::strncmp(rest, "/corrupt", 8) == 0) return corrupt;
  if (std::strncmp(rest, "/CHECKPOINT", 11) == 0) return checkpoint;
  return folder;
}

Place place_of(int descriptor) {
  if (descriptor < 0 || descriptor >= kDescriptors) return elsewhere;
  return static_cast<Place>(places[descriptor].load(std::memory_order_relaxed));
}

/// What the call is to fail with; 0: nothing.
std::int64_t fault(Kind kind, Place place) {
  if (controls == nullptr || place == elsewhere) return 0;
  ++controls->seen[kind][place];
  Gate& gate = kind == read_ ? controls->reads : controls->writes;
  const std::uint64_t number = ++gate.calls;
  if (gate.first == 0 || number < gate.first || number > gate.last) return 0;
  if (gate.error == kShortWrite && kind != write_) return 0;
  ++gate.faults;
  ++controls->failed[kind][place];
  return gate.error;
}

/// True: the caller returns -1.
bool fails(Kind kind, Place place) {
  const std::int64_t error = fault(kind, place);
  if (error == 0) return false;
  errno = static_cast<int>(error);
  return true;
}

bool distrusted(int descriptor) {
  if (place_of(descriptor) == elsewhere) return false;
  if (broken[descriptor]) ++controls->trusted_again;
  return true;
}

bool flush_fails(int descriptor) {
  (void)distrusted(descriptor);
  if (!fails(sync, place_of(descriptor))) return false;
  broken[descriptor] = true;
  return true;
}

template <class Clock>
std::int64_t shift_of(Clock clock) {
  const bool is_calendar = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  return controls != nullptr && is_calendar ? controls->calendar_ns.load() : 0;
}

}  // namespace

extern "C" {
#pragma GCC visibility push(default)

int open(const char* path, int flags, ...) {
  std::va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  const Place place = place_of(path);
  if ((flags & O_CREAT) != 0 && fails(create, place)) return -1;
  const int descriptor = next<int (*)(const char*, int, ...)>("open")(path, flags, mode);
  if (descriptor >= 0 && descriptor < kDescriptors) {
    places[descriptor] = static_cast<unsigned char>(place);
    broken[descriptor] = false;
  }
  return descriptor;
}

ssize_t pwritev(int descriptor, const iovec* pieces, int count, off_t offset) {
  const auto real = next<ssize_t (*)(int, const iovec*, int, off_t)>("pwritev");
  (void)distrusted(descriptor);
  const std::int64_t error = fault(write_, place_of(descriptor));
  if (error == 0) return real(descriptor, pieces, count, offset);
  if (error == kShortWrite) {
    // Half of it reaches the file; the rest, asked for again, finds no room.
    Gate& gate = controls->writes;
    gate.error = ENOSPC;
    gate.first = gate.last = gate.calls + 1;
    const iovec half{pieces[0].iov_base, (pieces[0].iov_len + 1) / 2};
    return real(descriptor, &half, 1, offset);
  }
  errno = static_cast<int>(error);
  return -1;
}

ssize_t pread(int descriptor, void* target, size_t length, off_t offset) {
  if (fails(read_, place_of(descriptor))) return -1;
  return next<ssize_t (*)(int, void*, size_t, off_t)>("pread")(descriptor, target, length, offset);
}

int fdatasync(int descriptor) {
  return flush_fails(descriptor) ? -1 : next<int (*)(int)>("fdatasync")(descriptor);
}

int fsync(int descriptor) {
  return flush_fails(descriptor) ? -1 : next<int (*)(int)>("fsync")(descriptor);
}

int fallocate(int descriptor, int mode, off_t offset, off_t length) {
  if (fails(allocate, place_of(descriptor))) return -1;
  return next<int (*)(int, int, off_t, off_t)>("fallocate")(descriptor, mode, offset, length);
}

int ftruncate(int descriptor, off_t length) noexcept {
  if (fails(allocate, place_of(descriptor))) return -1;
  return next<int (*)(int, off_t)>("ftruncate")(descriptor, length);
}

int rename(const char* from, const char* to) noexcept {
  return fails(rename_, place_of(from))
             ? -1
             : next<int (*)(const char*, const char*)>("rename")(from, to);
}

int link(const char* from, const char* to) noexcept {
  return fails(link_, place_of(from)) ? -1
                                      : next<int (*)(const char*, const char*)>("link")(from, to);
}

int unlink(const char* path) noexcept {
  return fails(unlink_, place_of(path)) ? -1 : next<int (*)(const char*)>("unlink")(path);
}

int mkdir(const char* path, mode_t mode) noexcept {
  return fails(mkdir_, place_of(path)) ? -1
                                       : next<int (*)(const char*, mode_t)>("mkdir")(path, mode);
}

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  // Not by dlsym(), which takes memory: a sanitizer's allocator asks for the time itself.
  const auto result = static_cast<int>(::syscall(SYS_clock_gettime, clock, now));
  if (const std::int64_t shift = shift_of(clock); result == 0 && shift != 0) {
    const std::int64_t whole = std::int64_t{now->tv_sec} * 1'000'000'000 + now->tv_nsec + shift;
    now->tv_sec = whole / 1'000'000'000;
    now->tv_nsec = whole % 1'000'000'000;
  }
  return result;
}

int gettimeofday(timeval* now, void*) noexcept {
  timespec exact{};
  const int result = ::clock_gettime(CLOCK_REALTIME, &exact);
  *now = {exact.tv_sec, exact.tv_nsec / 1000};
  return result;
}

time_t time(time_t* now) noexcept {
  timespec exact{};
  (void)::clock_gettime(CLOCK_REALTIME, &exact);
  if (now != nullptr) *now = exact.tv_sec;
  return exact.tv_sec;
}

#pragma GCC visibility pop
}
