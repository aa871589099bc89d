// SPDX-License-Identifier: MIT
// One line of a client as verb and argument (RFC 5321 section 4.1.1, RFC 2033, RFC 3207, RFC 4954,
// RFC 3030, RFC 1985). What an argument means is left to path.hpp and parameters.hpp.
#pragma once

#include <cstdint>
#include <string_view>

namespace postrider::smtp {

enum class Verb : std::uint8_t {
  unknown,
  helo,
  ehlo,
  lhlo,
  mail,
  rcpt,
  data,
  rset,
  noop,
  quit,
  vrfy,
  expn,
  help,
  starttls,
  auth,
  bdat,
  etrn,
};

struct Command {
  Verb verb = Verb::unknown;
  /// What follows the verb, without white space around it. A view into the line.
  std::string_view argument;
};

/// `line` comes without its CRLF. Verbs in any case (section 2.4); white space at the end is
/// tolerated (section 4.1.1). Never fails: what is no command is Verb::unknown. Linear time.
Command parse_command(std::string_view line) noexcept;

/// "MAIL"; "" for unknown.
std::string_view verb_name(Verb verb) noexcept;

}  // namespace postrider::smtp
