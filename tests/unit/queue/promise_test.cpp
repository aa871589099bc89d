// SPDX-License-Identifier: MIT
// The promise of docs/queue.md, step by step: a life of messages on the real queue over the real
// log, the power cut after every single call that reaches the disk, in three shapes of what was not
// yet flushed. Each time the queue starts again on what is left, and the mail goes to its end.
// Nothing acknowledged is lost; only an attempt whose final reply was not yet recorded is repeated;
// a report is there exactly when its cause is gone.
#include <set>

#include <fmt/format.h>

#include "queue_world.hpp"
#include "store/faulty_file.hpp"
#include "store/segment_log.hpp"

namespace postrider::queue {
namespace {

using store::FaultyFileSystem;
using store::Tail;

constexpr std::array kTails{Tail::nothing, Tail::everything, Tail::random_sectors};

/// What the world outside saw. Addresses are unique: "fail" in one means that it does not exist.
struct Witness {
  std::set<std::string> accepted;  ///< heard 250
  std::map<std::string, int>
      taken;  ///< by whom, how often; a report as "failed WHO", "delayed WHO"
  std::map<std::string, int> refused;   ///< for good, by the next hop
  std::set<std::string> recorded;       ///< the end of it was committed: the queue has forgotten it
  std::set<std::string> held, removed;  ///< by the operator, and committed
  std::set<std::string> removing;       ///< perhaps committed
  WallTime now{};
};

/// A process: the queue of one loop over a log in `files`.
class Life {
 public:
  Life(FaultyFileSystem& files, Witness& witness) : witness_(witness) {
    if (witness.now > world.wall_now()) world.jump_wall(witness.now - world.wall_now());
    store::LogOptions log_options;
    log_options.folder = "/spool";
    log_options.segment_size = 64 << 10;
    log_options.large_body = 8 << 10;
    log_options.minimum_free = 0;
    store::LogTuning tuning;
    tuning.manual = true;
    tuning.compaction_age = std::chrono::milliseconds{0};
    tuning.retry = std::chrono::milliseconds{0};
    tuning.slice = 2;
    store = std::move(*store::SegmentLog::open(log_options, files, tuning));
    chains = std::make_shared<FakeChains>(world.loop());
    chains->hooked = chains->reporting = true;
    chains->notice = 4h;
    QueueOptions options;
    options.retry = {10min, 1h, 6h};
    options.hostname = "mx.example";
    auto peers = std::make_shared<Peers>(1, 1U << 20U);
    queue = std::make_unique<LoopQueue>(
        QueueParts{world.loop(), *store, log, peers, 0, [this] { return chains; }, options});
    EXPECT_TRUE(recover(*store, *peers, log));
    settle();
    queue->on_courier_wanted([this](const Destination& destination) { serve(destination); });
  }

  /// Until nothing is on its way to the disk. Virtual time passes, `length` at least.
  void settle(Duration length = 1s) {
    const WallTime until = world.wall_now() + length;
    do {
      store->drive();
      world.run_for(std::min<Duration>(200ms, std::max<Duration>(until - world.wall_now(), 1ms)));
    } while (world.wall_now() < until || !queue->is_settled());
    witness_.now = world.wall_now();
    for (const std::string& address : witness_.accepted)
      if (!present().contains(address)) witness_.recorded.insert(address);
  }
  /// Days go by without a call of the disk but for what is due.
  void wait(Duration length) {
    for (const WallTime until = world.wall_now() + length; world.wall_now() < until;) {
      world.run_for(10min);
      store->drive();
    }
    settle();
  }

  void submit(store::MessageId id, const std::string& from, std::vector<std::string> to,
              std::size_t size = 100, bool hold = false) {
    Submission s;
    s.id = id;
    s.reverse_path = QueueWorld::path(from);
    for (const std::string& address : to) s.recipients.push_back({QueueWorld::path(address), {}});
    s.body = body(id, std::string(size, 'x') + "\r\n");
    s.hold = hold;
    auto task = queue->submit(std::move(s));
    task.start();
    while (!task.is_done()) {
      store->drive();
      world.run_for(1ms);
    }
    ASSERT_TRUE(task.take());
    witness_.accepted.insert(to.begin(), to.end());
    settle();
  }

