// SPDX-License-Identifier: MIT
// What was found in a spool: how much, and what is wrong with which message; as text and as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/answer.hpp"
#include "store/inspection.hpp"

namespace postrider::control {

/// What is wrong with a message, to the store or to the queue, which reads envelope and state.
struct SpoolFault {
  std::string id;  ///< queue id
  std::string why;
  bool damaged = true;  ///< false: the disk could not be read, or the file not written, this time
};

/// Nothing if all of the message can be read.
std::optional<SpoolFault> fault_of(const store::Inspected& message);

struct SpoolFindings {
  std::uint64_t messages = 0;
  std::uint64_t octets = 0;  ///< of their bodies
  std::vector<SpoolFault> faults;
  store::Recovered report{};  ///< of the log as a whole

  void add(const store::Inspected& message);
  bool is_sound() const;
};

/// One line for each fault and note, then `summary`; exit code 1 if something is not sound.
Answer findings_answer(const SpoolFindings& findings, const std::string& summary);
/// "2 messages, 170 octets"
std::string amount_text(std::uint64_t messages, std::uint64_t octets);

}  // namespace postrider::control
