// SPDX-License-Identifier: MIT
// Connections, on both runtimes: what sessions rely on, and what must not happen when they die.
#include <array>
#include <numeric>

#include "rig.hpp"

namespace postrider::runtime {
namespace {

template <class Rig>
class StreamTest : public OnBoth<Rig> {};
TYPED_TEST_SUITE(StreamTest, Rigs);

/// A listener on loopback, one client, and the server's end of it.
struct Connected {
  AcceptorPtr acceptor;
  StreamPtr client;
  StreamPtr server;
};

Task<void> open(Runtime& runtime, Connected& made) {
  auto acceptor =
      runtime.listen(loopback(), [&made](StreamPtr stream) { made.server = std::move(stream); });
  EXPECT_TRUE(acceptor.has_value());
  made.acceptor = std::move(*acceptor);
  auto client = co_await runtime.connect(made.acceptor->local());
  EXPECT_TRUE(client.has_value()) << client.error().text;
  made.client = std::move(*client);
  while (!made.server) co_await sleep_for(runtime, 1ms);
}

std::string pattern(std::size_t size) {
  std::string octets(size, '\0');
  for (std::size_t n = 0; n < size; ++n) octets[n] = static_cast<char>(n * 31 + n / 4096);
  return octets;
}

Task<void> echo(ByteStream& stream) {
  std::string octets;
  for (;;) {
    octets.clear();
    const auto got = co_await stream.read(octets);
    if (!got) break;
    EXPECT_LE(octets.size(), 64U * 1024U);
    const auto sent = co_await stream.write(octets);
    if (!sent) break;
  }
  stream.shut_down_writing();
}

Task<void> read_all(ByteStream& stream, std::string& all, IoFailure& end) {
  for (;;) {
    const auto got = co_await stream.read(all);
    if (got) continue;
    end = got.error().failure;
    co_return;
  }
}

Task<void> send_and_finish(ByteStream& stream, const std::string& octets) {
  const auto sent = co_await stream.write(octets);
  EXPECT_TRUE(sent.has_value());
  stream.shut_down_writing();
}

Task<void> echo_much(Runtime& runtime) {
  Connected pair;
  co_await open(runtime, pair);
  EXPECT_EQ(pair.client->remote(), pair.acceptor->local());
  EXPECT_EQ(pair.client->local(), pair.server->remote());
  const std::string sent = pattern(10'000'000);
  std::string received;
  IoFailure end{};
  TaskSet set(runtime);
  set.spawn(echo(*pair.server));
  set.spawn(send_and_finish(*pair.client, sent));
  set.spawn(read_all(*pair.client, received, end));
  co_await set.join();
  EXPECT_EQ(end, IoFailure::closed);
  EXPECT_TRUE(received == sent);
}

TYPED_TEST(StreamTest, TenMegaoctetsComeBackWhole) {
  EXPECT_TRUE(this->run(echo_much(this->runtime())));
}

Task<void> parts_and_eof(Runtime& runtime) {
  Connected pair;
  co_await open(runtime, pair);
  const std::array<std::string_view, 4> parts{"220 ", "", "mx.example", "\r\n"};
  auto write = pair.server->write(parts);
  EXPECT_TRUE(write.is_done()) << "what is taken at once needs no frame";
  EXPECT_TRUE(write.take().has_value());
  pair.server.reset();
  std::string all = ">";
  IoFailure end{};
  co_await read_all(*pair.client, all, end);
  EXPECT_EQ(all, ">220 mx.example\r\n") << "read appends";
  EXPECT_EQ(end, IoFailure::closed);
  const auto again = co_await pair.client->read(all);
  EXPECT_EQ(again.error().failure, IoFailure::closed) << "the end stays the end";
}

TYPED_TEST(StreamTest, PartsArriveTogetherAndThenTheEnd) {
  EXPECT_TRUE(this->run(parts_and_eof(this->runtime())));
}

Task<void> buffered(Runtime& runtime) {
  Connected pair;
  co_await open(runtime, pair);
  std::string got;
  auto first = pair.client->read(got);  // switches reading on
  first.start();
  EXPECT_TRUE((co_await pair.server->write("one")).has_value());
  while (!first.is_done()) co_await sleep_for(runtime, 1ms);
  EXPECT_TRUE((co_await pair.server->write("two")).has_value());
  co_await sleep_for(runtime, 50ms);
  auto second = pair.client->read(got);
  EXPECT_TRUE(second.is_done()) << "buffered octets need no frame";
  EXPECT_EQ(got, "onetwo");
}

TYPED_TEST(StreamTest, OctetsWaitForTheirReader) {
  EXPECT_TRUE(this->run(buffered(this->runtime())));
}

Task<void> reset_by_peer(Runtime& runtime) {
  Connected pair;
  co_await open(runtime, pair);
  EXPECT_TRUE((co_await pair.client->write("unread")).has_value());
  co_await sleep_for(runtime, 20ms);
  pair.server.reset();  // with octets unread: a reset, not a FIN
  std::string got;
  const auto read = co_await pair.client->read(got);
  EXPECT_FALSE(read.has_value());
  if (!read) EXPECT_EQ(read.error().failure, IoFailure::reset);
  IoFailure failure{};
  for (int n = 0; n < 3; ++n) {
    const auto sent = co_await pair.client->write("more");
    if (!sent) failure = sent.error().failure;
  }
  EXPECT_EQ(failure, IoFailure::reset) << "and no SIGPIPE";
}

TYPED_TEST(StreamTest, AResetIsSeenByReaderAndWriter) {
  EXPECT_TRUE(this->run(reset_by_peer(this->runtime())));
}

Task<void> note_failure(Task<IoResult<void>> task, std::vector<IoFailure>& failures) {
  const auto result = co_await task;
  if (!result) failures.push_back(result.error().failure);
}

Task<void> close_pending(Runtime& runtime, bool destroy) {
  Connected pair;
  co_await open(runtime, pair);
  std::vector<IoFailure> failures;
  std::string got;
  const std::string much = pattern(20'000'000);
  TaskSet set(runtime);
  set.spawn(note_failure(pair.client->read(got), failures));
  set.spawn(note_failure(pair.client->write(much), failures));
  co_await sleep_for(runtime, 5ms);
  EXPECT_EQ(set.size(), 2U);
  if (destroy) {
    pair.client.reset();
  } else {
    pair.client->close();
  }
  co_await set.join();
  EXPECT_EQ(failures, (std::vector<IoFailure>{IoFailure::closed, IoFailure::closed}));
  if (destroy) co_return;
  EXPECT_EQ((co_await pair.client->read(got)).error().failure, IoFailure::closed);
  EXPECT_EQ((co_await pair.client->write("x")).error().failure, IoFailure::closed);
}

TYPED_TEST(StreamTest, ClosingEndsPendingReadAndWrite) {
  EXPECT_TRUE(this->run(close_pending(this->runtime(), false)));
}
TYPED_TEST(StreamTest, DestroyingEndsPendingReadAndWrite) {
  EXPECT_TRUE(this->run(close_pending(this->runtime(), true)));
}

Task<void> drop_read(Runtime& runtime) {
  Connected pair;
  co_await open(runtime, pair);
  std::string dropped, kept;
  for (int n = 0; n < 3; ++n) {
    auto read = pair.client->read(dropped);
    EXPECT_FALSE(read.start());
  }
  EXPECT_TRUE((co_await pair.server->write("kept")).has_value());
  co_await sleep_for(runtime, 20ms);
  EXPECT_TRUE((co_await pair.client->read(kept)).has_value());
  EXPECT_EQ(kept, "kept");
  EXPECT_EQ(dropped, "");
}

TYPED_TEST(StreamTest, ADroppedReadLosesNothing) {
  EXPECT_TRUE(this->run(drop_read(this->runtime())));
}

Task<void> drop_write(Runtime& runtime) {
  Connected pair;
  co_await open(runtime, pair);
  {
    const std::string much = pattern(20'000'000);
    auto write = pair.client->write(much);
    EXPECT_FALSE(write.start());
    co_await sleep_for(runtime, 5ms);
  }
  const auto after = co_await pair.client->write("x");
  EXPECT_FALSE(after.has_value()) << "half a write cannot be continued";
  std::string all;
  IoFailure end{};
  co_await read_all(*pair.server, all, end);
  EXPECT_LT(all.size(), 20'000'000U);
}

TYPED_TEST(StreamTest, ADroppedWriteClosesTheConnection) {
  EXPECT_TRUE(this->run(drop_write(this->runtime())));
}

Task<void> drop_connects(Runtime& runtime) {
  int accepted = 0;
  auto acceptor = runtime.listen(loopback(), [&accepted](StreamPtr) { ++accepted; });
  for (int n = 0; n < 20; ++n) {
    auto connect = runtime.connect((*acceptor)->local());
    connect.start();
    if (n % 3 > 0) co_await sleep_for(runtime, std::chrono::milliseconds(n % 3 - 1));
  }
  auto kept = co_await runtime.connect((*acceptor)->local(), loopback().address);
  EXPECT_TRUE(kept.has_value());
  acceptor->reset();
  co_await sleep_for(runtime, 20ms);
}

TYPED_TEST(StreamTest, DroppedConnectsAreAbandoned) {
  EXPECT_TRUE(this->run(drop_connects(this->runtime())));
}

Task<void> refuse(Runtime& runtime) {
  SocketAddress gone;
  {
    auto acceptor = runtime.listen(loopback(), [](StreamPtr) {});
    gone = (*acceptor)->local();
  }
  const auto refused = co_await runtime.connect(gone);
  EXPECT_FALSE(refused.has_value());
  if (!refused) EXPECT_EQ(refused.error().failure, IoFailure::refused);
}

TYPED_TEST(StreamTest, NobodyListening) {
  EXPECT_TRUE(this->run(refuse(this->runtime())));
}

Task<void> pause_accepting(Runtime& runtime) {
  int accepted = 0;
  auto acceptor = runtime.listen(loopback(), [&accepted](StreamPtr) { ++accepted; });
  (*acceptor)->pause();
  auto first = co_await runtime.connect((*acceptor)->local());
  EXPECT_TRUE(first.has_value());
  co_await sleep_for(runtime, 20ms);
  EXPECT_EQ(accepted, 0) << "it waits in the backlog";
  (*acceptor)->resume();
  while (accepted == 0) co_await sleep_for(runtime, 1ms);
}

TYPED_TEST(StreamTest, APausedAcceptorKeepsItsBacklog) {
  EXPECT_TRUE(this->run(pause_accepting(this->runtime())));
}

Task<void> accept_once(Runtime& runtime) {
  AcceptorPtr acceptor;
  int accepted = 0;
  auto made = runtime.listen(loopback(), [&](StreamPtr) {
    ++accepted;
    acceptor.reset();  // from its own callback
  });
  acceptor = std::move(*made);
  const SocketAddress address = acceptor->local();
  auto one = co_await runtime.connect(address);
  while (accepted == 0) co_await sleep_for(runtime, 1ms);
  EXPECT_FALSE((co_await runtime.connect(address)).has_value());
  EXPECT_EQ(accepted, 1);
}

TYPED_TEST(StreamTest, AnAcceptorMayDieInItsCallback) {
  EXPECT_TRUE(this->run(accept_once(this->runtime())));
}

}  // namespace
}  // namespace postrider::runtime
