// SPDX-License-Identifier: MIT
// `postrider spool check|repair|export FOLDER`: work on a spool that no daemon serves. All three
// take its lock, so that none can run beside a daemon.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "control/answer.hpp"

namespace postrider::control {

struct SpoolWork {
  std::string folder;
  std::string target;            ///< of the export: a folder; made if missing
  std::vector<std::string> ids;  ///< of the export; empty: every message
};

/// Exit code 0 if all is sound, 1 if something is damaged; the error says why the spool cannot be
/// worked on at all.
using SpoolAnswer = std::expected<Answer, std::string>;

/// Reads everything, writes nothing.
SpoolAnswer check_spool(const SpoolWork& work);
/// Does what a start of the daemon does, and reads every body too: what is damaged is set aside in
/// corrupt/ and is no longer in the queue.
SpoolAnswer repair_spool(const SpoolWork& work);
/// Writes ID.eml (the octets as they were accepted) and ID.json (envelope and state) for each
/// message. Nothing is overwritten; the spool stays as it is.
SpoolAnswer export_spool(const SpoolWork& work);

}  // namespace postrider::control
