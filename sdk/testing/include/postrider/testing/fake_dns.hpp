// SPDX-License-Identifier: MIT
// DNS from a script: each question has its answer and its delay. What has none is nxdomain.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <postrider/dns.hpp>
#include <postrider/testing/manual_loop.hpp>

namespace postrider::testing {

class FakeDns : public Dns {
 public:
  explicit FakeDns(ManualLoop& loop) : loop_(loop) {}

  void set_mx(const std::string& name, std::vector<MxRecord> records, Duration ttl = 300s) {
    mx_[name].result = DnsAnswer<MxRecord>{std::move(records), ttl};
  }
  /// Addresses as text.
  void set_addresses(const std::string& name, const std::vector<std::string>& addresses,
                     Duration ttl = 300s);
  /// `address` as text; the names are given as they are, hostile ones too.
  void set_ptr(const std::string& address, std::vector<std::string> names, Duration ttl = 300s);
  void set_txt(const std::string& name, std::vector<std::string> texts, Duration ttl = 300s) {
    txt_[name].result = DnsAnswer<std::string>{std::move(texts), ttl};
  }
  /// The addresses of `name` are found through so many CNAMEs.
  void set_aliases(const std::string& name, unsigned aliases) {
    addresses_[name].result->aliases = aliases;
  }
  /// Every question about `name` (for PTR: the address) fails so.
  void fail(const std::string& name, DnsFailure failure) { failures_[name] = failure; }
  /// Answers about `name` come after `delay`.
  void delay(const std::string& name, Duration delay) { delays_[name] = delay; }
  /// The questions asked so far, as "ptr 192.0.2.1", "a host.example", "mx example.org".
  const std::vector<std::string>& questions() const noexcept { return questions_; }

  Task<DnsResult<MxRecord>> mx(std::string name) override;
  Task<DnsResult<IpAddress>> addresses(std::string name, AddressFamily family) override;
  Task<DnsResult<std::string>> ptr(IpAddress address) override;
  Task<DnsResult<std::string>> txt(std::string name) override;

 private:
  template <class T>
  struct Entry {
    DnsResult<T> result = std::unexpected(DnsError{});
  };
  template <class T>
  using Zone = std::map<std::string, Entry<T>>;
  template <class T>
  Task<DnsResult<T>> answer(const Zone<T>& zone, std::string name, std::string question);

  ManualLoop& loop_;
  Zone<MxRecord> mx_;
  Zone<IpAddress> addresses_;
  Zone<std::string> ptr_;
  Zone<std::string> txt_;
  std::map<std::string, DnsFailure> failures_;
  std::map<std::string, Duration> delays_;
  std::vector<std::string> questions_;
};

}  // namespace postrider::testing
