// SPDX-License-Identifier: MIT
// The script and its model.
#include "script.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace postrider::store::testing {

LogOptions options_for(const Sizes& sizes) {
  LogOptions options;
  options.folder = "/spool";
  options.segment_size = sizes.segment;
  options.spare_segments = 2;
  options.large_body = sizes.large;
  options.minimum_free = 0;
  return options;
}

LogTuning tuning_for_tests() {
  LogTuning tuning;
  tuning.manual = true;
  tuning.compaction_age = std::chrono::milliseconds{0};
  tuning.retry = std::chrono::milliseconds{0};
  tuning.slice = 16;
  return tuning;
}

std::unique_ptr<SegmentLog> open_for_test(FileSystem& files, const Sizes& sizes, std::string* why) {
  auto opened = SegmentLog::open(options_for(sizes), files, tuning_for_tests());
  if (opened) return std::move(*opened);
  if (why != nullptr) *why = opened.error().detail;
  return nullptr;
}

std::string Script::text(std::string_view kind, std::size_t length) {
  std::string made = fmt::format("{} {} ", kind, ++counter_);
  while (made.size() < length) made += static_cast<char>('!' + random_() % 90);
  return made;
}

std::optional<MessageId> Script::pick() {
  if (alive_.empty()) return std::nullopt;
  // Mostly among the newest: the common message leaves soon, a few stay long.
  const std::size_t reach =
      random_() % 4 == 0 ? alive_.size() : std::min<std::size_t>(alive_.size(), 6);
  return alive_[alive_.size() - 1 - random_() % reach];
}

void Script::add(SegmentLog& store, Transaction& transaction, Step& step) {
  const MessageId id = (1ull << 40) + ++counter_;  // not by the clock: each run is the same
  Expected message;
  const bool large = random_() % 12 == 0;
  message.envelope = text("envelope", 40);
  message.body = text("body", large ? sizes_.large + random_() % 4096 : random_() % 3000);
  step.states[id] = text("state", 30);
  BodyPtr body;
  if (large && random_() % 2 == 0) {
    auto writer = store.new_body(id);
    if (!writer || !(*writer)->append(std::string_view(message.body).substr(0, 1000)) ||
        !(*writer)->append(std::string_view(message.body).substr(1000))) {
      return;
    }
    body = *(*writer)->finish();
  } else {
    body = make_memory_body(message.body);
  }
  transaction.add.push_back({id, message.envelope, step.states[id], std::move(body)});
  step.added.push_back(id);
  model_[id] = std::move(message);
}

void Script::begin(const Step& step) {
  for (const auto& [id, state] : step.states) model_[id].states.push_back(state);
  for (const MessageId id : step.removed) {
    model_[id].removing = true;
    std::erase(alive_, id);
  }
  in_flight_adds_.push_back(step);
}

void Script::end(const Step& step, bool good) {
  std::erase_if(in_flight_adds_, [&](const Step& other) {
    return other.added == step.added && other.states == step.states;
  });
  ++(good ? acknowledged_ : failures_);
  for (const MessageId id : step.added) {
    model_[id].added = good;
    model_[id].refused = !good;
    if (good) alive_.push_back(id);
  }
  if (!good) {
    for (const MessageId id : step.removed) alive_.push_back(id);
    return;
  }
  for (const auto& [id, state] : step.states) {
    auto& states = model_[id].states;
    states.erase(states.begin(), std::ranges::find(states, state));
  }
  for (const MessageId id : step.removed) model_[id].removed = true;
}

void Script::queue_step(SegmentLog& store) {
  Transaction transaction;
  Step step;
  const auto kind = random_() % 10;
  const auto chosen = pick();
  if (kind < 4 || !chosen) {
    add(store, transaction, step);
  } else if (kind < 6) {
    step.states[*chosen] = text("state", 30 + random_() % 200);
    transaction.update.push_back({*chosen, step.states[*chosen]});
  } else if (kind < 9) {
    transaction.remove.push_back({*chosen});
    step.removed.push_back(*chosen);
  } else {
    add(store, transaction, step);
    add(store, transaction, step);
    transaction.remove.push_back({*chosen});
    step.removed.push_back(*chosen);
  }
  begin(step);
  const auto durability = random_() % 2 == 0 ? Durability::sync : Durability::lazy;
  store.commit(std::move(transaction), durability,
               [this, step](const Result<void>& result) { end(step, result.has_value()); });
}

void Script::run(SegmentLog& store) {
  for (unsigned step = 0; step < sizes_.steps; ++step) {
    queue_step(store);
    if (random_() % 3 != 0) store.drive();
  }
  store.drive();
}

std::string Script::check(FileSystem& files) const {
  std::string why;
  const auto store = open_for_test(files, sizes_, &why);
  if (!store) return "cannot open: " + why;
  return check(*store);
}

std::string Script::check(SegmentLog& store, bool exact) const {
  std::map<MessageId, Stored> found;
  const auto recovered =
      store.recover([&](Stored stored) { found[stored.id] = std::move(stored); });
  if (!recovered) return "cannot recover: " + recovered.error().detail;
  if (recovered->damaged != 0) {
    return "damaged: " + (recovered->notes.empty() ? std::string() : recovered->notes.front());
  }
  for (const auto& [id, expected] : model_) {
    // What came after the opening was not recovered.
    if (auto one = store.load(id)) found.emplace(id, std::move(*one));
  }
  if (found.size() != store.stats().messages) return "not as many messages as were found";
  for (const auto& [id, expected] : model_) {
    const bool there = found.contains(id);
    if (expected.added && !expected.removing && !there) return "lost " + expected.envelope;
    if (expected.removed && there) return "came back: " + expected.envelope;
    if (exact && expected.refused && there) return "refused, yet there: " + expected.envelope;
    if (!there) continue;
    const Stored& stored = found.at(id);
    if (stored.envelope != expected.envelope) return "wrong envelope of " + expected.envelope;
    if (!(std::ranges::find(expected.states, stored.state) != expected.states.end())) {
      return "stale state " + stored.state + " of " + expected.envelope;
    }
    const auto body = store.body(id);
    if (!body) return "no body of " + expected.envelope + ": " + body.error().detail;
    std::string octets((*body)->size(), '\0');
    const auto count = (*body)->read(0, octets.data(), octets.size());
    if (!count || octets != expected.body) return "wrong body of " + expected.envelope;
    found.erase(id);
  }
  if (!found.empty()) return "unknown message " + found.begin()->second.envelope;
  for (const Step& step : in_flight_adds_) {
    // All or nothing.
    std::set<bool> there;
    for (const MessageId id : step.added) there.insert(store.body(id).has_value());
    if (!step.added.empty()) {
      for (const MessageId id : step.removed) there.insert(!store.body(id).has_value());
    }
    if (there.size() > 1) return "half a transaction";
  }
  return {};
}

}  // namespace postrider::store::testing
