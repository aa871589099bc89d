// SPDX-License-Identifier: MIT
#include "queue/recovery.hpp"

#include <string>
#include <utility>

namespace postrider::queue {
namespace {

// Small pieces: a loop that adopts a million messages still accepts connections meanwhile.
constexpr std::size_t kPiece = 256;

// Sends what was found to the loops in turn.
class Distributor {
 public:
  Distributor(Peers& peers, unsigned most) : peers_(peers), most_(most) {}

  void take(store::Stored stored) {
    piece_.messages.reserve(kPiece);
    piece_.messages.push_back(std::move(stored));
    if (piece_.messages.size() == kPiece) give();
  }
  void give() {
    if (piece_.messages.empty()) return;
    for (unsigned sent = peers_.adoptions(); sent >= most_; sent = peers_.adoptions())
      peers_.adoptions().wait(sent);
    ++peers_.adoptions();
    peers_.send(turn_, std::exchange(piece_, {}));
    turn_ = (turn_ + 1) % peers_.loops();
  }

 private:
  Peers& peers_;
  unsigned most_;
  Adoption piece_;
  unsigned turn_ = 0;
};

}  // namespace

store::Result<store::Recovered> recover(store::Store& store, Peers& peers, Log& log,
                                        unsigned pieces) {
  Distributor distributor(peers, pieces);
  auto recovered =
      store.recover([&](store::Stored stored) { distributor.take(std::move(stored)); });
  distributor.give();
  if (!recovered) return recovered;
  for (const std::string& note : recovered->notes)
    log.write(LogLevel::warning, "recovery of the store", {{"note", note}});
  const std::string messages = std::to_string(recovered->messages);
  const std::string damaged = std::to_string(recovered->damaged);
  log.write(LogLevel::info, "queue recovered", {{"messages", messages}, {"damaged", damaged}});
  return recovered;
}

}  // namespace postrider::queue
