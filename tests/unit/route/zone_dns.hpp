// SPDX-License-Identifier: MIT
// A Dns of a few records for tests. Answers come at once, or when the test says release().
#pragma once

#include <algorithm>
#include <coroutine>
#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <postrider/dns.hpp>

namespace postrider::testing {

class ZoneDns final : public Dns {
 public:
  std::map<std::string, DnsResult<MxRecord>> mx_of;
  std::map<std::string, DnsResult<IpAddress>> addresses_of;
  bool held = false;  ///< lookups of addresses wait for release()
  std::vector<std::string> asked;
  std::size_t in_flight = 0;
  std::size_t most_in_flight = 0;

  void add_mx(const std::string& name, std::vector<MxRecord> records, Duration ttl = 300s) {
    mx_of.insert_or_assign(name, DnsAnswer<MxRecord>{std::move(records), ttl, false});
  }
  void add_addresses(const std::string& name, std::initializer_list<const char*> texts,
                     Duration ttl = 300s) {
    DnsAnswer<IpAddress> answer{{}, ttl, false};
    for (const char* text : texts) answer.records.push_back(*IpAddress::parse(text));
    addresses_of.insert_or_assign(name, std::move(answer));
  }
  static DnsError error(DnsFailure failure) { return {failure, 0s, "the server said so"}; }
  void fail_mx(const std::string& name, DnsFailure failure) {
    mx_of.insert_or_assign(name, std::unexpected(error(failure)));
  }
  void fail_addresses(const std::string& name, DnsFailure failure) {
    addresses_of.insert_or_assign(name, std::unexpected(error(failure)));
  }

  /// Let the oldest waiting lookup go on; false if none waits.
  bool release() {
    for (Gate* gate : waiting_) {
      waiting_.erase(std::ranges::find(waiting_, gate));
      gate->handle.resume();
      return true;
    }
    return false;
  }
  std::size_t waiting() const { return waiting_.size(); }

  Task<DnsResult<MxRecord>> mx(std::string name) override {
    asked.push_back("MX " + name);
    return look_up(mx_of, name);
  }
  Task<DnsResult<IpAddress>> addresses(std::string name, AddressFamily) override {
    asked.push_back("A " + name);
    return held ? answer_later(*this, std::move(name)) : look_up(addresses_of, name);
  }
  Task<DnsResult<std::string>> ptr(IpAddress) override {
    return DnsResult<std::string>(std::unexpected(error(DnsFailure::nxdomain)));
  }
  Task<DnsResult<std::string>> txt(std::string) override {
    return DnsResult<std::string>(std::unexpected(error(DnsFailure::nxdomain)));
  }

 private:
  struct Gate {
    explicit Gate(ZoneDns& d) : dns(d) {}
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;
    ~Gate() {
      std::erase(dns.waiting_, this);
      --dns.in_flight;
    }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) {
      handle = h;
      dns.waiting_.push_back(this);
      dns.most_in_flight = std::max(dns.most_in_flight, ++dns.in_flight);
    }
    void await_resume() const noexcept {}
    ZoneDns& dns;
    std::coroutine_handle<> handle;
  };
  static Task<DnsResult<IpAddress>> answer_later(ZoneDns& dns, std::string name) {
    Gate gate(dns);
    co_await gate;
    co_return look_up(dns.addresses_of, name);
  }
  template <class T>
  static DnsResult<T> look_up(const std::map<std::string, DnsResult<T>>& zone,
                              const std::string& name) {
    const auto found = zone.find(name);
    if (found == zone.end()) return std::unexpected(error(DnsFailure::nxdomain));
    return found->second;
  }
  std::vector<Gate*> waiting_;
};

}  // namespace postrider::testing
