// SPDX-License-Identifier: MIT
// The operator's standing orders at work: the mode, suspended destinations, draining. One place
// works out what the loops are told; they obey all at once.
#include <algorithm>

#include "queue/selection.hpp"
#include "server.hpp"

namespace postrider {
namespace {

constexpr Duration kDrainLook = 500ms;

std::string list_of(const std::vector<queue::Suspension>& suspended) {
  std::string list;
  for (const queue::Suspension& one : suspended) list += (list.empty() ? "" : ", ") + one.pattern;
  return list.empty() ? "no destination is" : "suspended are: " + list;
}

}  // namespace

control::ModeView Server::mode() const {
  control::ModeView view;
  view.configured = configuration_->settings.server.mode;
  view.mode = orders_.mode.value_or(view.configured);
  if (orders_.mode) view.ordered = orders_.mode_since;
  view.draining = draining_since_;
  view.stops_when_drained = stops_when_drained_;
  return view;
}

Task<bool> Server::obey() {
  const config::Mode mode = this->mode().mode;
  const queue::GatePtr gate = gate_for(mode, orders_);
  const std::optional<Reply> refusal = refusal_for(draining_since_ ? config::Mode::none : mode);
  const auto told = co_await ask_all<bool>([gate, refusal](Worker& worker) -> Task<bool> {
    worker.obey(gate, refusal);
    return Task<bool>(true);
  });
  co_return !told.empty();
}

/// Durable first, then in force.
std::expected<void, std::string> Server::order(Orders orders) {
  const config::Server& server = configuration_->settings.server;
  if (server.store == config::StoreKind::log) {
    auto saved = save_orders(server.spool, orders);
    if (!saved) return std::unexpected("not done, it could not be written: " + saved.error());
  }
  orders_ = std::move(orders);
  return {};
}

Task<control::Done> Server::set_mode(std::optional<config::Mode> mode) {
  Orders orders = orders_;
  orders.mode = mode;
  orders.mode_since = now();
  if (auto done = order(std::move(orders)); !done) co_return done;
  log_->write(
      LogLevel::info, "mode",
      {{"mode", mode_name(this->mode().mode)}, {"by", mode ? "the operator" : "server.mode"}});
  (void)co_await obey();
  co_return control::Done{};
}

Task<control::Done> Server::suspend(std::string pattern, std::string reason) {
  Orders orders = orders_;
  std::erase_if(orders.suspended, [&](const auto& one) { return one.pattern == pattern; });
  orders.suspended.push_back({pattern, now(), reason});
  if (auto done = order(std::move(orders)); !done) co_return done;
  log_->write(LogLevel::info, "suspended", {{"destination", pattern}, {"reason", reason}});
  (void)co_await obey();
  co_return control::Done{};
}

Task<control::Done> Server::resume(std::string pattern) {
  Orders orders = orders_;
  const auto resumed = std::erase_if(
      orders.suspended, [&](const auto& one) { return queue::fits(pattern, one.pattern); });
  if (resumed == 0)
    co_return std::unexpected("\"" + pattern + "\" is not suspended; " +
                              list_of(orders_.suspended));
  if (auto done = order(std::move(orders)); !done) co_return done;
  log_->write(LogLevel::info, "resumed", {{"destination", pattern}});
  (void)co_await obey();
  co_return control::Done{};
}

Task<control::Done> Server::drain_queue(bool stop_after) {
  const config::Mode mode = this->mode().mode;
  if (!tries_mail(mode))
    co_return std::unexpected("the mode is " + std::string(mode_name(mode)) +
                              ": nothing is tried, so the queue would stay as it is; "
                              "postrider mode outbound-only");
  if (!draining_since_) draining_since_ = now();
  const bool watched = std::exchange(stops_when_drained_, stop_after);
  log_->write(LogLevel::info, "draining the queue",
              {{"then", stop_after ? "stop" : "stay without new mail"}});
  (void)co_await obey();
  if (stop_after && !watched) tasks_->spawn(stop_when_drained());
  co_return control::Done{};
}

Task<control::Done> Server::end_drain() {
  if (!draining_since_) co_return std::unexpected("the queue is not being drained");
  draining_since_.reset();
  stops_when_drained_ = false;
  log_->write(LogLevel::info, "no longer draining the queue", {});
  (void)co_await obey();
  co_return control::Done{};
}

Task<void> Server::stop_when_drained() {
  while (stops_when_drained_ && !stopping_) {
    const queue::QueueCounts left = co_await counts();
    if (left.queued + left.active + left.delayed == 0 && sessions_.size() == 0) co_return stop();
    co_await sleep_for(*runtime_, kDrainLook);
  }
}

}  // namespace postrider
