// SPDX-License-Identifier: MIT
#include "mailbox_path.hpp"

namespace postrider::maildir {
namespace {

constexpr std::string_view kLocal = "{local}";
constexpr std::string_view kDomain = "{domain}";

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '+' ||
         c == '-';
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

}  // namespace

std::string encoded_name(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string name;
  for (const char c : lower(text)) {
    if (is_plain(c) && !(name.empty() && c == '.')) {
      name += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    name += '%';
    name += kHex[octet / 16];
    name += kHex[octet % 16];
  }
  return name;
}

std::string bare_local_part(const Path& recipient) {
  const std::string_view local = recipient.local_part();
  if (local.size() < 2 || local.front() != '"') return std::string(local);
  std::string bare;
  for (std::size_t i = 1; i + 1 < local.size(); ++i) {
    if (local[i] == '\\' && i + 2 < local.size()) ++i;
    bare += local[i];
  }
  return bare;
}

std::optional<std::string> template_mistake(std::string_view path) {
  if (!path.starts_with('/'))
    return "this is no absolute path; write \"/var/mail/{domain}/{local}\"";
  if (!path.contains(kLocal))
    return "all would share one mailbox; put {local} into the path, \"/var/mail/{domain}/{local}\"";
  std::string rest(path);
  replace_all(rest, kLocal, "");
  replace_all(rest, kDomain, "");
  if (rest.contains('{') || rest.contains('}') || rest.contains('\0'))
    return "there is a brace that belongs to nothing; only {local} and {domain} are replaced";
  return std::nullopt;
}

std::string mailbox_path(std::string_view path, std::string_view local, std::string_view domain) {
  std::string result(path);
  // The encoded names hold no braces: the order does not matter.
  replace_all(result, kDomain, encoded_name(domain));
  replace_all(result, kLocal, encoded_name(local));
  return result;
}

}  // namespace postrider::maildir
