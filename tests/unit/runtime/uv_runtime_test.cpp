// SPDX-License-Identifier: MIT
// What only the production runtime has: threads, the kernel's sockets, files, descriptors.
#include <atomic>
#include <cstring>
#include <filesystem>
#include <thread>

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "rig.hpp"

namespace postrider::runtime {
namespace {

class UvRuntimeTest : public testing::Test {
 protected:
  bool run(Task<void> body) { return run_on(*runtime, std::move(body)); }
  std::unique_ptr<Runtime> runtime = make_uv_runtime();
};

/// A plain socket of the test's own, connected to `address`; -1 when that fails.
int plain_connect(const SocketAddress& address) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(address.port);
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(descriptor, reinterpret_cast<sockaddr*>(&in), sizeof in) == 0) return descriptor;
  ::close(descriptor);
  return -1;
}

sockaddr_un local_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int plain_connect_local(const std::string& path) {
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
  const sockaddr_un address = local_address(path);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return descriptor;
  ::close(descriptor);
  return -1;
}

TEST_F(UvRuntimeTest, PostsOfManyThreadsAllArriveInTheirOrder) {
  constexpr int kThreads = 4, kPosts = 2000;
  std::array<int, kThreads> last{};
  int total = 0;
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int n = 1; n <= kPosts; ++n) {
        runtime->post([&, thread, n] {
          EXPECT_EQ(last[thread] + 1, n);
          last[thread] = n;
          if (++total == kThreads * kPosts) runtime->stop();
        });
      }
    });
  }
  runtime->run();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(total, kThreads * kPosts);
}

TEST_F(UvRuntimeTest, StopFromAnotherThreadEndsTheRun) {
  std::thread other([this] { runtime->stop(); });
  runtime->run();
  other.join();
}

Task<void> connect_often(Runtime& runtime, SocketAddress address, std::atomic<int>& accepted) {
  std::vector<StreamPtr> streams;
  for (int n = 0; n < 64; ++n) {
    auto stream = co_await runtime.connect(address);
    EXPECT_TRUE(stream.has_value());
    if (stream) streams.push_back(std::move(*stream));
  }
  while (accepted < 64) co_await sleep_for(runtime, 1ms);
}

TEST_F(UvRuntimeTest, TwoLoopsShareAnAddress) {
  std::atomic<int> accepted = 0, here = 0;
  auto first = runtime->listen(loopback(), [&](StreamPtr) {
    ++accepted;
    ++here;
  });
  ASSERT_TRUE(first.has_value());
  const SocketAddress address = (*first)->local();
  const auto other = make_uv_runtime();
  auto second = other->listen(address, [&accepted](StreamPtr) { ++accepted; });
  ASSERT_TRUE(second.has_value()) << second.error().text;
  std::thread thread([&other] { other->run(); });
  EXPECT_TRUE(run(connect_often(*runtime, address, accepted)));
  other->stop();
  thread.join();
  EXPECT_GT(here, 0);
  EXPECT_LT(here, 64);
}

TEST_F(UvRuntimeTest, BothFamiliesCanBeListenedTo) {
  const SocketAddress v4{.address = IpAddress::parse("0.0.0.0").value(), .port = 0};
  auto first = runtime->listen(v4, [](StreamPtr) {});
  ASSERT_TRUE(first.has_value()) << first.error().text;
  const SocketAddress v6{.address = IpAddress::parse("::").value(), .port = (*first)->local().port};
  auto second = runtime->listen(v6, [](StreamPtr) {});
  if (!second) {
    EXPECT_EQ(second.error().failure, IoFailure::unreachable) << "a host without IPv6";
    return;
  }
  EXPECT_EQ((*second)->local(), v6);
}

