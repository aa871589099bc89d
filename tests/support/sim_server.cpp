// SPDX-License-Identifier: MIT
#include "support/sim_server.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include <unistd.h>

#include "queue/recovery.hpp"
#include "support/sim_text.hpp"

namespace postrider::sim {
namespace {

// What a script that says nothing gets; a table is left out when the script has it.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kTables{{
    {"[server]", "plugin_path = [\"" POSTRIDER_PLUGIN_FOLDER "\"]\nloops = 1\n"},
    {"[[listen]]", "address = \"203.0.113.25:25\"\n"},
    {"[local]", "domains = [\"example.com\"]\n"},
    {"[relay]", "networks = [\"192.0.2.0/24\"]\n"},
    {"[queue]", "retry_jitter = 0\n"},
}};

std::string whole_text(const std::vector<std::string>& config) {
  const std::string own = joined(config);
  std::string text = own.contains("hostname =") ? "" : "hostname = \"mx.example.com\"\n";
  text += own;
  for (const auto& [table, keys] : kTables)
    if (!own.contains(table)) text.append(table).append("\n").append(keys);
  return text;
}

std::string temporary_file() {
  std::string name =
      (std::filesystem::temp_directory_path() / ("postrider-log-" + std::string(6, 'X'))).string();
  const int descriptor = ::mkstemp(name.data());
  if (descriptor < 0) throw Mismatch("cannot create " + name);
  ::close(descriptor);
  return name;
}

}  // namespace

SimServer::SimServer(const std::vector<std::string>& config, const std::vector<std::string>& zone,
                     unsigned loops)
    : loops_(loops), store_(world_.loop()), log_file_(temporary_file()) {
  for (unsigned added = 0; added < loops_; ++added) world_.add_loop();
  zone_.load(zone);
  log_ = log::DaemonLog::open(log_file_, LogLevel::debug).value();
  auto made = make_configuration(config::load_text(whole_text(config), "config"), "config");
  if (!made) throw Mismatch(joined(made.error()));
  configuration_ = std::move(*made);
  start();
}

SimServer::~SimServer() {
  running_.reset();
  log_.reset();
  std::error_code ignored;
  std::filesystem::remove(log_file_, ignored);
}

/// As Server does it: all loops have their plugins, then the mail comes back, then they listen.
void SimServer::start() {
  running_ = std::make_unique<Running>();
  running_->peers =
      std::make_shared<queue::Peers>(loops_, configuration_->settings.queue.memory.octets);
  running_->sessions.memory()->set_limit(configuration_->receive->memory);
  const Shared shared{.store = store_,
                      .log = *log_,
                      .sessions = running_->sessions,
                      .pool = running_->pool,
                      .peers = running_->peers,
                      .workers = running_->workers};
  for (unsigned index = 0; index < loops_; ++index) {
    runtime::Runtime& loop = world_.loop(index);
    running_->workers.push_back(std::make_unique<Worker>(
        index, loop, std::make_unique<SimDns>(loop, zone_), shared, configuration_));
  }
  for (auto& worker : running_->workers) {
    const auto started = world_.finish(worker->start());
    if (!started) throw Mismatch("the server never starts");
    if (!*started) throw Mismatch(joined(started->error()));
  }
  obey(orders_);
  const auto recovered = queue::recover(store_, *running_->peers, *log_);
  if (!recovered) throw Mismatch(recovered.error().detail);
  for (auto& worker : running_->workers)
    if (const auto listening = worker->listen(); !listening)
      throw Mismatch(joined(listening.error()));
}

void SimServer::obey(Orders orders) {
  orders_ = std::move(orders);
  if (!running_) return;
  const config::Mode mode = orders_.mode.value_or(configuration_->settings.server.mode);
  for (auto& worker : running_->workers) worker->obey(gate_for(mode, orders_), refusal_for(mode));
}

void SimServer::drain() {
  for (auto& worker : running_->workers)
    worker->tasks().spawn([](Worker& draining) -> Task<void> {
      const bool finished = co_await draining.drain(1h);
      (void)finished;
    }(*worker));
}

std::vector<queue::LoopQueue*> SimServer::queues() {
  std::vector<queue::LoopQueue*> all;
  for (auto& worker : running_->workers) all.push_back(&worker->queue());
  return all;
}

std::vector<queue::MessageView> SimServer::messages() {
  std::vector<queue::MessageView> all;
  for (queue::LoopQueue* queue : queues())
    std::ranges::move(queue->list({}), std::back_inserter(all));
  std::ranges::sort(all, {}, &queue::MessageView::queue_id);
  return all;
}

std::string SimServer::content(const std::string& queue_id) {
  const auto id = queue::Queue::parse_id(queue_id);
  const auto body = store_.body(id.value_or(0));
  std::string octets(body ? static_cast<std::size_t>((*body)->size()) : 0, '\0');
  if (body) (void)(*body)->read(0, octets.data(), octets.size());
  return octets;
}

std::vector<std::string> SimServer::log() {
  log_->flush();
  std::ifstream in(log_file_);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace postrider::sim
