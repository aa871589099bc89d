// SPDX-License-Identifier: MIT
// Keeps routes exactly as long as DNS says, and no longer (Q285023). Many who want the same route
// wait for one lookup; busy routes are looked up again shortly before they end; the operator can
// read and flush what is kept.
#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include <postrider/sdk.hpp>

#include "cache.hpp"
#include "json_text.hpp"
#include "lifetime.hpp"
#include "lookup.hpp"
#include "order.hpp"
#include "view.hpp"

namespace postrider {
namespace {

using namespace route_cache;

using LookupPtr = std::shared_ptr<Lookup>;

class RouteCache final : public Plugin, public RouteHook, public LifecycleHook {
 public:
  struct Settings {
    bool follow_ttl = true;
    Duration min_ttl{};
    Duration max_ttl{};
    int max_domains = 1000;
    Duration max_negative_ttl = 5min;
    Duration failure_ttl = 30s;
    bool prefetch = true;
    Duration lookup_wait = 25s;
    static void describe(Schema<Settings>& schema) {
      schema.field("follow_ttl", &Settings::follow_ttl,
                   "Look a route up again when its DNS TTL has passed; false: keep it until it is "
                   "flushed, evicted, or the daemon stops");
      schema
          .field("min_ttl", &Settings::min_ttl,
                 "Keep a route at least so long, whatever DNS says; 0s: off")
          .between(0s, 24h);
      schema
          .field("max_ttl", &Settings::max_ttl,
                 "Keep a route at most so long, whatever DNS says; 0s: off")
          .between(0s, 24h * 365);
      schema
          .field("max_domains", &Settings::max_domains,
                 "Answers kept by each loop; the least recently used goes first")
          .between(1, 1'000'000);
      schema
          .field("max_negative_ttl", &Settings::max_negative_ttl,
                 "Remember at most so long that a domain has no route, within what DNS allows")
          .between(0s, 5min);
      schema
          .field("failure_ttl", &Settings::failure_ttl,
                 "Remember so long that DNS could not answer; 0s: ask at each attempt")
          .between(0s, 30s);
      schema.field("prefetch", &Settings::prefetch,
                   "Look routes in use up again shortly before they end");
      schema
          .field("lookup_wait", &Settings::lookup_wait,
                 "A delivery waits at most so long for a lookup (below hook_timeout)")
          .between(100ms, 10min);
      schema.together({"min_ttl", "max_ttl"}, [](const Settings& settings) {
        std::optional<std::string> mistake;
        if (settings.max_ttl > Duration::zero() && settings.min_ttl > settings.max_ttl)
          mistake = "is more than max_ttl; write " + setting::print(settings.max_ttl) + " or less";
        return mistake;
      });
    }
  };

  RouteCache(Host& host, const Settings& settings)
      : host_(host),
        settings_(settings),
        rules_{settings.follow_ttl, settings.min_ttl, settings.max_ttl, settings.max_negative_ttl,
               settings.failure_ttl},
        cache_(static_cast<std::size_t>(settings.max_domains)),
        random_(std::random_device{}()) {}

  Task<RouteResult> on_route(const Destination& destination, const RouteNext& next) override {
    if (destination.transport != "smtp" || destination.name.starts_with('['))
      return next(destination);
    const std::string key = destination.text();
    if (Entry* const entry = cache_.find(key, now())) return hit(key, *entry);
    return wait(*this, look_up_once(key, destination));
  }

  std::optional<std::string> on_command(std::span<const std::string_view> words) override {
    if (words.empty() || words.front() != "routes") return std::nullopt;
    bool flushing = false;
    std::string_view name;
    for (const std::string_view word : words.subspan(1)) {
      if (word == "--flush")
        flushing = true;
      else if (name.empty() && !word.starts_with('-'))
        name = word;
      else
        return error_json("say routes, routes DOMAIN, or routes --flush [DOMAIN]");
    }
    return flushing ? flush(name) : list(name);
  }

 private:
  TimePoint now() const noexcept { return host_.loop().now(); }

  RouteResult hit(const std::string& key, Entry& entry) {
    ++entry.hits;
    ++hits_;
    prepare_refresh(key, entry);
    RouteResult result = entry.result;
    if (const auto end = entry.ends_at())
      (result ? result->ttl : result.error().ttl) = left_until(*end, now());
    if (result) shuffle(*result, random_);
    return result;
  }

  /// The lookup of `key` that is under way, else a new one.
  LookupPtr look_up_once(const std::string& key, const Destination& destination) {
    if (const auto found = lookups_.find(key); found != lookups_.end()) return found->second;
    ++started_;
    auto lookup = std::make_shared<Lookup>(host_.loop(), destination);
    lookups_.emplace(key, lookup);
    host_.spawn(look_up(*this, key, lookup));
    return lookup;
  }

  static Task<void> look_up(RouteCache& self, std::string key, LookupPtr lookup) {
    RouteResult result = std::unexpected(RouteRefusal(Reply("451 4.3.0 The route lookup failed")));
    try {
      result = co_await self.host_.find_route(lookup->destination);
    } catch (const std::exception& fault) {
      self.host_.log().write(LogLevel::error, "route lookup failed",
                             {{"destination", key}, {"reason", fault.what()}});
    }
    self.settle(key, *lookup, result);
    lookup->finish(std::move(result));
  }