TEST_F(UvRuntimeTest, AnAddressInUseIsTold) {
  const int plain = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof in;
  ASSERT_EQ(::bind(plain, reinterpret_cast<sockaddr*>(&in), length), 0);
  ASSERT_EQ(::listen(plain, 1), 0);
  ASSERT_EQ(::getsockname(plain, reinterpret_cast<sockaddr*>(&in), &length), 0);
  const auto listened = runtime->listen(loopback(ntohs(in.sin_port)), [](StreamPtr) {});
  ASSERT_FALSE(listened.has_value());
  EXPECT_EQ(listened.error().failure, IoFailure::in_use);
  ::close(plain);
}

Task<void> source_of_other_family(Runtime& runtime) {
  const auto result = co_await runtime.connect(loopback(25), IpAddress::parse("::1").value());
  EXPECT_FALSE(result.has_value());
  if (!result) EXPECT_EQ(result.error().failure, IoFailure::unreachable);
}

Task<void> chosen_source(Runtime& runtime) {
  StreamPtr server;
  auto acceptor = runtime.listen(loopback(), [&](StreamPtr stream) { server = std::move(stream); });
  const IpAddress source = IpAddress::parse("127.0.0.9").value();
  auto client = co_await runtime.connect((*acceptor)->local(), source);
  EXPECT_TRUE(client.has_value());
  while (!server) co_await sleep_for(runtime, 1ms);
  EXPECT_EQ(server->remote().address, source);
}

TEST_F(UvRuntimeTest, ConnectsFromTheChosenSource) {
  EXPECT_TRUE(run(source_of_other_family(*runtime)));
  EXPECT_TRUE(run(chosen_source(*runtime)));
}

class SocketFile {
 public:
  SocketFile() {
    std::string name = (std::filesystem::temp_directory_path() / "postrider-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~SocketFile() { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ + "/control"; }

 private:
  std::string folder_;
};

Task<void> serve_local(Runtime& runtime, const std::string& path) {
  StreamPtr server;
  auto acceptor = runtime.listen_local(path, [&](StreamPtr stream) { server = std::move(stream); });
  EXPECT_TRUE(acceptor.has_value()) << acceptor.error().text;
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  const int client = plain_connect_local(path);
  EXPECT_GE(client, 0);
  EXPECT_EQ(::write(client, "status", 6), 6);
  while (!server) co_await sleep_for(runtime, 1ms);
  std::string got;
  EXPECT_TRUE((co_await server->read(got)).has_value());
  EXPECT_EQ(got, "status");
  EXPECT_TRUE((co_await server->write("fine")).has_value());
  std::array<char, 8> answer{};
  EXPECT_EQ(::read(client, answer.data(), answer.size()), 4);
  ::close(client);
  const auto second = runtime.listen_local(path, [](StreamPtr) {});
  EXPECT_FALSE(second.has_value()) << "somebody answers there";
  if (!second) EXPECT_EQ(second.error().failure, IoFailure::in_use);
}

TEST_F(UvRuntimeTest, ListensOnAUnixSocket) {
  const SocketFile file;
  EXPECT_TRUE(run(serve_local(*runtime, file.path())));
  EXPECT_FALSE(std::filesystem::exists(file.path())) << "removed with the acceptor";
}

TEST_F(UvRuntimeTest, ADeadSocketFileIsReplacedAndNothingElse) {
  const SocketFile file;
  const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
  const sockaddr_un address = local_address(file.path());
  ASSERT_EQ(::bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(dead);
  EXPECT_TRUE(run(serve_local(*runtime, file.path())));
  ASSERT_TRUE(std::filesystem::create_directory(file.path()));
  EXPECT_FALSE(runtime->listen_local(file.path(), [](StreamPtr) {}).has_value());
  EXPECT_FALSE(runtime->listen_local(std::string(200, 'x'), [](StreamPtr) {}).has_value());
}

Task<void> watch_socket(Runtime& runtime) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  int readable = 0;
  WatchPtr watch;
  auto made = runtime.watch(ends[0], [&] {
    std::array<char, 16> datagram{};
    while (::recv(ends[0], datagram.data(), datagram.size(), 0) > 0) ++readable;
    if (readable == 3) watch.reset();  // from its own callback
  });
  EXPECT_TRUE(made.has_value());
  watch = std::move(*made);
  for (int n = 1; n <= 3; ++n) {
    EXPECT_EQ(::send(ends[1], "x", 1, 0), 1);
    while (readable < n) co_await sleep_for(runtime, 1ms);
  }
  EXPECT_FALSE(watch);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(UvRuntimeTest, WatchesADescriptor) {
  EXPECT_TRUE(run(watch_socket(*runtime)));
}

Task<void> watch_refused(Runtime& runtime) {
  // A UDP socket whose peer answers by ICMP, as a dead resolver does.
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  SocketAddress gone;
  {
    auto acceptor = runtime.listen(loopback(), [](StreamPtr) {});
    gone = (*acceptor)->local();
  }
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(gone.port);
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&in), sizeof in), 0);
  int refused = 0;
  auto watch = runtime.watch(socket, [&] {
    std::array<char, 16> datagram{};
    if (::recv(socket, datagram.data(), datagram.size(), 0) < 0 && errno == ECONNREFUSED) ++refused;
  });
  for (int n = 1; n <= 20; ++n) {
    (void)::send(socket, "query", 5, 0);
    while (refused < n) co_await sleep_for(runtime, 1ms);
  }
  watch->reset();
  ::close(socket);
}

