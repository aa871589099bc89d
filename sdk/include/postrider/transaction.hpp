// SPDX-License-Identifier: MIT
// One mail transaction: from MAIL to the end of data. RSET destroys it. [loop thread]
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <postrider/annotations.hpp>
#include <postrider/parameters.hpp>
#include <postrider/path.hpp>

namespace postrider {

/// One forward-path of the envelope.
struct Recipient {
  Path path;
  RcptParameters parameters;
};

class Transaction {
 public:
  Transaction() = default;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  const Path& reverse_path() const noexcept { return reverse_path_; }
  const MailParameters& parameters() const noexcept { return parameters_; }
  /// The recipients accepted so far.
  const std::vector<Recipient>& recipients() const noexcept { return recipients_; }
  Notes& notes() noexcept { return notes_; }
  SlotStore& slots() noexcept { return slots_; }

  Path reverse_path_;
  MailParameters parameters_;
  std::vector<Recipient> recipients_;

 private:
  Notes notes_;
  SlotStore slots_;
};

}  // namespace postrider
