// SPDX-License-Identifier: MIT
// Where the loop of this thread is right now, told by itself and readable from other threads: the
// watchdog names it when the loop stands still. Writing it costs two plain stores.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

namespace postrider::runtime {

struct Place {
  std::atomic<const char*> hook = nullptr;  ///< "greylist/rcpt"; null outside of plugins
  std::atomic<const void*> code = nullptr;  ///< the coroutine that was resumed last; null between
};

/// The place of the calling thread.
Place& this_place() noexcept;
/// The same, to look at from another thread, even when this one has ended.
std::shared_ptr<const Place> share_this_place() noexcept;

/// A copy of `name` that is never freed, the same for equal names: hooks are few, and another
/// thread may look at a name after its plugin has gone.
const char* lasting_name(std::string_view name);

/// Says where the loop is as long as it lives. Never across a co_await.
class InHook {
 public:
  explicit InHook(const char* name) noexcept
      : before_(this_place().hook.exchange(name, std::memory_order_relaxed)) {}
  InHook(const InHook&) = delete;
  InHook& operator=(const InHook&) = delete;
  ~InHook() { this_place().hook.store(before_, std::memory_order_relaxed); }

 private:
  const char* const before_;
};

/// What a place is called: the hook, else the library whose coroutine runs, else "".
std::string place_text(const Place& place);

}  // namespace postrider::runtime
