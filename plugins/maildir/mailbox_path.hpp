// SPDX-License-Identifier: MIT
// From an address to a folder. The local part is hostile: whatever it holds, it becomes one name
// inside the folder that the template says.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <postrider/path.hpp>

namespace postrider::maildir {

/// One name of a folder: ASCII letters in lower case; everything but [a-z0-9._+-] and a leading
/// dot become %XX, so ".." and '/' cannot occur.
std::string encoded_name(std::string_view text);

/// The local part as the mailbox sees it: without quotes and their backslashes.
std::string bare_local_part(const Path& recipient);

/// What is wrong with a template, or nothing.
std::optional<std::string> template_mistake(std::string_view path);

/// `path` with {local} and {domain} replaced.
std::string mailbox_path(std::string_view path, std::string_view local, std::string_view domain);

}  // namespace postrider::maildir