  std::map<std::string, RecipientState> present() const {
    std::map<std::string, RecipientState> found;
    for (const MessageView& message : queue->list({})) {
      std::array<char, 16> start{};
      const auto body = store->body(*Queue::parse_id(message.queue_id));
      if (body) EXPECT_TRUE((*body)->read(0, start.data(), start.size()));
      for (const RecipientView& recipient : message.recipients)
        found[name_of({start.data(), start.size()}, recipient.address)] = recipient.state;
    }
    return found;
  }
  runtime::SimWorld world;
  CountingLog log;
  std::shared_ptr<FakeChains> chains;
  std::unique_ptr<store::SegmentLog> store;
  std::unique_ptr<LoopQueue> queue;
  bool is_down = false;  ///< the next hops answer nothing

 private:
  store::BodyPtr body(store::MessageId id, std::string octets) {
    if (octets.size() < store->large_body_size()) return store::make_memory_body(octets);
    auto writer = *store->new_body(id);
    EXPECT_TRUE(writer->append(octets));
    return *writer->finish();
  }
  /// A report goes to the sender of its cause; what it says tells which.
  static std::string name_of(std::string_view start, const std::string& address) {
    if (start.starts_with("Subject: failed")) return "failed " + address;
    if (start.starts_with("Subject: delayed")) return "delayed " + address;
    return address;
  }
  void serve(const Destination& destination) {
    while (auto delivery = queue->take(destination)) {
      DeliveryResult result = is_down ? no_connection(*delivery) : answer(*delivery);
      queue->finish(std::move(*delivery), std::move(result));
    }
    queue->courier_left(destination);
  }
  DeliveryResult answer(const Delivery& delivery) {
    DeliveryResult result;
    for (const std::uint32_t index : delivery.indices) {
      const std::string address =
          name_of(delivery.message->read(0, 16), delivery.message->recipients()[index].path.text());
      if (address.contains("fail-")) {
        ++witness_.refused[address];
        result.outcomes.push_back(outcome(Action::failed, {5, 1, 1}, "550 no such user"));
      } else {
        ++witness_.taken[address];
        result.outcomes.push_back(outcome(Action::delivered, {2, 0, 0}, "250 ok"));
      }
    }
    return result;
  }

