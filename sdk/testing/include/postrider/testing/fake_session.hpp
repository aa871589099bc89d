// SPDX-License-Identifier: MIT
// A session whose state a test sets.
#pragma once

#include <string>
#include <string_view>

#include <postrider/session.hpp>

namespace postrider::testing {

class FakeSession : public Session {
 public:
  /// `client` as text, "192.0.2.1".
  explicit FakeSession(Loop& loop, std::string_view client = "192.0.2.1") : Session(loop) {
    id_ = "session-1";
    client_ = {IpAddress::parse(client).value(), 54321};
    local_ = {IpAddress::parse("198.51.100.1").value(), 25};
    connected_at_ = loop.now();
  }
  void set_helo(std::string name, Protocol protocol = Protocol::esmtp) {
    helo_ = std::move(name);
    protocol_ = protocol;
  }
  void set_tls(bool tls) noexcept { tls_ = tls; }
  void set_user(std::string user) { user_ = std::move(user); }
  void set_may_relay(bool may) noexcept { may_relay_ = may; }
};

}  // namespace postrider::testing
