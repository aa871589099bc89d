// SPDX-License-Identifier: MIT
// The server as the operator's commands see it: one question to all loops, one answer.
#include <algorithm>
#include <array>
#include <unordered_set>

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

std::string_view name_of(control::QueueChange::Kind kind) {
  constexpr std::array<std::string_view, 6> kNames{"retry",  "hold",   "release",
                                                   "remove", "bounce", "give-up"};
  return kNames[static_cast<std::size_t>(kind)];
}

/// The messages that an operator meant, in few words.
std::string text_of(const queue::Selection& selection) {
  std::string text;
  const auto add = [&text](std::string_view key, std::string_view value) {
    if (!value.empty()) text.append(text.empty() ? "" : " ").append(key).append("=").append(value);
  };
  add("id", selection.queue_id);
  add("sender", selection.sender);
  add("recipient", selection.recipient);
  add("destination", selection.destination);
  add("reason", selection.reason);
  if (selection.state) add("state", queue::state_name(*selection.state));
  if (selection.arrived_before) add("before", control::time_text(*selection.arrived_before));
  if (selection.arrived_after) add("since", control::time_text(*selection.arrived_after));
  if (selection.larger_than > 0) add("larger_than", std::to_string(selection.larger_than));
  if (selection.attempts > 0) add("attempts", std::to_string(selection.attempts));
  return text.empty() ? "all" : text;
}

// On the worker's loop, slice by slice.

struct Listed {
  queue::MessageView view;
  queue::RecordPtr record;
};

Task<std::vector<Listed>> list_of(Worker& worker, queue::Selection selection) {
  std::vector<Listed> listed;
  std::size_t recipients = 0;
  queue::LoopQueue& queue = worker.queue();
  co_await queue::walk(worker.runtime(), queue, selection, [&](queue::Selection slice) {
    slice.limit = selection.limit - listed.size();
    for (queue::MessageView& view : queue.list(slice)) {
      recipients += view.recipients.size();
      const std::string id = view.queue_id;
      listed.push_back({std::move(view), queue.record(id)});
    }
    return listed.size() < selection.limit && recipients < kShownRecipients;
  });
  co_return listed;
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

/// What the messages wait for at this loop's destinations, in the order of the records.
Task<std::vector<std::vector<queue::Forecast>>> forecasts_of(
    Worker& worker, std::shared_ptr<const std::vector<queue::RecordPtr>> records) {
  constexpr std::size_t kSlice = 300;
  std::vector<std::vector<queue::Forecast>> forecasts;
  forecasts.reserve(records->size());
  for (const queue::RecordPtr& record : *records) {
    forecasts.push_back(worker.queue().forecasts(*record));
    if (forecasts.size() % kSlice == 0) co_await sleep_for(worker.runtime(), 0ms);
  }
  co_return forecasts;
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

control::MemoryView Server::memory() const {
  const runtime::MemoryBudget &incoming = *sessions_.memory(), &queued = *peers_->memory();
  return {.incoming = incoming.used(),
          .incoming_limit = incoming.limit(),
          .queued = queued.used(),
          .queued_limit = queued.limit()};
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
  const std::size_t limit = selection.limit;
  selection.limit = limit + 1;  // one more, to know whether there is more
  auto all = co_await ask_at_once<std::vector<Listed>>(
      [selection](Worker& worker) { return list_of(worker, selection); }, Asked::turning);
  std::vector<Listed> listed;
  for (std::vector<Listed>& some : all) std::ranges::move(some, std::back_inserter(listed));
  std::ranges::sort(listed, {}, [](const Listed& one) { return one.record->id(); });
  control::Listing listing;
  listing.is_cut = listed.size() > limit;
  listed.resize(std::min(listed.size(), limit));
  std::vector<queue::RecordPtr> records;
  for (Listed& one : listed) {
    listing.messages.push_back(std::move(one.view));
    records.push_back(std::move(one.record));
  }
  co_await add_forecasts(listing.messages, std::move(records));
  co_await add_destinations(listing);
  co_return listing;
}

Task<void> Server::add_forecasts(std::vector<queue::MessageView>& messages,
                                 std::vector<queue::RecordPtr> records) {
  using Forecasts = std::vector<std::vector<queue::Forecast>>;
  const auto asked = std::make_shared<const std::vector<queue::RecordPtr>>(std::move(records));
  auto all = co_await ask_at_once<Forecasts>(
      [asked](Worker& worker) { return forecasts_of(worker, asked); }, Asked::turning);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    std::vector<queue::Forecast>& forecasts = messages[i].forecasts;
    for (Forecasts& of_loop : all) std::ranges::move(of_loop[i], std::back_inserter(forecasts));
    std::ranges::sort(forecasts, {}, &queue::Forecast::destination);
  }
}

Task<void> Server::add_destinations(control::Listing& listing) {
  std::unordered_set<std::string> names;
  for (const queue::MessageView& message : listing.messages)
    for (const queue::RecipientView& recipient : message.recipients)
      names.insert(recipient.destination);
  const std::size_t count = names.size();
  auto found = co_await destinations(
      [names = std::move(names)](const std::string& name) { return names.contains(name); }, count);
  for (queue::DestinationView& view : found.destinations) {
    const std::string name = view.destination;
    listing.destinations.emplace(name, std::move(view));
  }
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
  const auto kind = change.kind;
  const auto all = co_await ask_at_once<std::size_t>(
      [change, selection](Worker& worker) { return change_in(worker, change, selection); });
  std::size_t changed = 0;
  for (const std::size_t one : all) changed += one;
  log_->write(LogLevel::info, "changed by the operator",
              {{"change", name_of(kind)},
               {"which", text_of(selection)},
               {"changed", std::to_string(changed)}});
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

/// What is noticed only when mail is missed: nobody reports failures, nobody delivers here.
Task<void> Server::warn_of_gaps() {
  if (!co_await reports_failures())
    log_->write(LogLevel::warning, "no plugin reports failed mail to its senders",
                {{"then", "it stays in the queue as failed"}, {"remedy", "[[plugin]] use = ndr"}});
  if (configuration_->settings.local.domains.empty()) co_return;
  const auto delivers = [](const plugin::PluginView& plugin) {
    return std::ranges::find(plugin.hooks, plugin::HookKind::transport, &plugin::HookView::kind) !=
           plugin.hooks.end();
  };
  const auto views = co_await plugins();
  if (std::ranges::none_of(views, delivers))
    log_->write(
        LogLevel::warning, "no plugin delivers the mail of local.domains",
        {{"then", "it goes where a route or its MX says"}, {"remedy", "[[plugin]] use = maildir"}});
}

Task<bool> Server::reports_failures() {
  const auto all = co_await ask_all<bool>(
      [](Worker& worker) -> Task<bool> { return Task<bool>(worker.plugins().reports_failures()); });
  co_return std::ranges::find(all, true) != all.end();
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
