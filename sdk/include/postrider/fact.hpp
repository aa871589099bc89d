// SPDX-License-Identifier: MIT
// Facts: values on a session that are computed once, started early, awaited only by who reads them,
// and cancelled with the session. Nothing that does not read a fact ever waits for it.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <postrider/loop.hpp>
#include <postrider/task.hpp>

namespace postrider {

/// Names a fact and its type. Declare well-known ones in <postrider/facts.hpp>.
template <class T>
struct FactKey {
  std::string_view name;
};

class FactCellBase {
 public:
  virtual ~FactCellBase() = default;
};

/// One fact of one session.
template <class T>
class FactCell final : public FactCellBase {
 public:
  FactCell(Loop& loop, Task<T> task) : loop_(loop), run_(compute(*this, std::move(task))) {}
  void start() { run_.start(); }
  /// The value, or null while it is being computed or after it failed.
  const T* value() const noexcept { return value_ ? &*value_ : nullptr; }
  bool is_settled() const noexcept { return settled_; }

  class Awaiter {
   public:
    explicit Awaiter(FactCell* cell) noexcept : cell_(cell) {}
    bool await_ready() const noexcept { return !cell_ || cell_->settled_; }
    void await_suspend(std::coroutine_handle<> handle) {
      node_.set_handle(handle);
      node_.link_before(cell_->waiting_);
    }
    /// Null if nobody owns the fact or its computation threw.
    const T* await_resume() const noexcept { return cell_ ? cell_->value() : nullptr; }

   private:
    FactCell* cell_;
    ReadyNode node_;
  };

 private:
  static Task<void> compute(FactCell& cell, Task<T> task) {
    // A fact that throws is a fact nobody knows; its plugin reports the reason itself.
    try {
      cell.value_.emplace(co_await task);
    } catch (...) {
      cell.value_.reset();
    }
    cell.settle();
  }
  void settle() noexcept {
    settled_ = true;
    while (waiting_.next() != &waiting_) loop_.make_ready(*waiting_.next());
  }

  struct Head : ReadyNode {
    Head() { make_head(); }
    ~Head() {
      while (next() != this) next()->unlink();
    }
  };
  Loop& loop_;
  Head waiting_;
  std::optional<T> value_;
  bool settled_ = false;
  Task<void> run_;
};

/// [loop thread] The facts of one session.
class Facts {
 public:
  explicit Facts(Loop& loop) : loop_(loop) {}
  Facts(const Facts&) = delete;
  Facts& operator=(const Facts&) = delete;

  /// Own `key` and start computing it now. The first owner wins; false if there is one already.
  template <class T>
  bool start(FactKey<T> key, Task<T> task) {
    if (find(key.name)) return false;
    auto cell = std::make_unique<FactCell<T>>(loop_, std::move(task));
    FactCell<T>& started = *cell;
    cells_.emplace_back(key.name, std::move(cell));
    started.start();
    return true;
  }
  /// const T* value = co_await facts.get(kIprev): waits until settled; null if unknown.
  /// The pointer lives as long as the session.
  template <class T>
  typename FactCell<T>::Awaiter get(FactKey<T> key) const {
    return typename FactCell<T>::Awaiter(static_cast<FactCell<T>*>(find(key.name)));
  }
  /// Never waits: null if unknown or not settled yet.
  template <class T>
  const T* peek(FactKey<T> key) const noexcept {
    const auto* cell = static_cast<const FactCell<T>*>(find(key.name));
    return cell ? cell->value() : nullptr;
  }
  /// Is somebody computing it, or was it computed?
  template <class T>
  bool is_owned(FactKey<T> key) const noexcept {
    return find(key.name) != nullptr;
  }

 private:
  FactCellBase* find(std::string_view name) const noexcept {
    for (const auto& [key, cell] : cells_)
      if (key == name) return cell.get();
    return nullptr;
  }
  Loop& loop_;
  std::vector<std::pair<std::string, std::unique_ptr<FactCellBase>>> cells_;
};

}  // namespace postrider
