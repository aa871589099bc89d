// SPDX-License-Identifier: MIT
// The server as the operator's commands see it: one question to all loops, one answer.
#include <algorithm>
#include <set>
#include <unordered_map>

#include "control/control_json.hpp"
#include "queue/walk.hpp"
#include "runtime/memory_reserve.hpp"
#include "server.hpp"

namespace postrider {

namespace {

constexpr std::size_t kShownHeader = 64 * 1024;
constexpr std::size_t kShownContent = 256 * 1024;
/// Of one loop, in one answer: a message may have thousands.
constexpr std::size_t kShownRecipients = 100'000;

void add(queue::QueueCounts& sum, const queue::QueueCounts& one) {
  sum.messages += one.messages;
  sum.queued += one.queued;
  sum.active += one.active;
  sum.delayed += one.delayed;
  sum.held += one.held;
  sum.failed += one.failed;
  sum.delivered_total += one.delivered_total;
  sum.failed_total += one.failed_total;
  sum.destinations += one.destinations;
}

void add(plugin::HookCounter& sum, const plugin::HookCounter& one) {
  sum.calls += one.calls;
  sum.refusals += one.refusals;
  sum.errors += one.errors;
  sum.timeouts += one.timeouts;
  sum.total += one.total;
  sum.longest = std::max(sum.longest, one.longest);
  sum.longest_held = std::max(sum.longest_held, one.longest_held);
}

void add(plugin::PluginView& sum, const plugin::PluginView& one) {
  // During a reload the loops may not have the same plugins.
  if (one.id != sum.id || one.hooks.size() != sum.hooks.size()) return;
  for (std::size_t i = 0; i < sum.hooks.size(); ++i)
    if (one.hooks[i].kind == sum.hooks[i].kind) add(sum.hooks[i].counter, one.hooks[i].counter);
}

std::size_t apply(queue::LoopQueue& queue, const control::QueueChange& change,
                  const queue::Selection& selection) {
  using enum control::QueueChange::Kind;
  switch (change.kind) {
    case retry:
      return queue.retry(selection);
    case hold:
      return queue.hold(selection);
    case release:
      return queue.release(selection);
    case remove:
      return queue.remove(selection);
    case bounce:
      return queue.bounce(selection, change.text);
    case give_up:
      return queue.set_give_up(selection, change.give_up);
  }
  return 0;
}

// On the worker's loop, slice by slice.

Task<std::vector<queue::MessageView>> list_of(Worker& worker, queue::Selection selection) {
  std::vector<queue::MessageView> views;
  std::size_t recipients = 0;
  co_await queue::walk(worker.runtime(), worker.queue(), selection, [&](queue::Selection slice) {
    slice.limit = selection.limit - views.size();
    for (queue::MessageView& view : worker.queue().list(slice)) {
      recipients += view.recipients.size();
      views.push_back(std::move(view));
    }
    return views.size() < selection.limit && recipients < kShownRecipients;
  });
  co_return views;
}

Task<queue::TallyTable> tally_of(Worker& worker, queue::Selection selection, queue::TallyKey key) {
  queue::TallyTable table;
  co_await queue::walk(worker.runtime(), worker.queue(), std::move(selection),
                       [&](const queue::Selection& slice) {
                         worker.queue().tally(slice, key, table);
                         return true;
                       });
  co_return table;
}

Task<std::size_t> change_in(Worker& worker, control::QueueChange change,
                            queue::Selection selection) {
  std::size_t changed = 0;
  co_await queue::walk(worker.runtime(), worker.queue(), std::move(selection),
                       [&](const queue::Selection& slice) {
                         changed += apply(worker.queue(), change, slice);
                         return true;
                       });
  co_return changed;
}

Task<std::vector<queue::DestinationView>> destinations_of(
    Worker& worker, std::function<bool(const std::string&)> is_meant) {
  std::vector<queue::DestinationView> views;
  std::optional<std::size_t> place = 0;
  while (place) {
    place = worker.queue().destinations(*place, [&](queue::DestinationView view) {
      if (is_meant(view.destination)) views.push_back(std::move(view));
    });
    if (place) co_await sleep_for(worker.runtime(), 0ms);
  }
  co_return views;
}

/// New mail for a destination in back-off is queued, not delayed: it was never tried. Its owner
/// does not know why it waits and until when; the destination's loop does. It also knows what the
/// operator has closed.
void explain_wait(queue::RecipientView& recipient, const queue::DestinationView& destination,
                  WallTime now) {
  const bool is_queued = recipient.state == queue::RecipientState::queued;
  if (!is_queued && recipient.state != queue::RecipientState::delayed) return;
  if (!destination.closed.empty()) {
    recipient.reason = "waits: " + destination.closed +
                       (is_queued ? std::string() : "; before: " + recipient.reason);
    recipient.next_attempt.reset();
  } else if (is_queued && destination.back_off > 0ms) {
    recipient.reason = "waits: its destination failed " + std::to_string(destination.failures) +
                       (destination.failures == 1 ? " time" : " times in a row");
    recipient.next_attempt = now + destination.back_off;
  }
}

}  // namespace

std::string Server::hostname() const {
  return configuration_->settings.hostname;
}

store::Stats Server::store_stats() const {
  store::Stats stats = store_->stats();
  if (stats.accepting && !store_->admits(0)) {  // sound, but MAIL is answered with 452
    stats.accepting = false;
    stats.trouble = "too little free space on the disk of server.spool";
  }
  if (runtime::is_memory_short()) {
    stats.accepting = false;
    stats.trouble = "memory is short";
  }
  if (const auto silent = watchdog_->silent_disk()) {
    stats.accepting = false;
    stats.trouble = "the disk of server.spool has not answered for " +
                    std::to_string(silent->count() / 1000) + " s";
  }
  return stats;
}

Task<queue::QueueCounts> Server::counts() {
  const auto all = co_await ask_all<queue::QueueCounts>(
      [](Worker& worker) -> Task<queue::QueueCounts> { return worker.queue().counts(); },
      Asked::turning);
  queue::QueueCounts sum;
  for (const queue::QueueCounts& one : all) add(sum, one);
  co_return sum;
}

Task<control::Listing> Server::list(queue::Selection selection) {
  using Views = std::vector<queue::MessageView>;
  const std::size_t limit = selection.limit;
  selection.limit = limit + 1;  // one more, to know whether there is more
  auto all = co_await ask_at_once<Views>(
      [selection](Worker& worker) { return list_of(worker, selection); }, Asked::turning);
  control::Listing listing;
  for (Views& views : all) std::ranges::move(views, std::back_inserter(listing.messages));
  std::ranges::sort(listing.messages, {}, &queue::MessageView::queue_id);
  listing.is_cut = listing.messages.size() > limit;
  if (listing.is_cut) listing.messages.resize(limit);
  co_await explain_waits(listing.messages);
  co_return listing;
}

Task<void> Server::explain_waits(std::vector<queue::MessageView>& messages) {
  std::unordered_map<std::string, queue::DestinationView> known;
  for (const queue::MessageView& message : messages)
    for (const queue::RecipientView& recipient : message.recipients)
      known.try_emplace(recipient.destination);
  std::set<std::string> names;
  for (const auto& [name, view] : known) names.insert(name);
  const auto found = co_await destinations(
      [names](const std::string& name) { return names.contains(name); }, known.size());
  for (const queue::DestinationView& view : found.destinations) known[view.destination] = view;
  for (queue::MessageView& message : messages)
    for (queue::RecipientView& recipient : message.recipients)
      explain_wait(recipient, known[recipient.destination], runtime_->wall_now());
}

Task<queue::TallyTable> Server::tally(queue::Selection selection, queue::TallyKey key) {
  const auto all = co_await ask_at_once<queue::TallyTable>(
      [selection, key](Worker& worker) { return tally_of(worker, selection, key); },
      Asked::turning);
  queue::TallyTable sum;
  for (const queue::TallyTable& one : all) sum += one;
  co_return sum;
}

Task<std::size_t> Server::change(control::QueueChange change, queue::Selection selection) {
  const auto all = co_await ask_at_once<std::size_t>(
      [change, selection](Worker& worker) { return change_in(worker, change, selection); });
  std::size_t changed = 0;
  for (const std::size_t one : all) changed += one;
  co_return changed;
}

Task<control::DestinationListing> Server::destinations(
    std::function<bool(const std::string&)> is_meant, std::size_t limit) {
  using Views = std::vector<queue::DestinationView>;
  auto all = co_await ask_at_once<Views>(
      [is_meant](Worker& worker) { return destinations_of(worker, is_meant); }, Asked::turning);
  control::DestinationListing listing;
  for (Views& views : all) std::ranges::move(views, std::back_inserter(listing.destinations));
  listing.in_all = listing.destinations.size();
  const auto waiting = [](const queue::DestinationView& view) {
    return view.ready + view.delayed + view.active;
  };
  std::ranges::sort(listing.destinations, [&](const auto& one, const auto& other) {
    const auto a = waiting(one), b = waiting(other);
    return a != b ? a > b : one.destination < other.destination;
  });
  if (listing.in_all > limit) listing.destinations.resize(limit);
  co_return listing;
}

Task<bool> Server::reports_failures() {
  const auto all = co_await ask_all<bool>(
      [](Worker& worker) -> Task<bool> { return Task<bool>(worker.plugins().reports_failures()); });
  co_return std::ranges::find(all, true) != all.end();
}

Task<std::vector<queue::Forecast>> Server::forecasts(std::string queue_id) {
  const auto records = co_await ask_all<queue::RecordPtr>(
      [queue_id](Worker& worker) -> Task<queue::RecordPtr> {
        return worker.queue().record(queue_id);
      },
      Asked::turning);
  queue::RecordPtr record;
  for (const queue::RecordPtr& one : records)
    if (one) record = one;
  using Forecasts = std::vector<queue::Forecast>;
  Forecasts merged;
  if (!record) co_return merged;
  const auto all = co_await ask_all<Forecasts>(
      [record](Worker& worker) -> Task<Forecasts> { return worker.queue().forecasts(*record); },
      Asked::turning);
  for (const Forecasts& one : all) merged.insert(merged.end(), one.begin(), one.end());
  co_return merged;
}

std::expected<std::string, std::string> Server::headers(const std::string& queue_id) {
  auto octets = read(queue_id, 0, kShownHeader);
  if (!octets) return octets;
  if (const std::size_t end = octets->find("\r\n\r\n"); end != octets->npos)
    octets->resize(end + 2);
  return octets;
}

std::expected<std::string, std::string> Server::content(const std::string& queue_id,
                                                        std::uint64_t offset) {
  return read(queue_id, offset, kShownContent);
}

std::expected<std::string, std::string> Server::read(const std::string& queue_id,
                                                     std::uint64_t offset, std::size_t most) {
  const auto id = queue::Queue::parse_id(queue_id);
  if (!id) return std::unexpected("\"" + queue_id + "\" is no queue id");
  const auto body = store_->body(*id);
  if (!body) return std::unexpected(body.error().detail);
  const std::uint64_t left = (*body)->size() - std::min(offset, (*body)->size());
  std::string octets(static_cast<std::size_t>(std::min<std::uint64_t>(left, most)), '\0');
  const auto read = (*body)->read(offset, octets.data(), octets.size());
  if (!read) return std::unexpected(read.error().detail);
  octets.resize(*read);
  return octets;
}

Task<std::vector<plugin::PluginView>> Server::plugins() {
  using Views = std::vector<plugin::PluginView>;
  auto all = co_await ask_all<Views>(
      [](Worker& worker) -> Task<Views> { return worker.plugins().view(); });
  Views sum = std::move(all.front());
  for (std::size_t loop = 1; loop < all.size(); ++loop)
    for (std::size_t i = 0; i < sum.size() && i < all[loop].size(); ++i) add(sum[i], all[loop][i]);
  co_return sum;
}

Task<std::optional<std::string>> Server::plugin_command(std::vector<std::string> words) {
  using Answer = std::optional<std::string>;
  const auto all = co_await ask_all<Answer>([words](Worker& worker) -> Task<Answer> {
    const std::vector<std::string_view> views(words.begin(), words.end());
    return worker.plugins().command(views);
  });
  std::vector<std::string> answers;
  for (const Answer& answer : all)
    if (answer) answers.push_back(*answer);
  if (answers.empty()) co_return std::nullopt;
  co_return control::merged(answers);
}

}  // namespace postrider
