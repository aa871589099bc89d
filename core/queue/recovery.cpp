// SPDX-License-Identifier: MIT
#include "queue/recovery.hpp"

#include <string>

namespace postrider::queue {

store::Result<store::Recovered> recover(store::Store& store, const Peers& peers, Log& log) {
  // Small pieces: a loop that adopts a million messages still accepts connections meanwhile.
  constexpr std::size_t kPiece = 256;
  std::vector<Adoption> pieces(peers.loops());
  unsigned turn = 0;
  const auto give = [&](unsigned loop) {
    if (!pieces[loop].messages.empty()) peers.send(loop, std::exchange(pieces[loop], {}));
  };
  auto recovered = store.recover([&](store::Stored stored) {
    pieces[turn].messages.push_back(std::move(stored));
    if (pieces[turn].messages.size() < kPiece) return;
    give(turn);
    turn = (turn + 1) % peers.loops();
  });
  for (unsigned loop = 0; loop < peers.loops(); ++loop) give(loop);
  if (!recovered) return recovered;
  for (const std::string& note : recovered->notes)
    log.write(LogLevel::warning, "recovery of the store", {{"note", note}});
  const std::string messages = std::to_string(recovered->messages);
  const std::string damaged = std::to_string(recovered->damaged);
  log.write(LogLevel::info, "queue recovered", {{"messages", messages}, {"damaged", damaged}});
  return recovered;
}

}  // namespace postrider::queue
