// SPDX-License-Identifier: MIT
#include "control/spool_command.hpp"

#include <fmt/format.h>

#include "control/spool_findings.hpp"

namespace postrider::control {

using store::Inspected;
using store::Inspection;

SpoolAnswer check_spool(const SpoolWork& work) {
  const auto spool = Inspection::open(work.folder, Inspection::Purpose::look);
  if (!spool) return std::unexpected(spool.error().detail);
  SpoolFindings findings{.faults = {}, .report = (*spool)->report()};
  (*spool)->for_each([&](const Inspected& message) { findings.add(message); });
  const bool sound = findings.is_sound();
  return findings_answer(
      findings,
      fmt::format("{}: {}, {}", work.folder, amount_text(findings.messages, findings.octets),
                  sound ? "all sound"
                        : "not all sound. Nothing was changed: `postrider spool repair` "
                          "sets aside what is damaged"));
}

SpoolAnswer repair_spool(const SpoolWork& work) {
  const auto spool = Inspection::open(work.folder, Inspection::Purpose::repair);
  if (!spool) return std::unexpected(spool.error().detail);
  SpoolFindings findings{.faults = {}, .report = (*spool)->report()};
  std::uint64_t set_aside = 0;
  (*spool)->for_each([&](const Inspected& message) {
    auto fault = fault_of(message);
    if (fault && fault->damaged) {
      const auto moved = (*spool)->set_aside(message.id, fault->why);
      fault->why += moved ? ": set aside" : "; " + moved.error().detail;
      if (moved) ++set_aside;
      fault->damaged = !moved.has_value();
    }
    if (fault) findings.faults.push_back(std::move(*fault));
  });
  if (auto kept = (*spool)->finish(); !kept) return std::unexpected(kept.error().detail);
  findings.messages = (*spool)->messages();
  return findings_answer(
      findings, fmt::format("{0}: {1} left in the queue, {2} set aside in {0}/corrupt", work.folder,
                            findings.messages, set_aside));
}

}  // namespace postrider::control
