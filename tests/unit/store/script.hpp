// SPDX-License-Identifier: MIT
// A seeded script of transactions against a store, and the model of what must be there: for each
// message what was acknowledged, and what is on its way.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "store/faulty_file.hpp"
#include "store/segment_log.hpp"

namespace postrider::store::testing {

/// One message as the model knows it.
struct Expected {
  std::string envelope;
  std::string body;
  std::vector<std::string> states;  ///< the newest acknowledged one, then those in flight
  bool added = false;               ///< acknowledged
  bool removing = false;            ///< a removal is in flight, or failed without certainty
  bool removed = false;             ///< acknowledged
  bool refused = false;             ///< the add was answered with an error
};

struct Sizes {
  unsigned steps = 300;
  std::uint64_t segment = 32 << 10;
  std::uint64_t large = 6 << 10;
};

LogOptions options_for(const Sizes& sizes);
LogTuning tuning_for_tests();
std::unique_ptr<SegmentLog> open_for_test(FileSystem& files, const Sizes& sizes,
                                          std::string* why = nullptr);

class Script {
 public:
  Script(std::uint64_t seed, Sizes sizes) : random_(seed), sizes_(sizes) {}

  /// Runs all steps; several transactions are queued before the writer writes them.
  void run(SegmentLog& store);
  /// One transaction queued.
  void queue_step(SegmentLog& store);
  unsigned failures() const { return failures_; }
  unsigned acknowledged() const { return acknowledged_; }

  /// Opens the store on `files` and compares; empty if all promises were kept. Messages of one
  /// transaction must be there together or not at all.
  std::string check(FileSystem& files) const;
  /// The same on an open store. `exact`: what was refused must not be there either.
  std::string check(SegmentLog& store, bool exact = false) const;

 private:
  struct Step {
    std::vector<MessageId> added, updated, removed;
    std::map<MessageId, std::string> states;
  };
  void begin(const Step& step);
  void end(const Step& step, bool good);
  void add(SegmentLog& store, Transaction& transaction, Step& step);
  std::optional<MessageId> pick();
  std::string text(std::string_view kind, std::size_t length);

  std::mt19937_64 random_;
  Sizes sizes_;
  std::map<MessageId, Expected> model_;
  std::vector<MessageId> alive_;  ///< acknowledged and no removal under way
  std::vector<Step> in_flight_adds_;
  unsigned failures_ = 0;
  unsigned acknowledged_ = 0;
  unsigned counter_ = 0;
};

}  // namespace postrider::store::testing
