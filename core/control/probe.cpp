// SPDX-License-Identifier: MIT
#include "control/probe.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include <postrider/path.hpp>

#include "smtp/capabilities.hpp"
#include "smtp/reply_reader.hpp"

namespace postrider::control {

namespace {

using runtime::IoError;
using runtime::IoFailure;
using runtime::Runtime;
using runtime::StreamPtr;

ProbeEnd end_of(const IoError& error) {
  switch (error.failure) {
    case IoFailure::refused:
      return ProbeEnd::refused;
    case IoFailure::closed:
    case IoFailure::reset:
      return ProbeEnd::closed;
    case IoFailure::timeout:
      return ProbeEnd::silent;
    default:
      return ProbeEnd::unreachable;
  }
}

/// One probe under way; lives in the frame of probe().
class Prober {
 public:
  Prober(Runtime& runtime, Dns& dns, ProbeTarget target, ProbeOptions options)
      : runtime_(runtime), dns_(dns), target_(std::move(target)), options_(std::move(options)) {
    facts_.target = target_.text();
  }

  Task<ProbeFacts> run() {
    const std::vector<IpAddress> addresses = co_await find_addresses();
    for (const IpAddress& address : addresses) {
      co_await connect({address, target_.port});
      if (stream_) break;
    }
    if (stream_) co_await converse();
    co_return std::move(facts_);
  }

 private:
  void begin(ProbePhase phase) {
    facts_.phases.push_back({.phase = phase});
    began_ = runtime_.now();
  }
  PhaseFacts& finish(ProbeEnd end, std::string detail) {
    PhaseFacts& phase = facts_.phases.back();
    phase.end = end;
    phase.took = std::chrono::duration_cast<Duration>(runtime_.now() - began_);
    phase.detail = printable(detail);
    return phase;
  }

  Task<std::vector<IpAddress>> find_addresses() {
    if (const auto literal = IpAddress::parse(target_.host)) co_return std::vector{*literal};
    if (equal_ignoring_case(target_.host, "localhost"))  // never asked of DNS: RFC 6761 section 6.3
      co_return std::vector{IpAddress::parse("127.0.0.1").value(), IpAddress::parse("::1").value()};
    begin(ProbePhase::lookup);
    auto found = co_await within(runtime_, options_.timeout,
                                 dns_.addresses(target_.host, AddressFamily::any));
    std::vector<IpAddress> addresses;
    if (!found) {
      finish(ProbeEnd::no_dns, "no answer in time");
    } else if (!*found) {
      const DnsError& error = found->error();
      finish(error.is_temporary() ? ProbeEnd::no_dns : ProbeEnd::no_name, error.text);
    } else {
      addresses = std::move((*found)->records);
      std::vector<std::string> texts;
      for (const IpAddress& address : addresses) texts.push_back(address.text());
      finish(ProbeEnd::ok, fmt::format("{}", fmt::join(texts, ", ")));
    }
    co_return addresses;
  }

  Task<void> connect(SocketAddress address) {
    begin(ProbePhase::connect);
    auto connected = co_await within(runtime_, options_.timeout, runtime_.connect(address));
    if (!connected) {
      finish(ProbeEnd::silent, address.text());
    } else if (!*connected) {
      const ProbeEnd end = end_of(connected->error());
      finish(end, end == ProbeEnd::unreachable
                      ? fmt::format("{} ({})", address.text(), connected->error().text)
                      : address.text());
    } else {
      stream_ = std::move(**connected);
      facts_.peer = address;
      finish(ProbeEnd::ok, address.text());
    }
  }

  Task<void> converse() {
    begin(ProbePhase::banner);
    const bool greeted = co_await hear();
    if (!greeted) co_return;
    bool welcome = co_await hello(ProbePhase::ehlo, options_.lmtp ? "LHLO" : "EHLO");
    const PhaseFacts& answer = facts_.phases.back();
    const bool try_again = answer.end == ProbeEnd::rejected && answer.code != 421;
    if (!welcome && try_again && !options_.lmtp) welcome = co_await hello(ProbePhase::helo, "HELO");
    if (welcome && facts_.starttls) {
      const bool begins = co_await ask(ProbePhase::starttls, std::string("STARTTLS\r\n"));
      if (begins || facts_.phases.back().end != ProbeEnd::rejected) co_return;
    }
    // Courtesy: the server is told, its answer is not waited for.
    const std::string_view quit = "QUIT\r\n";
    if (welcome) co_await within(runtime_, options_.timeout, stream_->write(quit));
  }

