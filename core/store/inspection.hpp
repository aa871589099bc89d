// SPDX-License-Identifier: MIT
// A spool while no daemon serves it: every message in it, each of its checksums checked. To look,
// nothing is written; to repair, it is opened as the daemon would, and what is damaged can be set
// aside.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "store/read_only_files.hpp"
#include "store/spool.hpp"

namespace postrider::store {

/// One message, as far as it can be read.
struct Inspected {
  MessageId id = 0;
  std::string envelope;  ///< "" if it cannot be read; likewise the state
  std::string state;
  std::uint64_t body_size = 0;
  std::optional<Error> fault;  ///< which part cannot be read and why
};

/// [one thread]
class Inspection {
 public:
  enum class Purpose : std::uint8_t { look, repair };

  /// Takes the spool's lock. An error: a daemon has it, the folder is no spool, a newer version
  /// wrote it. Then the folder stays as it is.
  static Result<std::unique_ptr<Inspection>> open(const std::string& folder, Purpose purpose);
  Inspection(const LogOptions& options, Purpose purpose);

  /// What a start of the daemon says of this spool.
  const Recovered& report() const noexcept { return report_; }
  std::uint64_t messages() const { return spool_.index.size(); }
  /// Every message that a daemon would serve, in order of id, wholly read. `each` may set it aside.
  void for_each(const std::function<void(const Inspected&)>& each) const;
  Result<BodyPtr> body(MessageId id) const { return spool_.body(id); }

  /// To repair: copies a message to corrupt/, with the reason, and takes it out of the queue. An
  /// error leaves it there.
  Result<void> set_aside(MessageId id, const std::string& why);
  /// Makes durable what was set aside.
  Result<void> finish() { return spool_.checkpoint(); }

 private:
  Inspected inspect(MessageId id, ReadWindows& windows) const;

  ReadOnlyFiles files_;
  Spool spool_;
  Recovered report_;
};

}  // namespace postrider::store
