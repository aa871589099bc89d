// SPDX-License-Identifier: MIT
// The parameters of MAIL and RCPT (RFC 5321 section 4.1.1.11): SIZE (RFC 1870), BODY (RFC 6152,
// RFC 3030), SMTPUTF8 (RFC 6531), RET, ENVID, NOTIFY, ORCPT (RFC 3461, RFC 6533), AUTH (RFC 4954).
#pragma once

#include <expected>
#include <string_view>

#include <postrider/parameters.hpp>
#include <postrider/reply.hpp>

#include "smtp/capabilities.hpp"

namespace postrider::smtp {

/// `text` is what follows the path: keywords with or without value, separated by spaces.
/// Errors: 555 5.5.4 unknown or not in `offer`; 501 5.5.4 bad syntax, bad value, given twice.
/// A SIZE of more than 64 bits is the largest number. Linear time.
std::expected<MailParameters, Reply> parse_mail_parameters(std::string_view text,
                                                           const Offer& offer);
std::expected<RcptParameters, Reply> parse_rcpt_parameters(std::string_view text,
                                                           const Offer& offer);

}  // namespace postrider::smtp
