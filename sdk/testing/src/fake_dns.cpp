// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include <postrider/testing/fake_dns.hpp>

namespace postrider::testing {

void FakeDns::set_addresses(const std::string& name, const std::vector<std::string>& addresses,
                            Duration ttl) {
  DnsAnswer<IpAddress> answer;
  for (const std::string& text : addresses)
    answer.records.push_back(IpAddress::parse(text).value());
  answer.ttl = ttl;
  addresses_[name].result = std::move(answer);
}

void FakeDns::set_ptr(const std::string& address, std::vector<std::string> names, Duration ttl) {
  ptr_[IpAddress::parse(address).value().text()].result =
      DnsAnswer<std::string>{std::move(names), ttl};
}

template <class T>
Task<DnsResult<T>> FakeDns::answer(const Zone<T>& zone, std::string name, std::string question) {
  questions_.push_back(question + " " + name);
  if (const auto delay = delays_.find(name); delay != delays_.end())
    co_await sleep_for(loop_, delay->second);
  if (const auto failure = failures_.find(name); failure != failures_.end())
    co_return std::unexpected(DnsError{failure->second, 0s, question + " " + name});
  if (const auto entry = zone.find(name); entry != zone.end()) co_return entry->second.result;
  co_return std::unexpected(DnsError{DnsFailure::nxdomain, 300s, question + " " + name});
}

Task<DnsResult<MxRecord>> FakeDns::mx(std::string name) {
  return answer(mx_, std::move(name), "mx");
}

Task<DnsResult<IpAddress>> FakeDns::addresses(std::string name, AddressFamily family) {
  DnsResult<IpAddress> result = co_await answer(addresses_, std::move(name), "a");
  if (!result || family == AddressFamily::any) co_return result;
  std::erase_if(result->records, [family](const IpAddress& address) {
    return address.is_v4() != (family == AddressFamily::v4);
  });
  if (result->records.empty())
    co_return std::unexpected(DnsError{DnsFailure::nodata, 300s, "no address of this family"});
  co_return result;
}

Task<DnsResult<std::string>> FakeDns::ptr(IpAddress address) {
  return answer(ptr_, address.text(), "ptr");
}

Task<DnsResult<std::string>> FakeDns::txt(std::string name) {
  return answer(txt_, std::move(name), "txt");
}

}  // namespace postrider::testing
