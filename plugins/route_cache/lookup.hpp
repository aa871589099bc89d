// SPDX-License-Identifier: MIT
// One search for a route that many may wait for. Whoever stops waiting stops nobody else: the
// search is a task of the plugin, not of any of those who wait.
#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include <postrider/loop.hpp>
#include <postrider/route.hpp>

namespace postrider::route_cache {

/// [loop thread] Shared by the search and by those who wait.
class Lookup {
 public:
  Lookup(Loop& loop, Destination to) : destination(std::move(to)), asked_at(loop.now()), on_(loop) {
    waiting_.make_head();
  }
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;
  ~Lookup() {
    while (waiting_.next() != &waiting_) waiting_.next()->unlink();
  }

  bool is_done() const noexcept { return result_.has_value(); }
  /// Once it is done.
  const RouteResult& result() const noexcept { return *result_; }
  void finish(RouteResult result) {
    result_.emplace(std::move(result));
    while (waiting_.next() != &waiting_) on_.make_ready(*waiting_.next());
  }

  class Awaiter {
   public:
    explicit Awaiter(Lookup& lookup) noexcept : lookup_(lookup) {}
    bool await_ready() const noexcept { return lookup_.is_done(); }
    void await_suspend(std::coroutine_handle<> handle) noexcept {
      node_.set_handle(handle);
      node_.link_before(lookup_.waiting_);
    }
    void await_resume() const noexcept {}

   private:
    Lookup& lookup_;
    ReadyNode node_;
  };
  Awaiter done() noexcept { return Awaiter(*this); }

  const Destination destination;
  const TimePoint asked_at;
  /// False after a flush: the answer may be as old as what was flushed.
  bool keep = true;

 private:
  Loop& on_;
  ReadyNode waiting_;
  std::optional<RouteResult> result_;
};

}  // namespace postrider::route_cache