  Task<bool> hello(ProbePhase phase, std::string_view verb) {
    const IpAddress own = stream_->local().address;
    const std::string name = options_.hello.empty() ? own.literal() : options_.hello;
    co_return co_await ask(phase, fmt::format("{} {}\r\n", verb, name));
  }

  Task<bool> ask(ProbePhase phase, std::string line) {
    begin(phase);
    const auto sent = co_await within(runtime_, options_.timeout, stream_->write(line));
    if (!sent || !*sent) {
      finish(sent ? end_of(sent->error()) : ProbeEnd::silent,
             sent ? sent->error().text : "timeout");
      co_return false;
    }
    co_return co_await hear();
  }

  /// One reply ends the phase; true if it was positive.
  Task<bool> hear() {
    const TimePoint deadline = runtime_.now() + options_.timeout;
    for (;;) {
      const auto fed = reader_.feed(in_);
      in_.erase(0, fed.consumed);
      if (fed.progress == smtp::ReplyReader::Progress::complete) co_return judge_reply();
      if (fed.progress == smtp::ReplyReader::Progress::malformed) {
        finish(ProbeEnd::nonsense, reader_.error());
        co_return false;
      }
      const auto left = std::chrono::ceil<Duration>(deadline - runtime_.now());
      const auto got = co_await within(runtime_, std::max(left, 0ms), stream_->read(in_));
      // A server that drips octets must not outlive the limit.
      if (!got || (*got && runtime_.now() >= deadline)) {
        finish(ProbeEnd::silent, "no reply in time");
        co_return false;
      }
      if (!*got) {
        finish(end_of(got->error()), got->error().text);
        co_return false;
      }
    }
  }

  bool judge_reply() {
    const Reply reply = reader_.take();
    const bool is_positive = reply.code / 100 == 2;
    PhaseFacts& phase = finish(is_positive ? ProbeEnd::ok : ProbeEnd::rejected, reply.line());
    phase.code = reply.code;
    if (phase.phase == ProbePhase::ehlo && is_positive) keep_keywords(reply);
    return is_positive;
  }

  void keep_keywords(const Reply& reply) {
    facts_.starttls = smtp::parse_capabilities(reply).starttls;
    std::string_view lines = reply.text;
    for (std::size_t end = lines.find('\n'); end != lines.npos; end = lines.find('\n')) {
      lines.remove_prefix(end + 1);  // the first line is the greeting
      if (const auto keyword = lines.substr(0, lines.find('\n')); !keyword.empty())
        facts_.keywords.push_back(printable(keyword));
    }
    facts_.phases.back().detail =
        fmt::format("{} {}", reply.code, fmt::join(facts_.keywords, ", "));
  }

  Runtime& runtime_;
  Dns& dns_;
  ProbeTarget target_;
  ProbeOptions options_;
  ProbeFacts facts_;
  TimePoint began_{};
  StreamPtr stream_;
  smtp::ReplyReader reader_;
  std::string in_;
};

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

}  // namespace

std::string ProbeTarget::text() const {
  const auto address = IpAddress::parse(host);
  return address ? SocketAddress{*address, port}.text() : fmt::format("{}:{}", host, port);
}

std::expected<ProbeTarget, std::string> parse_probe_target(std::string_view text) {
  if (IpAddress::parse(text)) return ProbeTarget{.host = std::string(text)};
  if (const auto socket = SocketAddress::parse(text); socket && socket->port != 0)
    return ProbeTarget{.host = socket->address.text(), .port = socket->port};
  ProbeTarget target;
  const std::size_t colon = text.find(':');
  if (colon != text.npos) {
    const auto port = parse_port(text.substr(colon + 1));
    if (!port)
      return std::unexpected(
          fmt::format("\"{}\" is no port; write a number from 1 to 65535", text.substr(colon + 1)));
    target.port = *port;
  }
  std::string_view host = text.substr(0, colon);
  if (host.ends_with('.')) host.remove_suffix(1);
  if (!is_host_name(host))
    return std::unexpected(fmt::format(
        "\"{}\" is neither a host name nor an address; write for example mx.example.org:25", text));
  target.host = host;
  return target;
}

Task<ProbeFacts> probe(Runtime& runtime, Dns& dns, ProbeTarget target, ProbeOptions options) {
  Prober prober(runtime, dns, std::move(target), std::move(options));
  co_return co_await prober.run();
}

}  // namespace postrider::control
