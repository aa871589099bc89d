// SPDX-License-Identifier: MIT
// A Host whose parts a test sets and reads. Spawned tasks run on its loop; blocking work runs at
// once, or after `blocking_delay`.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <postrider/host.hpp>
#include <postrider/testing/fake_dns.hpp>
#include <postrider/testing/manual_loop.hpp>

namespace postrider::testing {

/// Keeps every line as "warning event key=value".
class FakeLog : public Log {
 public:
  void write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) noexcept override;
  bool is_on(LogLevel) const noexcept override { return true; }
  /// Does a line contain `text`?
  bool contains(std::string_view text) const noexcept;
  std::vector<std::string> lines;
};

class FakeHost : public Host {
 public:
  explicit FakeHost(std::string id = "plugin") : id_(std::move(id)) {}
  const std::string& id() const noexcept override { return id_; }
  ManualLoop& loop() noexcept override { return loop_; }
  FakeDns& dns() noexcept override { return dns_; }
  FakeLog& log() noexcept override { return log_; }
  const std::string& hostname() const noexcept override { return own_name; }
  const std::vector<std::string>& local_domains() const noexcept override { return domains; }
  const std::vector<SocketAddress>& listeners() const noexcept override { return listening; }
  unsigned loop_index() const noexcept override { return index; }
  void spawn(Task<void> task) override;
  Task<void> run_blocking(std::move_only_function<void()> work) override;
  /// What `destinations` has for the address, else its domain by MX.
  Destination destination_for(const Path& recipient) override;
  /// What `inner_route` answers; without one there is no such domain.
  Task<RouteResult> find_route(Destination destination) override;
  std::vector<IpAddress> local_addresses() override { return interfaces; }
  void offer_keyword(std::string line) override { keywords.push_back(std::move(line)); }

  std::string own_name = "mail.example.org";
  std::vector<std::string> domains{"example.org"};
  std::vector<SocketAddress> listening;
  unsigned index = 0;
  Duration blocking_delay{};
  std::map<std::string, Destination> destinations;
  std::function<Task<RouteResult>(Destination)> inner_route;
  std::vector<IpAddress> interfaces;
  std::vector<std::string> keywords;

 private:
  std::string id_;
  ManualLoop loop_;
  FakeDns dns_{loop_};
  FakeLog log_;
  std::vector<Task<void>> spawned_;
};

}  // namespace postrider::testing
