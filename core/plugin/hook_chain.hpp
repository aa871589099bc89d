// SPDX-License-Identifier: MIT
// The judges of one hook in file order: the first answer other than pass() wins.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "plugin/hook_call.hpp"
#include "plugin/instance.hpp"

namespace postrider::plugin {

/// What is judged; null where the hook has no such thing. All outlives the judgement.
struct Subject {
  Session* session = nullptr;
  Transaction* transaction = nullptr;
  Recipient* recipient = nullptr;
  Message* message = nullptr;
  const Destination* destination = nullptr;
  const Peer* peer = nullptr;
};

/// [loop thread] Outlives the tasks it returns.
class HookChain {
 public:
  HookChain(Loop& loop, HookKind kind) : loop_(loop), kind_(kind) {}
  /// `instance` has the hook; it outlives the chain.
  void add(Instance& instance) { instances_.push_back(&instance); }
  bool is_empty() const noexcept { return instances_.empty(); }
  /// As long as the hooks answer without waiting, no frame is made.
  Task<Verdict> judge(Subject subject);

 private:
  struct Scratch;
  /// A call that is under way. The task goes before the copies it works on.
  struct Pending {
    std::unique_ptr<Scratch> scratch;
    std::optional<Task<Verdict>> task;
  };
  std::optional<Verdict> ask(Instance& instance, Subject subject, Pending& pending);
  std::optional<Verdict> ask_from(std::size_t& index, Subject subject, Pending& pending);
  Task<Verdict> go_on(std::size_t index, Subject subject, Pending pending);
  Verdict settle(Instance& instance, Ended<Verdict> ended);
  Verdict policy_verdict(const Instance& instance, Fault fault) const;
  std::string malformation(const Verdict& verdict) const;
  Verdict apply(Instance& instance, Verdict verdict);
  Task<Verdict> call(Instance& instance, const Subject& subject);

  Loop& loop_;
  const HookKind kind_;
  std::vector<Instance*> instances_;
};

}  // namespace postrider::plugin
