// SPDX-License-Identifier: MIT
// What reverse DNS says of our own addresses (Q190026): remotes that find no matching PTR may drop
// us without a word. Looked up at start and every hour, never while a session waits for it.
#pragma once

#include <map>
#include <string>

#include <postrider/host.hpp>

namespace postrider::protocol_log {

/// [loop thread] Outlives the tasks that it gives to Host::spawn, which end with the plugin.
class OwnNames {
 public:
  explicit OwnNames(Host& host) : host_(host) {}

  /// Begin: our listeners' addresses and those of our host name.
  void start();
  /// A connection went out from this address.
  void saw(const IpAddress& address);
  /// A sentence about this address, as evidence; "" if nothing is known yet.
  std::string_view state(const IpAddress& address) const;

 private:
  static Task<void> watch(OwnNames& self);
  static Task<void> look_up(OwnNames& self, IpAddress address);
  static Task<std::string> judge(OwnNames& self, IpAddress address);
  bool add(const IpAddress& address);

  Host& host_;
  bool watches_ = false;
  std::map<IpAddress, std::string> states_;
};

}  // namespace postrider::protocol_log
