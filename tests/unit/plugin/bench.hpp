// SPDX-License-Identifier: MIT
// What the tests of the plugin host share: a runtime in virtual time, a log to read, plugin sets
// made of the module "conduct".
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <postrider/testing/fake_dns.hpp>
#include <postrider/testing/fake_message.hpp>
#include <postrider/testing/fake_session.hpp>
#include <postrider/testing/manual_loop.hpp>
#include <postrider/testing/run.hpp>

#include "plugin/plugin_set.hpp"

namespace postrider::plugin {

/// A Runtime that can only wait and be posted to.
class ManualRuntime final : public runtime::Runtime {
 public:
  TimePoint now() const noexcept override { return loop.now(); }
  WallTime wall_now() const noexcept override { return loop.wall_now(); }
  void make_ready(ReadyNode& node) noexcept override { loop.make_ready(node); }
  void start_timer(Timer& timer, Duration after) noexcept override {
    loop.start_timer(timer, after);
  }
  void stop_timer(Timer& timer) noexcept override { loop.stop_timer(timer); }
  Task<runtime::IoResult<runtime::StreamPtr>> connect(SocketAddress, IpAddress) override {
    return runtime::IoResult<runtime::StreamPtr>(std::unexpected(runtime::IoError{}));
  }
  runtime::IoResult<runtime::AcceptorPtr> listen(SocketAddress, runtime::OnAccept) override {
    return std::unexpected(runtime::IoError{});
  }
  runtime::IoResult<runtime::AcceptorPtr> listen_local(const std::string&,
                                                       runtime::OnAccept) override {
    return std::unexpected(runtime::IoError{});
  }
  runtime::IoResult<runtime::WatchPtr> watch(int, std::function<void()>) override {
    return std::unexpected(runtime::IoError{});
  }
  void post(std::move_only_function<void()> work) override {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(work));
  }
  void run() override {}
  void stop() override {}

  /// Wait for real until something was posted, and do it.
  void take_posts() {
    std::vector<std::move_only_function<void()>> posted;
    while (posted.empty()) {
      std::this_thread::yield();
      const std::lock_guard lock(mutex_);
      posted.swap(posted_);
    }
    for (auto& work : posted) work();
    loop.run_ready();
  }

  postrider::testing::ManualLoop loop;

 private:
  std::mutex mutex_;
  std::vector<std::move_only_function<void()>> posted_;
};

inline const std::vector<std::string> kModules{POSTRIDER_MODULES};

/// Block of "conduct" that does `how`.
inline Block conduct(std::string how, std::string id = "conduct", int steps = 0) {
  Block block;
  block.use = "conduct";
  block.id = std::move(id);
  block.settings.entries.push_back({"how", {}, {std::move(how), {}}});
  block.settings.entries.push_back({"steps", {}, {std::int64_t{steps}, {}}});
  return block;
}

class PluginTest : public ::testing::Test {
 protected:
  PluginTest() {
    std::string pattern = ::testing::TempDir() + "plugin_test_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    log_ = log::DaemonLog::open(folder_ + "/log", LogLevel::debug).value();
  }
  ~PluginTest() override {
    log_.reset();
    std::filesystem::remove_all(folder_);
  }
  LoopParts parts() {
    return {runtime_, dns_, *log_, pool_, "mail.example.org", {"example.org"}, {}, 0};
  }
  std::shared_ptr<PluginSet> make(const std::vector<Block>& blocks) {
    const auto prepared = prepare_plugins(blocks, kModules);
    if (!prepared) {
      ADD_FAILURE() << prepared.error().front().message;
      return nullptr;
    }
    auto set = make_plugins(*prepared, parts());
    return set ? std::move(*set) : nullptr;
  }
  std::string log_text() {
    log_->flush();
    std::ifstream in(folder_ + "/log");
    return {std::istreambuf_iterator<char>(in), {}};
  }
  template <class T>
  T run(Task<T> task) {
    return postrider::testing::run(runtime_.loop, std::move(task));
  }
  Verdict connect(PluginSet& set) {
    postrider::testing::FakeSession session(runtime_);
    return run(set.connect(session));
  }

  std::string folder_;
  std::unique_ptr<log::DaemonLog> log_;
  ManualRuntime runtime_;
  postrider::testing::FakeDns dns_{runtime_.loop};
  BlockingPool pool_{1};
};

}  // namespace postrider::plugin
