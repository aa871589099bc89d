// SPDX-License-Identifier: MIT
#include "server.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include <sys/signalfd.h>
#include <unistd.h>

#include "privileges.hpp"
#include "queue/recovery.hpp"
#include "runtime/memory_reserve.hpp"
#include "runtime/uv/uv_runtime.hpp"
#include "watchdog/notify.hpp"

namespace postrider {

namespace {

/// Beyond server.drain_timeout: what plugins may take to drain, and the last flush.
constexpr Duration kEndLimit = 30s;

/// Of the queue, read and not yet taken over while we start.
constexpr unsigned kPiecesPerLoop = 8;

sigset_t signals_we_take() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGHUP, SIGTERM, SIGINT, SIGUSR1}) sigaddset(&set, number);
  return set;
}

/// The process goes down hard, with a core dump if the system keeps any; what was acknowledged is
/// on disk, and the next start begins there.
[[noreturn]] void end_process(const std::string&) {
  std::this_thread::sleep_for(1s);  // the log's writer has its turn
  std::abort();
}

}  // namespace

Server::Server(ConfigurationPtr configuration)
    : configuration_(std::move(configuration)), started_with_(configuration_) {}

Server::~Server() {
  control_.reset();
  tasks_.reset();
  signals_.reset();
  if (signal_descriptor_ >= 0) ::close(signal_descriptor_);
}

int Server::run(const std::function<void(const std::string&)>& complain) {
  complain_ = complain;
  if (const int code = prepare(); code != 0) return code;
  runtime::keep_memory_reserve();
  make_workers();
  watch();
  for (auto& worker : workers_)
    threads_.emplace_back([&runtime = worker->runtime()] { runtime.run(); });
  tasks_->spawn(serve());
  runtime_->run();
  stop_workers();
  if (exit_code_ == 0) log_->write(LogLevel::info, "stopped", {});
  return exit_code_;
}

int Server::prepare() {
  // Before any thread exists, so that all inherit the mask and only the descriptor sees signals.
  block_signals();
  const config::Settings& settings = configuration_->settings;
  // Before any file is made, so that all of them belong to the account.
  if (auto changed = drop_privileges(settings.server.user, settings.server.group); !changed) {
    complain_(changed.error());
    return kExitConfig;
  }
  auto log = log::DaemonLog::open(settings.log.file, configuration_->log_level());
  if (!log) {
    complain_(log.error());
    return kExitConfig;
  }
  log_ = std::move(*log);
  runtime_ = runtime::make_uv_runtime();
  tasks_ = std::make_unique<runtime::TaskSet>(*runtime_);
  started_at_ = runtime_->wall_now();
  if (!watch_signals()) return kExitUnavailable;
  return open_store() ? 0 : kExitIo;
}

bool Server::open_store() {
  const config::Server& server = configuration_->settings.server;
  if (server.store == config::StoreKind::memory) {
    store_ = store::make_memory_store();
    log_->write(LogLevel::warning, "mail is kept in memory only: server.store is \"memory\"", {});
    return true;
  }
  store::LogOptions options;
  options.folder = server.spool;
  options.segment_size = server.segment_size.octets;
  auto opened = store::open_log_store(options);
  if (!opened) {
    complain_("server.spool: " + opened.error().detail);
    return false;
  }
  store_ = std::move(*opened);
  auto orders = load_orders(server.spool);
  if (!orders) {
    complain_(orders.error());
    return false;
  }
  orders_ = std::move(*orders);
  return true;
}

void Server::make_workers() {
  const unsigned loops = configuration_->loops();
  pool_ = std::make_unique<plugin::BlockingPool>();
  peers_ = std::make_shared<queue::Peers>(loops, configuration_->settings.queue.memory.octets);
  sessions_.memory()->set_limit(configuration_->receive->memory);
  const Shared shared{.store = *store_,
                      .log = *log_,
                      .sessions = sessions_,
                      .pool = *pool_,
                      .peers = peers_,
                      .workers = workers_};
  for (unsigned index = 0; index < loops; ++index) {
    runtimes_.push_back(runtime::make_uv_runtime());
    auto dns = dns::make_resolver(*runtimes_.back(), configuration_->resolver_options());
    workers_.push_back(
        std::make_unique<Worker>(index, *runtimes_.back(), std::move(dns), shared, configuration_));
  }
}

