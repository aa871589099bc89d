// SPDX-License-Identifier: MIT
// Every protocol event to every observer, at once, in file order.
#pragma once

#include <vector>

#include "plugin/hook_call.hpp"
#include "plugin/instance.hpp"

namespace postrider::plugin {

/// [loop thread]
class EventFan {
 public:
  void add(Instance& instance) { instances_.push_back(&instance); }
  bool is_empty() const noexcept { return instances_.empty(); }
  void observe(const ProtocolEvent& event) noexcept {
    for (Instance* instance : instances_) {
      const runtime::InHook here(instance->name(HookKind::observer));
      const auto began = StopClock::now();
      instance->hooks().observer->on_event(event);
      const auto held = StopClock::now() - began;
      instance->spent(HookKind::observer, held, held);
    }
  }

 private:
  std::vector<Instance*> instances_;
};

}  // namespace postrider::plugin
