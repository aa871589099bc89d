// SPDX-License-Identifier: MIT
// One thread polls the two UDP sockets, the TCP listener and its connections; sends may be late.
#include "support/dns_server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace postrider::testing {
namespace {

using Clock = std::chrono::steady_clock;

unsigned get16(std::string_view s, std::size_t at) {
  if (at + 2 > s.size()) return 0;
  return static_cast<unsigned>(static_cast<unsigned char>(s[at])) << 8 |
         static_cast<unsigned char>(s[at + 1]);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A socket on loopback; -1 if the port is taken.
int open_socket(int type, std::uint16_t port) {
  const int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int size = 4 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  const sockaddr_in address = loopback(port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      (type != SOCK_STREAM || listen(fd, 64) == 0))
    return fd;
  close(fd);
  return -1;
}

std::uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace

DnsQuery DnsQuery::make(std::string_view name, std::uint16_t type) {
  std::string packet = DnsMessage::number(0x1234, 2) + DnsMessage::number(0x0100, 2) +
                       DnsMessage::number(1, 2) + std::string(6, '\0') + DnsMessage::name(name) +
                       DnsMessage::number(type, 2) + DnsMessage::number(1, 2);
  return read(std::move(packet));
}

DnsQuery DnsQuery::read(std::string packet) {
  DnsQuery query;
  query.id = static_cast<std::uint16_t>(get16(packet, 0));
  query.recursion_desired = get16(packet, 2) & 0x0100;
  std::size_t at = 12;
  while (at < packet.size() && packet[at] != 0) {
    if (!query.name.empty()) query.name += '.';
    const auto length = static_cast<unsigned char>(packet[at]);
    for (const char c : packet.substr(at + 1, length))
      query.name += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    at += 1U + length;
  }
  query.type = static_cast<std::uint16_t>(get16(packet, at + 1));
  const std::size_t opt = at + 5;
  if (get16(packet, 10) == 1 && get16(packet, opt + 1) == DnsMessage::kOpt) {
    query.udp_size = get16(packet, opt + 3);
    query.dnssec_ok = get16(packet, opt + 7) & 0x8000;
  }
  query.packet = std::move(packet);
  return query;
}

DnsMessage::DnsMessage(const DnsQuery& query) : id_(query.id) {
  question_ = name(query.name) + number(query.type, 2) + number(1, 2);
}
DnsMessage& DnsMessage::id(unsigned id) {
  return id_ = id, *this;
}
DnsMessage& DnsMessage::rcode(unsigned rcode) {
  return flags_ |= rcode, *this;
}
DnsMessage& DnsMessage::truncated() {
  return flags_ |= 0x0200, *this;
}
DnsMessage& DnsMessage::authenticated() {
  return flags_ |= 0x0020, *this;
}
DnsMessage& DnsMessage::flags(unsigned flags) {
  return flags_ = flags, *this;
}
DnsMessage& DnsMessage::question(std::string octets, unsigned count) {
  question_ = std::move(octets);
  questions_ = count;
  return *this;
}
DnsMessage& DnsMessage::record(unsigned section, std::string owner, unsigned type,
                               std::uint32_t ttl, std::string data, unsigned record_class) {
  const auto size = static_cast<std::uint32_t>(data.size());
  sections_[section] +=
      owner + number(type, 2) + number(record_class, 2) + number(ttl, 4) + number(size, 2) + data;
  ++counts_[section];
  return *this;
}
DnsMessage& DnsMessage::a(std::string_view owner, std::uint32_t ttl, std::string_view address) {
  const auto parsed = IpAddress::parse(address).value();
  const auto octets = parsed.octets();
  return record(0, name(owner), parsed.is_v4() ? kA : kAaaa, ttl,
                std::string(octets.begin(), octets.end()));
}
DnsMessage& DnsMessage::cname(std::string_view owner, std::uint32_t ttl, std::string_view target) {
  return record(0, name(owner), kCname, ttl, name(target));
}
DnsMessage& DnsMessage::mx(std::string_view owner, std::uint32_t ttl, unsigned preference,
                           std::string_view host) {
  return record(0, name(owner), kMx, ttl, number(preference, 2) + name(host));
}
DnsMessage& DnsMessage::ptr(std::string_view owner, std::uint32_t ttl, std::string_view target) {
  return record(0, name(owner), kPtr, ttl, name(target));
}
DnsMessage& DnsMessage::txt(std::string_view owner, std::uint32_t ttl,
                            std::vector<std::string> strings) {
  std::string data;
  for (const auto& text : strings) data += static_cast<char>(text.size()) + text;
  return record(0, name(owner), kTxt, ttl, data);
}
DnsMessage& DnsMessage::soa(std::string_view zone, std::uint32_t ttl, std::uint32_t minimum) {
  return record(
      1, name(zone), kSoa, ttl,
      name("ns.invalid") + name("hostmaster.invalid") + std::string(16, '\1') + number(minimum, 4));
}
DnsMessage& DnsMessage::ns(std::string_view zone, std::string_view host) {
  return record(1, name(zone), kNs, 60, name(host));
}
DnsMessage& DnsMessage::count(unsigned section, unsigned count) {
  return counts_[section] = count, *this;
}
std::string DnsMessage::octets() const {
  std::string packet = number(id_, 2) + number(flags_, 2) + number(questions_, 2);
  for (const unsigned count : counts_) packet += number(count, 2);
  packet += question_;
  for (const auto& section : sections_) packet += section;
  return packet;
}
std::string DnsMessage::number(std::uint32_t value, unsigned octets) {
  std::string text;
  while (octets-- > 0) text.push_back(static_cast<char>(value >> (8 * octets) & 0xff));
  return text;
}
std::string DnsMessage::name(std::string_view text) {
  std::string wire;
  while (!text.empty()) {
    const auto label = text.substr(0, text.find('.'));
    wire.push_back(static_cast<char>(label.size()));
    wire += label;
    text.remove_prefix(std::min(label.size() + 1, text.size()));
  }
  return wire + '\0';
}

struct DnsServer::Impl {
  struct Pending {
    int fd;
    std::optional<sockaddr_in> to;  // UDP
    DnsSend send;
  };

  explicit Impl(DnsScript what) : script(std::move(what)) {
    for (int tries = 0; tries < 20 && tcp < 0; ++tries) {
      if (udp >= 0) close(udp);
      udp = open_socket(SOCK_DGRAM, 0);
      tcp = open_socket(SOCK_STREAM, port_of(udp));
    }
    elsewhere = open_socket(SOCK_DGRAM, 0);
    wake = eventfd(0, EFD_CLOEXEC);
    if (tcp < 0 || elsewhere < 0 || wake < 0) throw std::runtime_error("no sockets for a test");
    thread = std::thread([this] { run(); });
  }
  ~Impl() {
    eventfd_write(wake, 1);
    thread.join();
    for (const auto& [fd, received] : connections) close(fd);
    for (const int fd : {udp, tcp, elsewhere, wake}) close(fd);
  }

  void run() {
    while (true) {
      std::vector<pollfd> fds{{wake, POLLIN, 0}, {udp, POLLIN, 0}, {tcp, POLLIN, 0}};
      for (const auto& [fd, received] : connections) fds.push_back({fd, POLLIN, 0});
      poll(fds.data(), fds.size(), send_due());
      if (fds[0].revents) return;
      if (fds[1].revents) receive();
      if (fds[2].revents) accept_one();
      for (std::size_t i = 3; i < fds.size(); ++i)
        if (fds[i].revents) read(fds[i].fd);
    }
  }

  /// Milliseconds until the next send is due, -1 for none.
  int send_due() {
    while (!pending.empty()) {
      const auto first = pending.begin();
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(first->first - Clock::now()).count();
      if (left > 0) return static_cast<int>(left);
      const Pending what = std::move(first->second);
      pending.erase(first);
      send_now(what);
    }
    return -1;
  }

  void send_now(const Pending& what) {
    const auto& octets = what.send.octets;
    if (what.to) {
      sendto(what.send.from_elsewhere ? elsewhere : what.fd, octets.data(), octets.size(), 0,
             reinterpret_cast<const sockaddr*>(&*what.to), sizeof *what.to);
      return;
    }
    if (!connections.contains(what.fd)) return;
    std::string framed =
        what.send.is_raw
            ? octets
            : DnsMessage::number(static_cast<std::uint32_t>(octets.size()), 2) + octets;
    for (std::string_view rest = framed; !rest.empty();) {
      const auto sent = send(what.fd, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent > 0)
        rest.remove_prefix(static_cast<std::size_t>(sent));
      else if (pollfd writable{what.fd, POLLOUT, 0};
               errno != EAGAIN || poll(&writable, 1, 1000) < 1)
        break;
    }
    if (what.send.then_close) drop(what.fd);
  }

  void receive() {
    std::array<char, 4096> buffer;
    while (true) {
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const auto got =
          recvfrom(udp, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (got < 0) return;
      auto query = DnsQuery::read(std::string(buffer.data(), static_cast<std::size_t>(got)));
      query.port = ntohs(from.sin_port);
      answer(std::move(query), udp, from);
    }
  }

  void accept_one() {
    const int fd = accept4(tcp, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) connections.emplace(fd, std::string());
  }

  void read(int fd) {
    std::array<char, 4096> buffer;
    const auto got = recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) return drop(fd);
    auto& received = connections[fd];
    received.append(buffer.data(), static_cast<std::size_t>(got));
    while (received.size() >= 2 && received.size() - 2 >= get16(received, 0)) {
      auto query = DnsQuery::read(received.substr(2, get16(received, 0)));
      received.erase(0, 2 + get16(received, 0));
      query.over_tcp = true;
      answer(std::move(query), fd, std::nullopt);
    }
  }

  void drop(int fd) {
    std::erase_if(pending, [&](const auto& entry) { return entry.second.fd == fd; });
    connections.erase(fd);
    close(fd);
  }

  void answer(DnsQuery query, int fd, std::optional<sockaddr_in> to) {
    {
      const std::scoped_lock lock(mutex);
      query.number = seen.size();
      seen.push_back(query);
    }
    for (auto& send : script(query))
      pending.emplace(Clock::now() + send.after, Pending{fd, to, std::move(send)});
  }

  DnsScript script;
  int udp = -1, tcp = -1, elsewhere = -1, wake = -1;
  std::map<int, std::string> connections;
  std::multimap<Clock::time_point, Pending> pending;
  mutable std::mutex mutex;
  std::vector<DnsQuery> seen;
  std::thread thread;
};

DnsServer::DnsServer(DnsScript script) : impl_(std::make_unique<Impl>(std::move(script))) {}
DnsServer::~DnsServer() = default;
SocketAddress DnsServer::address() const {
  return {IpAddress::parse("127.0.0.1").value(), port_of(impl_->udp)};
}
std::vector<DnsQuery> DnsServer::queries() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->seen;
}

}  // namespace postrider::testing
