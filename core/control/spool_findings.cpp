// SPDX-License-Identifier: MIT
#include "control/spool_findings.hpp"

#include <fmt/format.h>

#include "queue/envelope_codec.hpp"

namespace postrider::control {

std::optional<SpoolFault> fault_of(const store::Inspected& message) {
  const std::string id = store::id_text(message.id);
  if (message.fault) {
    const bool damaged = message.fault->code == store::Errc::corrupt;
    return SpoolFault{id, message.fault->detail, damaged};
  }
  const auto envelope = queue::decode_envelope(message.envelope);
  if (!envelope) return SpoolFault{id, "its envelope: " + envelope.error()};
  const auto state = queue::decode_state(message.state, envelope->recipients.size());
  if (!state) return SpoolFault{id, "its state: " + state.error()};
  return std::nullopt;
}

void SpoolFindings::add(const store::Inspected& message) {
  ++messages;
  octets += message.body_size;
  if (auto fault = fault_of(message)) faults.push_back(std::move(*fault));
}

bool SpoolFindings::is_sound() const {
  return faults.empty() && report.damaged == 0 && !report.rebuilt;
}

std::string amount_text(std::uint64_t messages, std::uint64_t octets) {
  return fmt::format("{} message{}, {} octets", messages, messages == 1 ? "" : "s", octets);
}

Answer findings_answer(const SpoolFindings& findings, const std::string& summary) {
  Answer answer;
  Json faults = Json::array();
  for (const SpoolFault& fault : findings.faults) {
    faults.push_back({{"id", fault.id}, {"fault", fault.why}});
    answer.text += fmt::format("{}  {}\n", fault.id, fault.why);
  }
  for (const std::string& note : findings.report.notes) answer.text += "log: " + note + "\n";
  if (const std::uint64_t torn = findings.report.torn; torn != 0) {
    answer.text += fmt::format("log: {} unfinished record{} at its end, never acknowledged\n", torn,
                               torn == 1 ? "" : "s");
  }
  answer.text += summary + "\n";
  answer.json = {{"sound", findings.is_sound()}, {"messages", findings.messages},
                 {"octets", findings.octets},    {"unfinished", findings.report.torn},
                 {"faults", std::move(faults)},  {"notes", findings.report.notes}};
  answer.exit_code = findings.is_sound() ? 0 : 1;
  return answer;
}

}  // namespace postrider::control
