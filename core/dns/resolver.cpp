// SPDX-License-Identifier: MIT
// The interface of the SDK over look_up(): records get their types, A and AAAA are asked at once.
#include "dns/resolver.hpp"

#include <algorithm>
#include <coroutine>
#include <span>
#include <utility>

#include "dns/lookup.hpp"

namespace postrider::dns {
namespace {

using Found = std::expected<Reply, DnsError>;

/// An answer may have to wait for another: its TTL runs from its own arrival.
struct Arrival {
  Found found;
  TimePoint at;

  Found by(TimePoint now) && {
    Duration& ttl = found ? found->ttl : found.error().ttl;
    ttl = left_of(ttl, at, now);
    return std::move(found);
  }
};

/// co_await Both(a, b) starts both tasks. Each of them resumes the awaiter when it ends later, so
/// wait again until both are done.
class Both {
 public:
  Both(Task<Arrival>& first, Task<Arrival>& second) noexcept : first_(first), second_(second) {}
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> handle) {
    const bool first_done = first_.start(handle);
    return !second_.start(handle) || !first_done;
  }
  void await_resume() const noexcept {}

 private:
  Task<Arrival>& first_;
  Task<Arrival>& second_;
};

IpAddress to_address(const Record& record) {
  const auto* const octets = reinterpret_cast<const std::uint8_t*>(record.data.data());
  if (record.data.size() == 4) return IpAddress(std::span<const std::uint8_t, 4>(octets, 4));
  return IpAddress(std::span<const std::uint8_t, 16>(octets, 16));
}
MxRecord to_mx(const Record& record) {
  return {record.preference, record.data};
}
std::string to_string(const Record& record) {
  return record.data;
}

template <class T>
DnsResult<T> convert(const Found& found, T (*to)(const Record&)) {
  if (!found) return std::unexpected(found.error());
  DnsAnswer<T> answer{{}, found->ttl, found->authenticated, found->aliases};
  std::ranges::transform(found->records, std::back_inserter(answer.records), to);
  return answer;
}

/// Neither family has addresses: the more hopeful of the two errors.
DnsError neither(DnsError v4, DnsError v6) {
  if (v4.is_temporary()) return v4;
  if (v6.is_temporary()) return v6;
  const Duration ttl = std::min(v4.ttl, v6.ttl);
  DnsError error = v4.failure == DnsFailure::nodata ? std::move(v4) : std::move(v6);
  error.ttl = ttl;
  return error;
}

DnsResult<IpAddress> merge(const Found& v4, const Found& v6) {
  if (!v4 && !v6) return std::unexpected(neither(v4.error(), v6.error()));
  if (!v4 || !v6) return convert(v4 ? v4 : v6, to_address);
  auto answer = convert(v4, to_address);
  const auto more = convert(v6, to_address);
  answer->records.insert(answer->records.end(), more->records.begin(), more->records.end());
  answer->ttl = std::min(answer->ttl, more->ttl);
  answer->authenticated = answer->authenticated && more->authenticated;
  return answer;
}

class Resolver final : public Dns {
 public:
  Resolver(runtime::Runtime& runtime, ResolverOptions options)
      : runtime_(runtime), attempts_(std::max(options.attempts, 1U)) {
    if (options.servers.empty()) options.servers = servers_from_resolv_conf("");
    for (const SocketAddress& address : options.servers)
      servers_.push_back(std::make_unique<Server>(runtime, address, options));
  }

  Task<DnsResult<MxRecord>> mx(std::string name) override {
    return one(std::move(name), RecordType::mx, to_mx);
  }
  Task<DnsResult<std::string>> ptr(IpAddress address) override {
    return one(address.reverse_name(), RecordType::ptr, to_string);
  }
  Task<DnsResult<std::string>> txt(std::string name) override {
    return one(std::move(name), RecordType::txt, to_string);
  }
  Task<DnsResult<IpAddress>> addresses(std::string name, AddressFamily family) override {
    if (family == AddressFamily::any) return both(std::move(name));
    return one(std::move(name), family == AddressFamily::v4 ? RecordType::a : RecordType::aaaa,
               to_address);
  }

 private:
  Task<Arrival> find(std::string name, RecordType type) const {
    Found found = co_await look_up(servers_, attempts_, std::move(name), type);
    co_return Arrival{std::move(found), runtime_.now()};
  }

  template <class T>
  Task<DnsResult<T>> one(std::string name, RecordType type, T (*to)(const Record&)) {
    const Found found = co_await look_up(servers_, attempts_, std::move(name), type);
    co_return convert(found, to);
  }

  Task<DnsResult<IpAddress>> both(std::string name) {
    Task<Arrival> v4 = find(name, RecordType::a);
    Task<Arrival> v6 = find(std::move(name), RecordType::aaaa);
    co_await Both(v4, v6);
    while (!v4.is_done() || !v6.is_done()) co_await std::suspend_always();
    const Found of_v4 = v4.take().by(runtime_.now());
    const Found of_v6 = v6.take().by(runtime_.now());
    co_return merge(of_v4, of_v6);
  }

  runtime::Runtime& runtime_;
  unsigned attempts_;
  std::vector<std::unique_ptr<Server>> servers_;
};

}  // namespace

std::unique_ptr<Dns> make_resolver(runtime::Runtime& runtime, ResolverOptions options) {
  return std::make_unique<Resolver>(runtime, std::move(options));
}

}  // namespace postrider::dns
