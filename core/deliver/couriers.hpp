// SPDX-License-Identifier: MIT
// The couriers of one loop: starts one whenever the queue wants it, keeps them until they leave.
#pragma once

#include <cstddef>
#include <functional>

#include <postrider/dns.hpp>
#include <postrider/log.hpp>

#include "deliver/courier.hpp"
#include "deliver/options.hpp"
#include "plugin/chains.hpp"
#include "queue/deliveries.hpp"
#include "runtime/runtime.hpp"
#include "runtime/task_set.hpp"

namespace postrider::deliver {

/// [loop thread] Everything given by reference must outlive it. Dropping it cancels every attempt:
/// its recipients stay in the queue as they were.
class Couriers {
 public:
  /// Sets deliveries.on_courier_wanted(). `chains` gives the plugins' chains of now, never null.
  Couriers(runtime::Runtime& runtime, Dns& dns, queue::Deliveries& deliveries,
           std::function<plugin::ChainsPtr()> chains, Options options, Log& log);
  Couriers(const Couriers&) = delete;
  Couriers& operator=(const Couriers&) = delete;
  ~Couriers();

  /// In force at once, for couriers under way too: limits are read where they are used.
  void set_options(Options options);
  /// Couriers at work or waiting with an open connection.
  std::size_t size() const noexcept { return tasks_.size(); }
  /// [may suspend] Finish the deliveries in hand, take no others, close the connections.
  Task<void> drain();

 private:
  queue::Deliveries& deliveries_;
  Post post_;
  runtime::TaskSet tasks_;
};

}  // namespace postrider::deliver