  void settle(const std::string& key, const Lookup& lookup, const RouteResult& result) {
    if (const auto found = lookups_.find(key);
        found != lookups_.end() && found->second.get() == &lookup)
      lookups_.erase(found);
    const auto took = std::chrono::duration_cast<Duration>(now() - lookup.asked_at);
    const std::string words = in_words(result, took);
    if (!result && !result.error().is_permanent())
      host_.log().write(LogLevel::info, "no route", {{"destination", key}, {"result", words}});
    if (!lookup.keep) return;
    const Lifetime life = lifetime_of(result, rules_);
    Entry* const former = cache_.current(key, now());
    if (former) former->last_result = words;
    // What is still good is replaced by something good only: it then ends in its own time.
    const bool stays = former && former->result && !result;
    if (life.kind == Lifetime::Kind::not_kept || stays) return;
    auto fresh = std::make_unique<Entry>(lookup.destination, result, life, now());
    fresh->last_result = words;
    cache_.put(key, std::move(fresh));
  }

  static Task<void> until_done(LookupPtr lookup) { co_await lookup->done(); }

  static Task<RouteResult> wait(RouteCache& self, LookupPtr lookup) {
    if (!lookup->is_done()) {
      auto limited = within(self.host_.loop(), self.settings_.lookup_wait, until_done(lookup));
      const bool done = co_await limited;
      if (!done)
        co_return std::unexpected(RouteRefusal(
            Reply(451, {4, 4, 3},
                  "the route of " + lookup->destination.text() + " was not found within " +
                      format_duration(self.settings_.lookup_wait) + "; the lookup goes on")));
    }
    co_return self.answer_of(*lookup);
  }

  /// For those who waited: they go on as soon as it is there.
  RouteResult answer_of(const Lookup& lookup) {
    RouteResult result = lookup.result();
    if (!result) return result;
    const Lifetime life = lifetime_of(result, rules_);
    if (life.kind == Lifetime::Kind::limited) result->ttl = life.length;
    shuffle(*result, random_);
    return result;
  }

  void prepare_refresh(const std::string& key, Entry& entry) {
    const bool limited = entry.lives.kind == Lifetime::Kind::limited;
    if (!settings_.prefetch || !entry.result || !limited || entry.refresh.due) return;
    const auto after = refresh_after(entry.lives.length);
    if (!after) return;
    entry.refresh.due = [this, key] { host_.spawn(refresh(*this, key)); };
    const auto left = std::chrono::ceil<Duration>(entry.found_at + *after - now());
    host_.loop().start_timer(entry.refresh, std::max(left, Duration::zero()));
  }

  static Task<void> refresh(RouteCache& self, std::string key) {
    // Not from within the timer: the answer may come at once, and replace the entry with its timer.
    co_await sleep_for(self.host_.loop(), 0ms);
    const Entry* const entry = self.cache_.current(key, self.now());
    if (!entry) co_return;
    const Destination destination = entry->destination;
    self.look_up_once(key, destination);
  }

  std::string list(std::string_view name) {
    const TimePoint at = now();
    cache_.drop([at](const Entry& entry) { return entry.is_over(at); });
    std::string routes;
    cache_.each([&](const Entry& entry) {
      if (!name.empty() && !is_called(entry.destination, name)) return;
      routes += (routes.empty() ? "" : ", ") + json_of(entry, at, host_.loop_index());
    });
    std::string lookups;
    for (const auto& [key, lookup] : lookups_) {
      if (!name.empty() && !is_called(lookup->destination, name)) continue;
      lookups += (lookups.empty() ? "" : ", ") + json_of(*lookup, at, host_.loop_index());
    }
    return "{\"routes\": [" + routes + "], \"looking_up\": [" + lookups +
           "], \"kept\": " + std::to_string(cache_.size()) +
           ", \"hits\": " + std::to_string(hits_) + ", \"lookups\": " + std::to_string(started_) +
           ", \"evicted\": " + std::to_string(cache_.evicted()) + "}";
  }

  std::string flush(std::string_view name) {
    const auto is_meant = [name](const Destination& destination) {
      return name.empty() || is_called(destination, name);
    };
    const std::size_t flushed =
        cache_.drop([&](const Entry& entry) { return is_meant(entry.destination); });
    // Who waits gets the answer that is under way; it is not kept, and who comes now asks anew.
    std::erase_if(lookups_, [&](const auto& item) {
      if (!is_meant(item.second->destination)) return false;
      item.second->keep = false;
      return true;
    });
    return "{\"flushed\": " + std::to_string(flushed) + "}";
  }

  Host& host_;
  const Settings settings_;
  const Rules rules_;
  Cache cache_;
  std::unordered_map<std::string, LookupPtr> lookups_;
  std::mt19937_64 random_;
  std::uint64_t hits_ = 0;
  std::uint64_t started_ = 0;
};

}  // namespace
}  // namespace postrider

POSTRIDER_PLUGIN(postrider::RouteCache, "route_cache",
                 "Keeps routes as long as their DNS TTL, one lookup for all who wait");