  Witness& witness_;
};

std::string boss_of(const std::string& address) {
  return "boss-" + address.substr(address.find('-') + 1, 1) + "@home.example";
}
bool is_failing(const std::string& address) {
  return address.starts_with("fail-") || address.starts_with("late-");
}
int count(const std::map<std::string, int>& counts, const std::string& key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

// Every step in the life of a message, each at least once.
void live(Life& life, Witness& witness) {
  const auto mail = [&](int number, std::vector<std::string> to, std::size_t size = 100,
                        bool hold = false) {
    const auto id = (1ull << 40) + static_cast<store::MessageId>(number);
    life.submit(id, fmt::format("boss-{}@home.example", number), std::move(to), size, hold);
  };
  const auto all_go = [&] {
    life.is_down = false;
    life.queue->retry({});
    life.settle();
  };
  mail(1, {"mail-1@x.example"});
  mail(2, {"large-2@x.example"}, 20'000);
  mail(3, {"fail-3@x.example"});
  mail(4, {"mail-4@x.example", "fail-4@y.example"});
  life.is_down = true;
  mail(5, {"slow-5@x.example"});  // delayed, told of after four hours
  life.wait(5h);
  all_go();
  mail(6, {"held-6@x.example"}, 100, true);
  witness.held.insert("held-6@x.example");
  life.settle();
  witness.held.clear();
  life.queue->release({});
  life.settle();
  life.is_down = true;
  mail(7, {"mail-7@x.example"});
  life.queue->hold({});
  life.settle();
  witness.held.insert("mail-7@x.example");
  life.settle();
  witness.held.clear();
  witness.removing.insert("mail-7@x.example");
  life.queue->remove({});
  life.settle();
  witness.removed.insert("mail-7@x.example");
  mail(8, {"late-8@x.example"});  // given up after five days
  life.wait(5 * 24h + 1h);
  all_go();
}

// What the queue has when it starts again.
std::string check_start(const Life& life, const Witness& before) {
  const auto present = life.present();
  for (const std::string& address : before.removed)
    if (present.contains(address)) return "removed, and back: " + address;
  for (const std::string& address : before.held)
    if (!present.contains(address) || present.at(address) != RecipientState::held)
      return "no longer held: " + address;
  for (const std::string& address : before.accepted) {
    if (before.removing.contains(address)) continue;
    const std::string report = "failed " + boss_of(address);
    const bool told =
        is_failing(address) && (present.contains(report) || count(before.taken, report) > 0);
    const bool here = present.contains(address);
    if (here && told) return "reported, and still to be tried: " + address;
    if (!here && !told && count(before.taken, address) == 0) return "lost: " + address;
    if (here && before.recorded.contains(address)) return "recorded, and back: " + address;
  }
  return {};
}

// What became of everything in the end.
std::string check_end(const Witness& before, const Witness& after) {
  for (const std::string& address : before.accepted) {
    const int reports = count(after.taken, "failed " + boss_of(address));
    const int arrived = count(after.taken, address) + (is_failing(address) ? reports : 0);
    if (arrived == 0 && !before.removing.contains(address)) return "never arrived: " + address;
  }
  for (const auto& [address, times] : after.taken) {
    const int earlier = count(before.taken, address);
    if (times > 2 || (earlier == 0 && times > 1)) return "too often: " + address;
    if (before.recorded.contains(address) && times > earlier) return "again: " + address;
    if (before.removed.contains(address) && times > earlier) return "removed, yet sent: " + address;
  }
  return {};
}

std::string start_again(FaultyFileSystem& image, const Witness& before, int& repeated) {
  Witness after = before;
  Life life(image, after);
  if (auto found = check_start(life, before); !found.empty()) return found;
  life.queue->release({});
  life.queue->retry({});
  for (int round = 0; round < 50 && !life.present().empty(); ++round) life.wait(10min);
  if (!life.present().empty()) return "never ends: " + life.present().begin()->first;
  for (const auto& [address, times] : after.taken)
    if (times > 1 && count(before.taken, address) == 1) ++repeated;
  return check_end(before, after);
}

TEST(Promise, HoldsWhereverThePowerIsCut) {
  FaultyFileSystem files;
  Witness witness;
  int cuts = 0, bad = 0, repeated = 0;
  std::string first;
  std::set<std::string> places;
  files.record_calls();
  files.after_each_call([&] {
    for (const Tail tail : kTails) {
      ++cuts;
      const auto image = files.image(tail, files.calls());
      const std::string found = start_again(*image, witness, repeated);
      if (found.empty() || bad++ > 0) continue;
      first = fmt::format("call {}, shape {}: {}", files.calls(), static_cast<int>(tail), found);
    }
  });
  {
    Life life(files, witness);
    live(life, witness);
  }
  files.after_each_call({});
  fmt::print("{} cuts after {} calls, {} deliveries were repeated\n", cuts, files.calls(),
             repeated);
  EXPECT_EQ(bad, 0) << first;
  EXPECT_GT(cuts, 300);
  EXPECT_GT(repeated, 10);  // RFC 1047: what nobody can prevent does happen here
  for (const char* taken : {"mail-1@x.example", "large-2@x.example", "mail-4@x.example",
                            "slow-5@x.example", "held-6@x.example"})
    EXPECT_EQ(count(witness.taken, taken), 1) << taken;
  for (const char* number : {"3", "4", "8"})
    EXPECT_EQ(count(witness.taken, fmt::format("failed boss-{}@home.example", number)), 1);
  EXPECT_EQ(count(witness.taken, "delayed boss-5@home.example"), 1);
  EXPECT_EQ(count(witness.taken, "mail-7@x.example"), 0);
}

// The test notices: with flushes that do nothing mail is lost.
TEST(Promise, NoticesAMissingFlush) {
  FaultyFileSystem files;
  files.ignore_file_syncs();
  Witness witness;
  int bad = 0, repeated = 0;
  files.after_each_call([&] {
    if (bad > 0 || witness.accepted.empty()) return;
    const auto image = files.image(Tail::nothing, 0);
    if (!start_again(*image, witness, repeated).empty()) ++bad;
  });
  {
    Life life(files, witness);
    live(life, witness);
  }
  EXPECT_GT(bad, 0);
}

}  // namespace
}  // namespace postrider::queue