/// Hands what the store kept to the queues, which by now know where mail goes.
bool Server::recover() {
  const auto recovered = queue::recover(*store_, *peers_, *log_, kPiecesPerLoop * peers_->loops());
  if (!recovered) complain_("server.spool: " + recovered.error().detail);
  return recovered.has_value();
}

bool Server::report(const std::vector<StartResult>& results) {
  std::vector<std::string> said;
  for (const StartResult& result : results) {
    if (result) continue;
    for (const std::string& line : result.error()) {
      if (std::ranges::find(said, line) != said.end()) continue;  // each loop says the same
      said.push_back(line);
      complain_(line);
    }
  }
  return said.empty();
}

Task<void> Server::serve() {
  exit_code_ = co_await start();
  if (exit_code_ != 0) runtime_->stop();
}

Task<int> Server::start() {
  const auto started = co_await ask_all<StartResult>([](Worker& worker) { return worker.start(); });
  if (!report(started)) co_return kExitConfig;
  (void)co_await obey();  // before there is mail to try
  if (!report({ports_are_free()})) co_return kExitUnavailable;
  listening_ = true;
  const auto listening = co_await ask_all<StartResult>(
      [](Worker& worker) -> Task<StartResult> { return worker.listen(); });
  if (!report(listening)) co_return kExitUnavailable;
  // Clients are greeted and mail comes in meanwhile; nothing is answered with 250 before the store
  // is whole.
  if (!recover()) co_return kExitIo;
  const config::Server& server = configuration_->settings.server;
  control_ = std::make_unique<control::ControlServer>(*runtime_, *this);
  if (auto opened = control_->open(server.control); !opened) {
    complain_("server.control: " + opened.error());
    co_return kExitUnavailable;
  }
  serving_ = true;
  say_ready();
  co_await warn_of_gaps();
  if (stop_asked_) stop();
  co_return 0;
}

/// The loops share each port (SO_REUSEPORT), so a second daemon would silently get half of the
/// mail.
StartResult Server::ports_are_free() const {
  std::vector<std::string> taken;
  for (const receive::Endpoint& endpoint : configuration_->endpoints)
    if (const auto free = runtime::check_port(endpoint.address); !free)
      taken.push_back("cannot listen on " + endpoint.address.text() + ": " + free.error().text);
  if (!taken.empty()) return std::unexpected(std::move(taken));
  return {};
}

void Server::say_ready() {
  std::string where;
  for (const receive::Endpoint& endpoint : configuration_->endpoints)
    where += (where.empty() ? "" : " ") + endpoint.address.text();
  log_->write(LogLevel::info, "serving",
              {{"listen", where},
               {"loops", std::to_string(workers_.size())},
               {"mode", mode_name(mode().mode)}});
  watchdog_->watch("main", *runtime_);
  watchdog::notify("READY=1");
}

void Server::watch() {
  watchdog_ = std::make_unique<watchdog::Watchdog>(
      *log_, watchdog::Limits{.stall = configuration_->settings.server.stall_limit}, end_process);
  for (auto& worker : workers_)
    watchdog_->watch(worker->name(), worker->runtime(),
                     [w = worker.get()] { return w->queue().disk_wait(); });
  watchdog_->start();
}

