// SPDX-License-Identifier: MIT
#include "deliver/couriers.hpp"

#include <utility>

namespace postrider::deliver {

Couriers::Couriers(runtime::Runtime& runtime, Dns& dns, queue::Deliveries& deliveries,
                   std::function<plugin::ChainsPtr()> chains, Options options, Log& log)
    : deliveries_(deliveries),
      post_{runtime,           deliveries,         route::Router(dns, runtime, options.route),
            std::move(chains), std::move(options), log},
      tasks_(runtime) {
  deliveries_.on_courier_wanted([this](const Destination& destination) {
    if (!post_.draining) tasks_.spawn(Courier::run(post_, destination));
  });
}

Couriers::~Couriers() {
  deliveries_.on_courier_wanted([](const Destination&) {});
}

void Couriers::set_options(Options options) {
  post_.router.set_options(options.route);
  post_.options = std::move(options);
}

Task<void> Couriers::drain() {
  post_.draining = true;
  deliveries_.dismiss_couriers();
  return tasks_.join();
}

}  // namespace postrider::deliver
