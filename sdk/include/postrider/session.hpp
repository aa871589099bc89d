// SPDX-License-Identifier: MIT
// One client connection, as plugins see it. It lives from accept to close; hooks get a reference
// that is valid until their task ends. [loop thread]
#pragma once

#include <cstdint>
#include <string>

#include <postrider/annotations.hpp>
#include <postrider/fact.hpp>
#include <postrider/ip_address.hpp>
#include <postrider/time.hpp>

namespace postrider {

enum class Protocol : std::uint8_t { smtp, esmtp, lmtp };

class Session {
 public:
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Unique in this daemon since its start; the same in every log line of the session.
  const std::string& id() const noexcept { return id_; }
  const SocketAddress& client() const noexcept { return client_; }
  const SocketAddress& local() const noexcept { return local_; }
  /// What the client called itself in HELO, EHLO or LHLO; hostile text; "" before.
  const std::string& helo() const noexcept { return helo_; }
  /// smtp after HELO, esmtp after EHLO.
  Protocol protocol() const noexcept { return protocol_; }
  bool is_tls() const noexcept { return tls_; }
  /// The authenticated user, or "".
  const std::string& user() const noexcept { return user_; }
  TimePoint connected_at() const noexcept { return connected_at_; }
  /// May this client relay anywhere (relay.networks, or authenticated)?
  bool may_relay() const noexcept { return may_relay_; }

  /// Received: waits for the fact kClientName at most until then; default: not at all.
  TimePoint name_deadline() const noexcept { return name_deadline_; }
  void set_name_deadline(TimePoint deadline) noexcept { name_deadline_ = deadline; }

  Facts& facts() noexcept { return facts_; }
  const Facts& facts() const noexcept { return facts_; }
  Notes& notes() noexcept { return notes_; }
  SlotStore& slots() noexcept { return slots_; }

 protected:
  explicit Session(Loop& loop) : facts_(loop) {}
  ~Session() = default;

  std::string id_;
  SocketAddress client_;
  SocketAddress local_;
  std::string helo_;
  std::string user_;
  Protocol protocol_ = Protocol::smtp;
  bool tls_ = false;
  bool may_relay_ = false;
  TimePoint connected_at_{};

 private:
  TimePoint name_deadline_{};
  Notes notes_;
  SlotStore slots_;
  Facts facts_;  // last: its tasks may use the others
};

}  // namespace postrider
