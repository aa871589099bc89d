// SPDX-License-Identifier: MIT
// The arguments of MAIL and RCPT (RFC 5321 sections 4.1.1.2, 4.1.1.3 and 4.1.2): a path in angle
// brackets, then parameters. Source routes are read and ignored (section 4.1.1.3, appendix C).
#pragma once

#include <expected>
#include <string_view>

#include <postrider/parameters.hpp>
#include <postrider/path.hpp>
#include <postrider/reply.hpp>

#include "smtp/capabilities.hpp"

namespace postrider::smtp {

struct MailArgument {
  Path path;  ///< null for "<>"
  MailParameters parameters;
};

struct RcptArgument {
  Path path;  ///< a mailbox, or Postmaster without domain
  RcptParameters parameters;
};

/// "FROM:<...> parameters", or the reply that refuses it: 501 5.5.4 syntax, 501 5.1.7 bad address,
/// 553 5.6.7 UTF-8 in the address without SMTPUTF8, 555 5.5.4 a parameter that `offer` lacks.
/// One space after the colon is tolerated. `smtputf8_offered`: the client has said EHLO.
std::expected<MailArgument, Reply> parse_mail_argument(std::string_view argument,
                                                       bool smtputf8_offered,
                                                       const Offer& offer = {});

/// "TO:<...> parameters", likewise; a bad address is 501 5.1.3. `smtputf8`: this transaction's
/// MAIL had the parameter.
std::expected<RcptArgument, Reply> parse_rcpt_argument(std::string_view argument, bool smtputf8,
                                                       const Offer& offer = {});

}  // namespace postrider::smtp
