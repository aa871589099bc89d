// SPDX-License-Identifier: MIT
// Writes a spool as a daemon would have left it after a clean stop: messages that came in and were
// never tried, each for one recipient, spread over many destinations.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "queue/envelope_codec.hpp"

namespace {

using namespace postrider;

constexpr std::uint64_t kUnderWay = 4096;

store::Add message(store::Store& store, std::uint64_t number, const std::string& domain,
                   const store::BodyPtr& body) {
  queue::Envelope envelope;
  envelope.reverse_path = Path::parse("sender@client.example").value();
  envelope.recipients.push_back(
      {Path::parse("user" + std::to_string(number) + "@" + domain).value(), {}});
  envelope.arrived = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  const queue::MessageState state{envelope.arrived + std::chrono::hours(120),
                                  std::vector<queue::RecipientStatus>(1)};
  return {store.new_id(), queue::encode(envelope), queue::encode(state), body};
}

int fill(const std::string& folder, std::uint64_t messages, std::uint64_t destinations,
         std::size_t octets) {
  auto opened = store::open_log_store({.folder = folder});
  if (!opened) {
    std::fprintf(stderr, "fill_spool: %s\n", opened.error().detail.c_str());
    return 1;
  }
  store::Store& store = **opened;
  (void)store.recover([](const store::Stored&) {});
  std::string text = "Subject: waiting\r\n\r\n";
  while (text.size() < octets) text += "a line of a message that waits in a long queue\r\n";
  const auto body = store::make_memory_body(std::move(text));
  std::atomic<std::uint64_t> left = 0;
  std::atomic<bool> good = true;
  for (std::uint64_t i = 0; i < messages && good; ++i) {
    store::Transaction transaction;
    transaction.add.push_back(
        message(store, i, "d" + std::to_string(i % destinations) + ".dead.example", body));
    ++left;
    store.commit(std::move(transaction), store::Durability::sync,
                 [&](const store::Result<void>& result) {
                   if (!result) good = false;
                   --left;
                 });
    while (left > kUnderWay) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  store.close();
  return good ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  if (count != 5) {
    std::fputs("fill_spool FOLDER MESSAGES DESTINATIONS OCTETS\n", stderr);
    return 64;
  }
  return fill(words[1], std::strtoull(words[2], nullptr, 10), std::strtoull(words[3], nullptr, 10),
              std::strtoull(words[4], nullptr, 10));
}
