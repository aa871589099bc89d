// SPDX-License-Identifier: MIT
// Every moment is a good moment to be dropped.
#include "rig.hpp"
#include "support/drop_at.hpp"

namespace postrider::runtime {
namespace {

Task<void> serve(StreamPtr stream, Loop& loop) {
  std::string line;
  for (;;) {
    const auto got = co_await within(loop, 5s, stream->read(line));
    if (!got || !*got) co_return;
    const auto sent = co_await within(loop, 5s, stream->write(line));
    if (!sent || !*sent) co_return;
    line.clear();
  }
}

Task<void> conversation(Runtime& runtime) {
  TaskSet sessions(runtime);
  auto acceptor = runtime.listen(loopback(), [&sessions, &runtime](StreamPtr stream) {
    sessions.spawn(serve(std::move(stream), runtime));
  });
  auto client = co_await runtime.connect((*acceptor)->local());
  if (!client) co_return;
  const std::string much(200'000, 'x');
  std::string back;
  TaskSet writers(runtime);
  writers.spawn([](ByteStream& stream, const std::string& octets) -> Task<void> {
    (void)co_await stream.write(octets);
  }(**client, much));
  while (back.size() < much.size()) {
    const auto got = co_await (*client)->read(back);
    if (!got) co_return;
  }
  co_await writers.join();
  (*client)->shut_down_writing();
  co_await sessions.join();
}

Task<void> scene(SimWorld& world) {
  return conversation(world.loop());
}

TEST(DropAtEveryStep, AConversation) {
  EXPECT_GT(tests::drop_at_every_step(scene), 10U);
}

TEST(DropAtEveryStep, AStuckSceneIsTold) {
  EXPECT_EQ(
      tests::drop_at_every_step([](SimWorld&) -> Task<void> { co_await std::suspend_always(); }),
      0U);
}

TEST(DropOnUv, AConversationAfterAnyNumberOfTurns) {
  const auto runtime = make_uv_runtime();
  bool done = false;
  for (int drop_after = 0; drop_after < 5000 && !done; ++drop_after) {
    auto task = conversation(*runtime);
    done = task.start();
    for (int turn = 0; turn < drop_after && !done; ++turn) {
      runtime->stop();  // one turn and back
      runtime->run();
      done = task.is_done();
    }
  }
  EXPECT_TRUE(done);
}

}  // namespace
}  // namespace postrider::runtime
