// SPDX-License-Identifier: MIT
#include "control/doctor.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <grp.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/resource.h>

#include <postrider/path.hpp>

#include "config/document.hpp"
#include "config/load.hpp"
#include "control/doctor_dns.hpp"
#include "control/doctor_host.hpp"
#include "control/doctor_listeners.hpp"
#include "control/doctor_names.hpp"
#include "control/doctor_relay.hpp"
#include "control/doctor_spool.hpp"
#include "control/errand.hpp"
#include "control/name_servers.hpp"
#include "control/probe.hpp"
#include "dns/resolver.hpp"
#include "runtime/uv/uv_runtime.hpp"

namespace postrider::control {

namespace {

using Steady = std::chrono::steady_clock;

constexpr Duration kListenerTimeout = 10s;

/// What must not change while the doctor looks.
struct Situation {
  config::Settings settings;
  std::string domain;
  std::vector<IpAddress> public_addresses;
  std::vector<IpAddress> interfaces;  ///< without loopback and link-local
  std::vector<SocketAddress> servers;
};

std::optional<IpAddress> address_of(const sockaddr& from) {
  if (from.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(from).sin_addr;
    return IpAddress(
        std::span<const std::uint8_t, 4>(reinterpret_cast<const std::uint8_t*>(&v4), 4));
  }
  if (from.sa_family != AF_INET6) return std::nullopt;
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from).sin6_addr;
  return IpAddress(std::span<const std::uint8_t, 16>(v6.s6_addr, 16));
}

std::vector<IpAddress> interface_addresses() {
  static const Network kLinkLocal = Network::parse("fe80::/10").value();
  std::vector<IpAddress> addresses;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return addresses;
  for (const ifaddrs* one = list; one; one = one->ifa_next) {
    const auto address = one->ifa_addr ? address_of(*one->ifa_addr) : std::nullopt;
    if (address && !address->is_loopback() && !kLinkLocal.contains(*address))
      addresses.push_back(*address);
  }
  freeifaddrs(list);
  return addresses;
}

std::expected<Situation, std::string> survey(const Examination& examination,
                                             config::Settings settings) {
  Situation situation;
  settings.hostname = lower(settings.hostname);
  situation.domain =
      lower(examination.domain.empty() ? domain_of(settings.hostname) : examination.domain);
  if (!examination.domain.empty() && !is_host_name(situation.domain))
    return std::unexpected("\"" + examination.domain + "\" is not a domain");
  for (const std::string& text : examination.public_addresses) {
    const auto address = IpAddress::parse(text);
    if (!address) return std::unexpected("--public " + text + ": " + address.error());
    situation.public_addresses.push_back(*address);
  }
  situation.interfaces = interface_addresses();
  for (const std::string& server : settings.dns.servers)
    situation.servers.push_back(SocketAddress::parse(server).value());
  if (situation.servers.empty()) situation.servers = system_name_servers();
  situation.settings = std::move(settings);
  return situation;
}

void append(Findings& findings, Findings more) {
  for (Finding& finding : more) findings.push_back(std::move(finding));
}

dns::ResolverOptions resolver_options(const Situation& situation) {
  return {.servers = situation.servers,
          .attempt_timeout = situation.settings.dns.attempt_timeout,
          .attempts = static_cast<unsigned>(situation.settings.dns.attempts)};
}

Task<Findings> examine_our_names(Dns& dns, const Situation& situation) {
  const std::string hostname = situation.settings.hostname;
  std::vector<IpAddress> own = situation.interfaces;
  own.insert(own.end(), situation.public_addresses.begin(), situation.public_addresses.end());
  Findings findings = co_await examine_names(
      dns, {.domain = situation.domain, .hostname = hostname, .own_addresses = std::move(own)});
  findings.push_back(check_hostname(hostname));
  const auto found = co_await dns.addresses(hostname, AddressFamily::any);
  findings.push_back(
      check_own_address(hostname, found, situation.interfaces, situation.public_addresses));
  co_return findings;
}

Task<Findings> examine_listeners(runtime::Runtime& runtime, Dns& dns, const Situation& situation) {
  Findings findings;
  for (const config::Listen& listen : situation.settings.listen) {
    const SocketAddress target = reachable(SocketAddress::parse(listen.address).value());
    const ProbeTarget to{.host = target.address.text(), .port = target.port};
    const ProbeOptions how{.timeout = kListenerTimeout,
                           .hello = {},
                           .lmtp = listen.protocol == config::Protocol::lmtp};
    const ProbeFacts facts = co_await probe(runtime, dns, to, how);
    findings.push_back(check_listener(listen.address, facts, situation.settings.hostname));
  }
  co_return findings;
}

/// Each server alone, one try.
Task<Findings> examine_name_servers(runtime::Runtime& runtime, const Situation& situation) {
  Findings findings;
  for (const SocketAddress& server : situation.servers) {
    dns::ResolverOptions options = resolver_options(situation);
    options.servers = {server};
    options.attempts = 1;
    const auto dns = dns::make_resolver(runtime, options);
    const auto facts =
        co_await time_name_server(runtime, *dns, server, situation.settings.hostname);
    findings.push_back(check_name_server(facts));
  }
  co_return findings;
}

Task<Findings> examine_network(runtime::Runtime& runtime, Dns& dns, const Situation& situation) {
  Findings findings = co_await examine_our_names(dns, situation);
  Findings servers = co_await examine_name_servers(runtime, situation);
  append(findings, std::move(servers));
  Findings listeners = co_await examine_listeners(runtime, dns, situation);
  append(findings, std::move(listeners));
  co_return findings;
}

Findings examine_machine(const Situation& situation) {
  const config::Settings& settings = situation.settings;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  Findings findings{check_descriptors(limit.rlim_cur, limit.rlim_max,
                                      static_cast<std::uint64_t>(settings.smtp.max_sessions))};
  const config::Server& server = settings.server;
  append(findings, check_account(server.user, ::getpwnam(server.user.c_str()) != nullptr,
                                 server.group, ::getgrnam(server.group.c_str()) != nullptr));
  append(findings, check_relay(settings.relay.networks, settings.relay.domains));
  SpoolFacts spool{.path = settings.server.spool};
  if (settings.server.store == config::StoreKind::memory)
    spool.in_memory = true;
  else
    spool = look_at_spool(settings.server.spool);
  spool.largest = settings.smtp.max_message_size.octets;
  append(findings, check_spool(spool));
  return findings;
}

Findings examine(const Situation& situation) {
  const auto wall_began = std::chrono::system_clock::now();
  const auto began = Steady::now();
  const auto runtime = runtime::make_uv_runtime();
  const auto resolver = dns::make_resolver(*runtime, resolver_options(situation));
  Findings findings = run_errand(*runtime, examine_network(*runtime, *resolver, situation));
  append(findings, examine_machine(situation));
  const auto wall_now = std::chrono::system_clock::now();
  const auto watched = std::chrono::duration_cast<Duration>(Steady::now() - began);
  const auto drift = std::chrono::duration_cast<Duration>(wall_now - wall_began) - watched;
  findings.push_back(
      check_clock(std::chrono::floor<std::chrono::milliseconds>(wall_now), drift, watched));
  return findings;
}

Findings check_configuration(const std::string& file, const config::Loaded& loaded) {
  if (loaded.ok()) return {ok("configuration", file + " can be read")};
  Findings findings;
  for (const config::Diagnostic& diagnostic : loaded.diagnostics)
    findings.push_back(wrong("configuration", diagnostic.text(),
                             "correct it; below, the default stands for that key"));
  return findings;
}

Answer answer(const Findings& findings) {
  return {.text = findings_text(findings),
          .json = findings_json(findings),
          .exit_code = static_cast<int>(worst_of(findings))};
}

}  // namespace

std::string findings_text(const Findings& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    out += fmt::format("{:<8} {:<16} {}\n", grade_name(finding.grade), finding.check, finding.text);
    if (!finding.advice.empty()) out += fmt::format("{:<26}-> {}\n", "", finding.advice);
  }
  return out;
}

Json findings_json(const Findings& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings)
    list.push_back({{"grade", grade_name(finding.grade)},
                    {"check", finding.check},
                    {"text", finding.text},
                    {"advice", finding.advice}});
  return {{"result", grade_name(worst_of(findings))}, {"findings", std::move(list)}};
}

std::expected<Answer, std::string> run_doctor(const Examination& examination) {
  const auto document = config::read_document(examination.file);
  if (!document)  // everything else would be about defaults that nobody chose
    return answer({wrong("configuration", document.error().text(),
                         "correct it, or name the right file with --config")});
  config::Loaded loaded = config::load(examination.file);
  Findings findings = check_configuration(examination.file, loaded);
  const auto situation = survey(examination, std::move(loaded.settings));
  if (!situation) return std::unexpected(situation.error());
  append(findings, examine(*situation));
  return answer(findings);
}

}  // namespace postrider::control