/// In two steps, so that no loop gets a configuration that another could not start.
Task<control::Reloading> Server::reload() {
  if (stopping_) co_return control::Reloading{.mistakes = {"the daemon is stopping"}};
  if (reloading_) co_return control::Reloading{.mistakes = {"a reload is under way"}};
  auto loaded = load_configuration(configuration_->file);
  if (!loaded) co_return not_reloaded(std::move(loaded.error()));
  const ConfigurationPtr fresh = std::move(*loaded);
  reloading_ = true;
  const auto results =
      co_await ask_all<StartResult>([fresh](Worker& worker) { return worker.prepare(fresh); });
  const auto bad = std::ranges::find_if(results, [](const auto& result) { return !result; });
  const bool good = bad == results.end();
  (void)co_await ask_all<bool>([good](Worker& worker) { return worker.finish_reload(good); });
  reloading_ = false;
  if (!good) co_return not_reloaded(bad->error());
  std::vector<std::string> restart = needs_restart(started_with_->settings, fresh->settings);
  configuration_ = fresh;
  log_->set_level(fresh->log_level());
  sessions_.memory()->set_limit(fresh->receive->memory);
  log_->write(LogLevel::info, "reloaded", {{"file", fresh->file}});
  for (const std::string& key : restart)
    log_->write(LogLevel::warning, "changed, in force after a restart only", {{"key", key}});
  (void)co_await obey();  // server.mode may be another
  co_await warn_of_gaps();
  co_return control::Reloading{.restart = std::move(restart)};
}

control::Reloading Server::not_reloaded(std::vector<std::string> mistakes) {
  for (const std::string& mistake : mistakes)
    log_->write(LogLevel::error, "not reloaded", {{"mistake", mistake}});
  return {.mistakes = std::move(mistakes)};
}

Task<void> Server::reload_on_signal() {
  (void)co_await reload();  // the log says how it went
}

void Server::stop() {
  if (stopping_) return;
  stopping_ = true;
  watchdog_->end_within(configuration_->settings.server.drain_timeout + kEndLimit);
  tasks_->spawn(drain());
}

Task<void> Server::drain() {
  const Duration limit = configuration_->settings.server.drain_timeout;
  log_->write(LogLevel::info, "draining", {{"limit_ms", std::to_string(limit.count())}});
  const auto finished =
      co_await ask_at_once<bool>([limit](Worker& worker) { return worker.drain(limit); });
  if (std::ranges::find(finished, false) != finished.end())
    log_->write(LogLevel::warning, "server.drain_timeout passed: sessions were cut off", {});
  runtime_->stop();
}

void Server::stop_workers() {
  watchdog_->end_within(kEndLimit);
  for (auto& worker : workers_) worker->runtime().stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  control_.reset();  // not before: the loops may still work for its requests
  store_->close();   // what was queued is flushed and answered
  workers_.clear();
  pool_.reset();
  watchdog_->stop();
  runtimes_.clear();
}

void Server::block_signals() {
  const sigset_t set = signals_we_take();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);  // a file too large is an error of write, not our end
}

bool Server::watch_signals() {
  const sigset_t set = signals_we_take();
  signal_descriptor_ = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  auto watched = runtime_->watch(signal_descriptor_, [this] {
    signalfd_siginfo info{};
    while (::read(signal_descriptor_, &info, sizeof info) == sizeof info)
      on_signal(static_cast<int>(info.ssi_signo));
  });
  if (!watched) {
    complain_("cannot watch signals: " + watched.error().text);
    return false;
  }
  signals_ = std::move(*watched);
  return true;
}

void Server::on_signal(int number) {
  if (number == SIGUSR1) {
    log_->reopen();
    for (auto& worker : workers_) worker->runtime().post([w = worker.get()] { w->reopen(); });
  } else if (number == SIGHUP) {
    if (serving_ && !stopping_) tasks_->spawn(reload_on_signal());
  } else if (stopping_ || stop_asked_ || !listening_) {
    runtime_->stop();  // asked twice, or before anybody could connect: now
  } else if (!serving_) {
    stop_asked_ = true;  // the first clients are served already
  } else {
    stop();
  }
}

}  // namespace postrider
