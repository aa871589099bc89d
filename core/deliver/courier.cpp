// SPDX-License-Identifier: MIT
#include "deliver/courier.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <postrider/path.hpp>

#include "deliver/content.hpp"

namespace postrider::deliver {

Courier::Courier(Post& post, Destination destination)
    : post_(post), destination_(std::move(destination)) {}

Task<void> Courier::run(Post& post, Destination destination) {
  Courier courier(post, std::move(destination));
  co_await courier.work();
}

Task<void> Courier::work() {
  for (;;) {
    LoadPtr load = carried_ ? std::move(carried_) : take();
    if (load) {
      chains_ = post_.chains();
      bool in_time = true;
      if (!load->consignment.is_settled()) {
        in_time = co_await within(post_.runtime, time_left(*load), deliver(*load));
        if (!in_time) cut_off(*load);
      }
      finish(*load);
      if (!in_time) put_back_carried();
      continue;
    }
    if (post_.draining || !may_reuse()) break;
    const bool more = co_await post_.deliveries.wait(destination_, limits_.idle_connection);
    if (!more) break;
  }
  co_await let_go();
  post_.deliveries.courier_left(destination_);
}

Courier::LoadPtr Courier::take() {
  limits_ = post_.options.limits_to(destination_);
  if (post_.draining) return nullptr;
  const bool is_connected = may_reuse();
  auto delivery = post_.deliveries.take(destination_, is_connected);
  if (!delivery) return nullptr;
  auto load = std::make_unique<Load>(std::move(*delivery));
  load->may_connect = !is_connected;
  open_body(load->consignment);
  return load;
}

// Nobody is called on behalf of a message that cannot be read.
void Courier::open_body(Consignment& consignment) {
  const queue::MessageRecord& message = consignment.message();
  if (!message.memory().empty()) return;
  const auto body = message.body();
  if (!body) consignment.settle(consignment.unreadable(body.error()));
}

// A plugin reads as it likes and sees no errors: what is not in memory is read through before.
Task<bool> Courier::is_sound(Load& load) {
  Content content(load.consignment.message());
  while (!content.is_finished()) {
    const auto piece = content.next();
    if (!piece) {
      load.consignment.settle(load.consignment.unreadable(piece.error()));
      co_return false;
    }
    if (!content.is_finished()) co_await sleep_for(post_.runtime, Duration{});
  }
  co_return true;
}

Duration Courier::time_left(const Load& load) const {
  const auto left = load.consignment.delivery.deadline - post_.runtime.now();
  return std::clamp(std::chrono::ceil<Duration>(left), Duration{}, Duration{24h * 365});
}

/// A peer that keeps to the time of each step, but never comes to an end, must not keep us: what
/// was under way has been dropped.
void Courier::cut_off(Load& load) {
  const std::string why = "the attempt took longer than queue.attempt_limit";
  const Outcome outcome =
      session_ ? session_->abandon(why) : local_trouble(Phase::connect, {4, 4, 1}, why);
  post_.log.write(LogLevel::warning, "an attempt did not end in time",
                  {{"destination", destination_.text()}, {"reason", outcome.text}});
  session_.reset();
  connector_.reset();
  load.envelope.reset();
  Consignment& consignment = load.consignment;
  consignment.host_failed = std::ranges::none_of(consignment.outcomes, [](const auto& known) {
    return known && known->action != Action::delayed && known->action != Action::failed;
  });
  consignment.settle(outcome);
}

/// The one that was to follow has spent its time waiting: nobody has tried it.
void Courier::put_back_carried() {
  if (!carried_) return;
  queue::DeliveryResult result;
  result.untried = true;
  post_.deliveries.finish(std::move(carried_->consignment.delivery), std::move(result));
  carried_.reset();
}

void Courier::finish(Load& load) {
  Consignment& consignment = load.consignment;
  observe_outcomes(place(), consignment);
  queue::DeliveryResult result;
  result.host_failed = consignment.host_failed;
  result.damage = std::move(consignment.damage);
  result.outcomes.reserve(consignment.outcomes.size());
  for (auto& outcome : consignment.outcomes) result.outcomes.push_back(std::move(*outcome));
  post_.deliveries.finish(std::move(consignment.delivery), std::move(result));
}

AttemptPlace Courier::place() {
  AttemptPlace place{.chains = chains_.get(), .loop = post_.runtime, .id = id_};
  if (session_) {
    place.local = session_->local();
    place.remote = session_->remote().address;
    place.began = session_->began();
  }
  return place;
}

void Courier::number_attempt() {
  id_ = fmt::format("{}#{}", destination_.text(), ++post_.connections);
}

bool Courier::may_reuse() const noexcept {
  return session_ && !session_->is_broken() && post_.runtime.now() < route_until_ &&
         session_->messages() < limits_.max_messages;
}

Task<void> Courier::deliver(Load& load) {
  return destination_.transport == "smtp" ? deliver_by_smtp(load) : deliver_by_plugin(load);
}

Task<void> Courier::deliver_by_plugin(Load& load) {
  Consignment& consignment = load.consignment;
  number_attempt();
  const bool sound = co_await is_sound(load);
  if (!sound) co_return;
  std::vector<Recipient> recipients;
  for (std::size_t place = 0; place < consignment.outcomes.size(); ++place)
    recipients.push_back(consignment.recipient(place));
  const auto outcomes =
      co_await chains_->transport(destination_.transport, consignment.message(), recipients);
  for (std::size_t i = 0; i < outcomes.size() && i < recipients.size(); ++i)
    consignment.outcomes[i] = outcomes[i];
  consignment.settle(local_trouble(Phase::transport, {4, 3, 5},
                                   "the transport " + destination_.transport + " gave no outcome"));
}

Task<void> Courier::deliver_by_smtp(Load& load) {
  Consignment& consignment = load.consignment;
  connector_.reset();
  while (!consignment.is_settled()) {
    const bool ahead = load.envelope && session_ && !session_->is_broken();
    if (!ahead) {
      load.envelope.reset();
      if (!may_reuse()) {
        const bool reached = co_await reach_host(load);
        if (!reached) co_return;
      }
      load.envelope = session_->prepare(consignment);
    }
    if (load.envelope) co_await transact(load);
  }
}

Task<void> Courier::transact(Load& load) {
  Envelope& envelope = *load.envelope;
  Consignment& consignment = load.consignment;
  const bool reused = std::exchange(served_, true);
  if (reused) session_->note_attempt(consignment);  // the first was told when it connected
  auto next = [this, &envelope] { return announce(envelope); };
  const auto sent = co_await session_->transact(envelope, next);
  const bool untouched = reused && !envelope.answered;
  const bool accepted = envelope.accepted;
  load.envelope.reset();
  if (sent) {
    connector_.reset();  // this host works: who connects again begins with the route of then
    co_return;
  }
  post_.log.write(LogLevel::info, "next hop failed",
                  {{"destination", destination_.text()}, {"reason", sent.error().text}});
  // An idle connection that the peer closed meanwhile says nothing about the peer: connect anew.
  if (untouched && !consignment.is_settled()) {
    connector_.reset();
    co_return;
  }
  if (consignment.is_settled() || accepted) {
    consignment.host_failed = !sent.error().remote.empty();
    Outcome outcome = sent.error();
    outcome.action = Action::delayed;
    outcome.status.klass = 4;
    consignment.settle(outcome);
    co_return;
  }
  if (connector_) connector_->note(sent.error());
}

Envelope* Courier::announce(const Envelope& current) {
  const bool more_of_this = current.places.size() == post_.options.max_recipients;
  const bool last = session_->messages() + 1 >= limits_.max_messages;
  if (carried_ || more_of_this || last || !may_reuse()) return nullptr;
  carried_ = take();
  if (!carried_ || carried_->consignment.is_settled()) return nullptr;
  carried_->envelope = session_->prepare(carried_->consignment);
  return carried_->envelope ? &*carried_->envelope : nullptr;
}

Task<void> Courier::let_go() {
  if (session_) co_await session_->quit();
  session_.reset();
}

Task<bool> Courier::reach_host(Load& load) {
  co_await let_go();
  if (!connector_) {
    const bool found = co_await find_route(load);
    if (!found) co_return false;
    connector_.emplace(post_.runtime, post_.options, limits_.connect, *route_,
                       [this, &load](const Remote& remote, const Outcome& why, Duration took) {
                         number_attempt();
                         AttemptPlace tried = place();
                         tried.remote = remote.address;
                         observe_unreached(tried, load.consignment, why.text, took);
                       });
  }
  for (;;) {
    auto connection = co_await connector_->next();
    if (!connection) break;
    if (!std::exchange(load.may_connect, false)) post_.deliveries.note_connection(destination_);
    number_attempt();
    session_.emplace(post_.runtime, std::move(connection->stream), std::move(connection->remote),
                     post_.options, limits_, chains_, id_);
    session_->note_attempt(load.consignment);
    served_ = false;
    auto open = co_await session_->open();
    if (open) {
      const Verdict verdict = co_await judge_peer();
      if (!verdict.is_refusal()) co_return true;
      co_await let_go();
      if (turn_away(load, verdict)) co_return false;
      continue;
    }
    post_.log.write(LogLevel::info, "next hop failed",
                    {{"destination", destination_.text()}, {"reason", open.error().text}});
    connector_->note(std::move(open.error()));
    session_.reset();
  }
  load.consignment.host_failed = true;
  load.consignment.settle(connector_->reason());
  route_.reset();  // ask again next time: the hosts may have moved
  co_return false;
}

Task<Verdict> Courier::judge_peer() {
  if (!chains_->has_attempt_hooks()) co_return pass();
  const Remote& remote = session_->remote();
  Peer peer{remote.host, remote.address, {}};
  std::string_view rest = session_->welcome().text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    peer.lines.push_back(printable(rest.substr(0, end)));
    rest.remove_prefix(std::min(rest.size(), end + 1));
  }
  const Verdict verdict = co_await chains_->peer(destination_, peer);
  co_return verdict;
}

bool Courier::turn_away(Load& load, const Verdict& verdict) {
  Outcome outcome = unroutable(verdict.reply());
  outcome.phase = Phase::helo;
  const bool for_good = outcome.action == Action::failed;
  if (for_good && !connector_->cut()) {
    load.consignment.settle(outcome);
    route_.reset();
    return true;
  }
  connector_->note(std::move(outcome));
  return false;
}

Task<bool> Courier::find_route(Load& load) {
  if (route_ && post_.runtime.now() < route_until_) co_return true;
  route_.reset();
  auto found = co_await post_.router.route(*chains_, destination_);
  if (!found) {
    const Outcome outcome = unroutable(found.error());
    number_attempt();
    observe_unreached(place(), load.consignment, outcome.text, Duration{});
    load.consignment.host_failed = outcome.action == Action::delayed;
    load.consignment.settle(outcome);
    co_return false;
  }
  route_ = std::move(*found);
  route_until_ = post_.runtime.now() + route_->ttl;
  co_return true;
}

}  // namespace postrider::deliver