TEST_F(UvRuntimeTest, AWatchSurvivesSocketErrors) {
  EXPECT_TRUE(run(watch_refused(*runtime)));
}

/// Takes every descriptor the process may have.
class Famine {
 public:
  Famine() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);
    ::close(next);
    rlimit low = before_;
    low.rlim_cur = static_cast<rlim_t>(next);
    ::setrlimit(RLIMIT_NOFILE, &low);
  }
  Famine(const Famine&) = delete;
  Famine& operator=(const Famine&) = delete;
  ~Famine() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

Task<void> starve(Runtime& runtime) {
  int accepted = 0;
  auto acceptor = runtime.listen(loopback(), [&accepted](StreamPtr) { ++accepted; });
  const int client = plain_connect((*acceptor)->local());
  EXPECT_GE(client, 0);
  const SocketAddress elsewhere = (*acceptor)->local();
  {
    const Famine famine;
    const auto connected = co_await runtime.connect(elsewhere);
    EXPECT_FALSE(connected.has_value());
    if (!connected) EXPECT_EQ(connected.error().failure, IoFailure::exhausted);
    co_await sleep_for(runtime, 150ms);
    EXPECT_EQ(accepted, 0);
  }
  while (accepted == 0) co_await sleep_for(runtime, 1ms);
  ::close(client);
}

TEST_F(UvRuntimeTest, WithoutDescriptorsConnectionsWaitInTheBacklog) {
  EXPECT_TRUE(run(starve(*runtime)));
}

Task<void> drop_unstarted(Runtime& runtime) {
  StreamPtr server;
  auto acceptor = runtime.listen(loopback(), [&](StreamPtr stream) { server = std::move(stream); });
  auto client = co_await runtime.connect((*acceptor)->local());
  const std::string much(20'000'000, 'x');
  for (const bool finish : {false, true}) {
    {
      const auto dropped = (*client)->write(much);
    }
    if (finish) (*client)->shut_down_writing();
    const auto after = co_await (*client)->write("x");
    EXPECT_FALSE(after.has_value()) << "half a write cannot be continued";
  }
}

TEST_F(UvRuntimeTest, AWriteDroppedBeforeItsStartClosesTheConnection) {
  EXPECT_TRUE(run(drop_unstarted(*runtime)));
}

TEST_F(UvRuntimeTest, TheLoopMayDieBeforeItsStreams) {
  auto acceptor = runtime->listen(loopback(), [](StreamPtr) {});
  auto connect = runtime->connect((*acceptor)->local());
  connect.start();
  const auto sleep = [](Loop& loop) -> Task<void> { co_await sleep_for(loop, 1h); };
  auto sleeper = sleep(*runtime);
  sleeper.start();
  runtime.reset();
  EXPECT_FALSE(sleeper.is_done());
}

}  // namespace
}  // namespace postrider::runtime
