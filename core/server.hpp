// SPDX-License-Identifier: MIT
// The daemon: owns every part, and is the only place where concrete parts meet. A start is all or
// nothing; SIGHUP reloads, SIGUSR1 reopens the log files, SIGTERM and SIGINT drain and stop.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "configuration.hpp"
#include "control/control_server.hpp"
#include "orders.hpp"
#include "runtime/ask.hpp"
#include "watchdog/watchdog.hpp"
#include "worker.hpp"

namespace postrider {

/// Exit codes of sysexits.h.
inline constexpr int kExitUnavailable = 69;  ///< cannot listen
inline constexpr int kExitIo = 74;           ///< the store cannot be opened or read
inline constexpr int kExitConfig = 78;       ///< the configuration or a plugin is wrong

/// [main thread] The main thread has a loop of its own, for signals and the control socket.
class Server final : public control::Daemon {
 public:
  explicit Server(ConfigurationPtr configuration);
  ~Server() override;
  /// Start, serve, drain; returns the exit code. Errors before the log is open go to `complain`.
  int run(const std::function<void(const std::string&)>& complain);

 private:
  int prepare();
  bool open_store();
  bool recover();
  void make_workers();
  Task<void> serve();
  Task<int> start();
  Task<void> reload_on_signal();
  control::Reloading not_reloaded(std::vector<std::string> mistakes);
  Task<void> drain();
  void stop_workers();
  static void block_signals();
  bool watch_signals();
  void on_signal(int number);
  void say_ready();
  void watch();
  enum class Asked : std::uint8_t { all, turning };
  /// The answers of all loops, in their order; one loop is asked after the other. The question may
  /// outlive its asker. Asked::turning leaves loops out that stand still.
  template <class T>
  Task<std::vector<T>> ask_all(std::function<Task<T>(Worker&)> question, Asked whom = Asked::all) {
    std::vector<T> answers;
    for (auto& worker : workers_) {
      Worker& asked = *worker;
      if (whom == Asked::turning && watchdog_->is_standing(asked.name())) continue;
      answers.push_back(co_await runtime::ask<T>(*runtime_, asked.runtime(), asked.tasks(),
                                                 [question, &asked] { return question(asked); }));
    }
    co_return answers;
  }
  /// The same, all loops at work at the same time.
  template <class T>
  Task<std::vector<T>> ask_at_once(std::function<Task<T>(Worker&)> question,
                                   Asked whom = Asked::all) {
    std::deque<runtime::Ask<T>> asked;
    for (auto& worker : workers_) {
      Worker& one = *worker;
      if (whom == Asked::turning && watchdog_->is_standing(one.name())) continue;
      asked.emplace_back(*runtime_, one.runtime(), one.tasks(),
                         [question, &one] { return question(one); });
      asked.back().begin();
    }
    std::vector<T> answers;
    for (runtime::Ask<T>& one : asked) answers.push_back(co_await one);
    co_return answers;
  }
  bool report(const std::vector<StartResult>& results);
  StartResult ports_are_free() const;

  // control::Daemon (server_control.cpp)
  std::string hostname() const override;
  WallTime now() const override { return runtime_->wall_now(); }
  WallTime started_at() const override { return started_at_; }
  bool is_stopping() const override { return stopping_; }
  receive::SessionTable::Figures sessions() const override {
    return sessions_.figures(runtime_->now());
  }
  store::Stats store_stats() const override;
  control::MemoryView memory() const override;
  std::vector<watchdog::Standing> standing() const override { return watchdog_->standing(); }
  Task<queue::QueueCounts> counts() override;
  Task<control::Listing> list(queue::Selection selection) override;
  Task<void> add_forecasts(std::vector<queue::MessageView>& messages,
                           std::vector<queue::RecordPtr> records);
  Task<void> add_destinations(control::Listing& listing);
  Task<queue::TallyTable> tally(queue::Selection selection, queue::TallyKey key) override;
  Task<std::size_t> change(control::QueueChange change, queue::Selection selection) override;
  Task<control::DestinationListing> destinations(std::function<bool(const std::string&)> is_meant,
                                                 std::size_t limit) override;
  Task<bool> reports_failures() override;
  Task<void> warn_of_gaps();
  std::expected<std::string, std::string> headers(const std::string& queue_id) override;
  std::expected<std::string, std::string> content(const std::string& queue_id,
                                                  std::uint64_t offset) override;
  Task<std::vector<plugin::PluginView>> plugins() override;
  Task<std::optional<std::string>> plugin_command(std::vector<std::string> words) override;
  std::expected<std::string, std::string> read(const std::string& queue_id, std::uint64_t offset,
                                               std::size_t most);
  Task<control::Reloading> reload() override;
  void stop() override;

  // Standing orders (server_orders.cpp)
  control::ModeView mode() const override;
  const std::vector<queue::Suspension>& suspended() const override { return orders_.suspended; }
  Task<control::Done> set_mode(std::optional<config::Mode> mode) override;
  Task<control::Done> suspend(std::string pattern, std::string reason) override;
  Task<control::Done> resume(std::string pattern) override;
  Task<control::Done> drain_queue(bool stop_after) override;
  Task<control::Done> end_drain() override;
  Task<bool> obey();
  control::Done order(Orders orders);
  Task<void> stop_when_drained();

  ConfigurationPtr configuration_;
  const ConfigurationPtr started_with_;  ///< what a restart would change is told against this
  std::function<void(const std::string&)> complain_;
  std::unique_ptr<log::DaemonLog> log_;
  std::unique_ptr<runtime::Runtime> runtime_;  // the main thread's
  std::unique_ptr<store::Store> store_;
  receive::SessionTable sessions_;
  std::vector<std::unique_ptr<runtime::Runtime>> runtimes_;
  std::unique_ptr<plugin::BlockingPool> pool_;
  std::shared_ptr<queue::Peers> peers_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<watchdog::Watchdog> watchdog_;  // goes before what it watches
  std::vector<std::thread> threads_;
  std::unique_ptr<control::ControlServer> control_;
  runtime::WatchPtr signals_;
  int signal_descriptor_ = -1;
  WallTime started_at_{};
  Orders orders_;
  std::optional<WallTime> draining_since_;
  bool stops_when_drained_ = false;
  bool stopping_ = false;
  bool reloading_ = false;
  bool listening_ = false;   ///< clients may connect
  bool serving_ = false;     ///< the start is complete
  bool stop_asked_ = false;  ///< between the two
  int exit_code_ = 0;
  std::unique_ptr<runtime::TaskSet> tasks_;
};

}  // namespace postrider
