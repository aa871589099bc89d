// SPDX-License-Identifier: MIT
// The simulated world: its clock, its network, its accidents, and that a seed repeats a run.
#include "runtime/sim/sim_world.hpp"

#include "rig.hpp"
#include "runtime/sim/memory_stream.hpp"

namespace postrider::runtime {
namespace {

const SocketAddress kServer{.address = IpAddress::parse("198.51.100.25").value(), .port = 25};

Task<void> read_all(ByteStream& stream, std::string& all, IoFailure& end) {
  for (;;) {
    const auto got = co_await stream.read(all);
    if (got) continue;
    end = got.error().failure;
    co_return;
  }
}

class SimWorldTest : public testing::Test {
 protected:
  void listen() {
    acceptor = world.loop()
                   .listen(kServer, [this](StreamPtr stream) { server = std::move(stream); })
                   .value();
  }
  IoResult<StreamPtr> connect() {
    auto result = world.finish(world.loop().connect(kServer));
    if (result) return std::move(*result);
    return std::unexpected(IoError{.failure = IoFailure::other, .text = "never ended"});
  }
  SimWorld world{5};
  AcceptorPtr acceptor;
  StreamPtr server;
};

TEST_F(SimWorldTest, TheClockMovesOnlyWhenNothingCanRun) {
  EXPECT_EQ(world.wall_now(), WallTime(std::chrono::sys_days(std::chrono::January / 1 / 2026)));
  world.run_for(90s);
  EXPECT_EQ(world.now(), TimePoint(90s));
  world.jump_wall(1h);
  EXPECT_EQ(world.wall_now() - WallTime(std::chrono::sys_days(std::chrono::January / 1 / 2026)),
            1h + 90s);
  EXPECT_TRUE(world.run_until_idle());
  EXPECT_EQ(world.now(), TimePoint(90s));
}

Task<void> sleep_once(Loop& loop, Duration length) {
  co_await sleep_for(loop, length);
}

TEST_F(SimWorldTest, RunUntilIdleHasALimit) {
  auto task = sleep_once(world.loop(), 48h);
  task.start();
  EXPECT_FALSE(world.run_until_idle(24h));
  EXPECT_FALSE(task.is_done());
  world.advance(30h);
  EXPECT_FALSE(task.is_done()) << "a jump runs nothing";
  world.advance(30h);
  EXPECT_TRUE(world.run_until_idle(0s));
  EXPECT_TRUE(task.is_done());
}

TEST_F(SimWorldTest, ConnectingTakesARoundTrip) {
  listen();
  EXPECT_TRUE(connect().has_value());
  EXPECT_EQ(world.now(), TimePoint(2ms));
  world.set_latency(50ms);
  const auto client = connect();
  EXPECT_EQ(world.now(), TimePoint(102ms));
  ASSERT_TRUE(server);
  EXPECT_EQ((*client)->remote(), kServer);
  EXPECT_EQ(server->remote(), (*client)->local());
}

TEST_F(SimWorldTest, FaultsOfConnecting) {
  EXPECT_EQ(connect().error().failure, IoFailure::refused) << "nobody listens";
  listen();
  world.set_fault(kServer, {.kind = SimFault::Kind::refused});
  EXPECT_EQ(connect().error().failure, IoFailure::refused);
  world.set_fault(kServer, {.kind = SimFault::Kind::unreachable});
  EXPECT_EQ(connect().error().failure, IoFailure::unreachable);
  world.set_fault(kServer, {.kind = SimFault::Kind::black_hole});
  EXPECT_EQ(connect().error().text, "never ended");
  world.set_fault(kServer, {});
  EXPECT_TRUE(connect().has_value());
  world.set_fault({.address = kServer.address, .port = 0}, {.kind = SimFault::Kind::refused});
  EXPECT_TRUE(connect().has_value()) << "the port's own entry comes first";
}

TEST_F(SimWorldTest, AConnectionBreaksAfterSomeOctets) {
  listen();
  world.set_fault(kServer, {.reset_after = 10});
  const auto client = connect();
  const auto sent = world.finish((*client)->write("MAIL FROM:<a@b.example>\r\n"));
  EXPECT_TRUE(sent->has_value()) << "the sender does not know yet";
  std::string all;
  IoFailure end{};
  EXPECT_TRUE(world.finish(read_all(*server, all, end)));
  EXPECT_EQ(all, "MAIL FROM:");
  EXPECT_EQ(end, IoFailure::reset);
  EXPECT_EQ(world.finish((*client)->write("x"))->error().failure, IoFailure::reset);
}

TEST_F(SimWorldTest, ASlowPeerTakesItsTime) {
  listen();
  world.set_fault(kServer, {.octets_per_second = 100});
  const auto client = connect();
  const TimePoint start = world.now();
  const std::string octets(1000, 'x');
  EXPECT_TRUE(world.finish((*client)->write(octets))->has_value());
  (*client)->shut_down_writing();
  std::string all;
  IoFailure end{};
  EXPECT_TRUE(world.finish(read_all(*server, all, end)));
  EXPECT_EQ(all, octets);
  EXPECT_EQ(world.now() - start, 10s + 1ms);
}

TEST_F(SimWorldTest, LoopsShareAnAddressByChance) {
  Runtime& other = world.add_loop();
  int first = 0, second = 0;
  const auto a = world.loop().listen(kServer, [&first](StreamPtr) { ++first; });
  const auto b = other.listen(kServer, [&second](StreamPtr) { ++second; });
  EXPECT_EQ(other.listen(kServer, [](StreamPtr) {}).error().failure, IoFailure::in_use);
  for (int n = 0; n < 40; ++n) EXPECT_TRUE(connect().has_value());
  world.run_until_idle();
  EXPECT_EQ(first + second, 40);
  EXPECT_GT(first, 5);
  EXPECT_GT(second, 5);
}

TEST_F(SimWorldTest, ListenersOfAnyAddressAndOfPaths) {
  int accepted = 0;
  const auto any = world.loop().listen({.address = {}, .port = 25}, [&](StreamPtr) { ++accepted; });
  EXPECT_TRUE(connect().has_value());
  const auto path = world.loop().listen_local("/run/control", [&](StreamPtr) { ++accepted; });
  EXPECT_FALSE(world.loop().listen_local("/run/control", [](StreamPtr) {}).has_value());
  EXPECT_TRUE((*world.finish(world.connect_local(world.loop(), "/run/control"))).has_value());
  EXPECT_FALSE((*world.finish(world.connect_local(world.loop(), "/run/other"))).has_value());
  EXPECT_EQ(accepted, 2);
  EXPECT_FALSE(world.loop().watch(0, [] {}).has_value());
}

/// What arrived when, in random pieces.
Task<void> trace_reads(Loop& loop, ByteStream& stream, std::string& trace) {
  std::string got;
  for (;;) {
    got.clear();
    const auto read = co_await stream.read(got);
    if (!read) co_return;
    trace += std::to_string(got.size()) + '@' +
             std::to_string(loop.now().time_since_epoch().count()) + ' ';
  }
}

std::string traced(std::uint64_t seed) {
  SimWorld world(seed);
  world.add_loop();
  world.set_fault(kServer, {.octets_per_second = 5000, .largest_segment = 100});
  StreamPtr server;
  const auto acceptor =
      world.loop(1).listen(kServer, [&server](StreamPtr stream) { server = std::move(stream); });
  auto client = world.finish(world.loop().connect(kServer));
  const std::string octets(2000, 'x');
  EXPECT_TRUE(world.finish((**client)->write(octets))->has_value());
  (**client)->shut_down_writing();
  std::string trace;
  EXPECT_TRUE(world.finish(trace_reads(world.loop(1), *server, trace)));
  return trace;
}

TEST(SimWorld, ASeedRepeatsARun) {
  EXPECT_EQ(traced(1), traced(1));
  EXPECT_NE(traced(1), traced(2));
  EXPECT_GT(traced(1).size(), 100U);
}

TEST(MemoryStream, APairOnOneLoop) {
  SimWorld world;
  auto [left, right] = make_stream_pair(world.loop());
  EXPECT_TRUE(left->write("EHLO client.example\r\n").is_done());
  std::string line;
  EXPECT_TRUE(right->read(line).take().has_value()) << "octets arrive at once";
  EXPECT_EQ(line, "EHLO client.example\r\n");
  left.reset();
  EXPECT_EQ(right->read(line).take().error().failure, IoFailure::closed);
  EXPECT_EQ(right->write("late").take().error().failure, IoFailure::reset);
}

TEST(MemoryStream, AFullWindowMakesTheWriterWait) {
  SimWorld world;
  auto [left, right] = make_stream_pair(world.loop(), {.window = 10});
  auto write = left->write("0123456789abcdefghijklmnop");
  EXPECT_FALSE(write.start());
  std::string all;
  for (int n = 0; n < 3; ++n) {
    EXPECT_TRUE(world.finish(right->read(all))->has_value());
    world.run_until_idle();
  }
  EXPECT_TRUE(write.is_done());
  EXPECT_EQ(all, "0123456789abcdefghijklmnop");
}

}  // namespace
}  // namespace postrider::runtime
