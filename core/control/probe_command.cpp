// SPDX-License-Identifier: MIT
#include "control/probe_command.hpp"

#include <array>

#include <fmt/format.h>
#include <unistd.h>

#include <postrider/path.hpp>
#include <postrider/quantity.hpp>

#include "control/errand.hpp"
#include "control/name_servers.hpp"
#include "dns/resolver.hpp"
#include "runtime/uv/uv_runtime.hpp"

namespace postrider::control {

namespace {

/// EHLO takes a full host name (RFC 5321 section 4.1.1.1), or an address literal.
std::string machine_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return {};
  const std::string_view text(name.data());
  return is_host_name(text) && text.contains('.') ? std::string(text) : std::string();
}

struct Plan {
  ProbeTarget target;
  ProbeOptions options{};
  dns::ResolverOptions resolver{};
  Duration slow{};
};

std::expected<Plan, std::string> plan(const Probing& probing) {
  const auto target = parse_probe_target(probing.target);
  if (!target) return std::unexpected(target.error());
  const auto timeout = parse_duration(probing.timeout), slow = parse_duration(probing.slow);
  if (!timeout || *timeout < 1ms)
    return std::unexpected("--timeout: " + (timeout ? "too short" : timeout.error()));
  if (!slow) return std::unexpected("--slow: " + slow.error());
  Plan plan{.target = *target, .slow = *slow};
  plan.options = {.timeout = *timeout,
                  .hello = probing.hello.empty() ? machine_name() : probing.hello};
  if (!plan.options.hello.empty() && !is_host_name(plan.options.hello))
    return std::unexpected("--hello: \"" + probing.hello + "\" is not a host name");
  for (const std::string& text : probing.servers) {
    const auto server = parse_name_server(text);
    if (!server) return std::unexpected("--dns: " + server.error());
    plan.resolver.servers.push_back(*server);
  }
  if (plan.resolver.servers.empty()) plan.resolver.servers = system_name_servers();
  return plan;
}

}  // namespace

std::string probe_text(const ProbeFacts& facts, const Judgement& judgement) {
  std::string out = judgement.sentence + "\n";
  bool is_plain = false;
  for (const PhaseFacts& phase : facts.phases) {
    is_plain = phase.phase == ProbePhase::ehlo && phase.end == ProbeEnd::ok && !facts.starttls;
    out += fmt::format("  {:<8} {:>6} ms  {}{}\n", phase_name(phase.phase), phase.took.count(),
                       phase.end == ProbeEnd::ok ? "" : fmt::format("{}: ", end_name(phase.end)),
                       phase.detail);
  }
  if (is_plain) out += fmt::format("  {:<8} {:>9}  not offered\n", "starttls", "");
  return out;
}

Json probe_json(const ProbeFacts& facts, const Judgement& judgement) {
  Json phases = Json::array();
  for (const PhaseFacts& phase : facts.phases) {
    Json one{{"phase", phase_name(phase.phase)},
             {"result", end_name(phase.end)},
             {"ms", phase.took.count()},
             {"detail", phase.detail}};
    if (phase.code != 0) one["code"] = phase.code;
    phases.push_back(std::move(one));
  }
  static constexpr std::array kResults{"fine", "slow or odd", "not usable"};
  return {{"target", facts.target},
          {"result", kResults[static_cast<std::size_t>(judgement.usability)]},
          {"sentence", judgement.sentence},
          {"peer", facts.peer.port != 0 ? Json(facts.peer.text()) : Json()},
          {"phases", std::move(phases)},
          {"starttls_offered", facts.starttls},
          {"keywords", facts.keywords}};
}

std::expected<Answer, std::string> run_probe(const Probing& probing) {
  auto made = plan(probing);
  if (!made) return std::unexpected(made.error());
  const auto runtime = runtime::make_uv_runtime();
  const auto resolver = dns::make_resolver(*runtime, made->resolver);
  const ProbeFacts facts =
      run_errand(*runtime, probe(*runtime, *resolver, made->target, made->options));
  const Judgement judgement = judge(facts, made->slow);
  return Answer{.text = probe_text(facts, judgement),
                .json = probe_json(facts, judgement),
                .exit_code = static_cast<int>(judgement.usability)};
}

}  // namespace postrider::control
