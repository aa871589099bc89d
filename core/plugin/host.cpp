// SPDX-License-Identifier: MIT
#include "plugin/host.hpp"

#include <array>
#include <coroutine>
#include <cstring>
#include <exception>
#include <utility>

#include <ifaddrs.h>
#include <netinet/in.h>

#include "plugin/fault_text.hpp"

namespace postrider::plugin {
namespace {

/// Shared by the awaiter (loop) and the work (pool thread); `awaiting` is the loop's alone.
struct Job {
  std::move_only_function<void()> work;
  std::exception_ptr thrown;
  ReadyNode* awaiting = nullptr;
};

/// Waits for a job; destroying it stops waiting, not the work.
class JobAwaiter {
 public:
  JobAwaiter(runtime::Runtime& runtime, BlockingPool& pool, std::shared_ptr<Job> job)
      : runtime_(runtime), pool_(pool), job_(std::move(job)) {}
  JobAwaiter(const JobAwaiter&) = delete;
  JobAwaiter& operator=(const JobAwaiter&) = delete;
  ~JobAwaiter() { job_->awaiting = nullptr; }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    node_.set_handle(handle);
    job_->awaiting = &node_;
    pool_.submit([job = job_, runtime = &runtime_]() mutable { run(std::move(job), *runtime); });
  }
  void await_resume() {
    if (job_->thrown) std::rethrow_exception(std::exchange(job_->thrown, nullptr));
  }

 private:
  static void run(std::shared_ptr<Job> job, runtime::Runtime& runtime) {
    try {
      job->work();
    } catch (...) {
      job->thrown = std::current_exception();
    }
    job->work = nullptr;
    runtime.post([job = std::move(job), &runtime] {
      if (job->awaiting) runtime.make_ready(*job->awaiting);
    });
  }

  runtime::Runtime& runtime_;
  BlockingPool& pool_;
  std::shared_ptr<Job> job_;
  ReadyNode node_;
};

std::optional<IpAddress> address_of(const sockaddr* address) {
  if (!address) return std::nullopt;
  if (address->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    std::array<std::uint8_t, 4> octets{};
    std::memcpy(octets.data(), &in.sin_addr, octets.size());
    return IpAddress(octets);
  }
  if (address->sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 in{};
  std::memcpy(&in, address, sizeof in);
  std::array<std::uint8_t, 16> octets{};
  std::memcpy(octets.data(), &in.sin6_addr, octets.size());
  return IpAddress(octets);
}

}  // namespace

PluginHost::PluginHost(std::string id, const LoopParts& parts)
    : id_(std::move(id)),
      parts_(parts),
      log_(parts_.log.with({{"plugin", id_}})),
      tasks_(parts_.runtime) {
  tasks_.on_exception([log = log_.get()](std::exception_ptr fault) {
    log->write(LogLevel::error, "a task of a plugin failed", {{"reason", fault_text(fault)}});
  });
}

Destination PluginHost::destination_for(const Path& recipient) {
  auto decided = routes_.destination_for ? routes_.destination_for(recipient) : std::nullopt;
  if (decided) return std::move(*decided);
  return Destination{.name = recipient.domain_key()};
}

Task<RouteResult> PluginHost::find_route(Destination destination) {
  if (parts_.elsewhere)
    if (auto away = parts_.elsewhere(id_, destination)) return std::move(*away);
  return find_route_here(std::move(destination));
}

Task<RouteResult> PluginHost::find_route_here(Destination destination) {
  if (!parts_.lookup || !routes_.find)
    return RouteResult(std::unexpected(RouteRefusal(Reply("451 4.3.0 Routes are not known yet"))));
  return routes_.find(std::move(destination), parts_.lookup);
}

std::vector<IpAddress> PluginHost::local_addresses() {
  std::vector<IpAddress> addresses;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return addresses;
  for (const ifaddrs* one = list; one; one = one->ifa_next) {
    if (const auto address = address_of(one->ifa_addr)) addresses.push_back(*address);
  }
  ::freeifaddrs(list);
  return addresses;
}

Task<void> PluginHost::run_blocking(std::move_only_function<void()> work) {
  auto job = std::make_shared<Job>();
  job->work = std::move(work);
  co_await JobAwaiter(parts_.runtime, parts_.pool, std::move(job));
}

}  // namespace postrider::plugin
