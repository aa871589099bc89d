// SPDX-License-Identifier: MIT
#include "privileges.hpp"

#include <cerrno>
#include <cstring>

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace postrider {

std::expected<void, std::string> drop_privileges(const std::string& user,
                                                 const std::string& group) {
  const passwd* account = user.empty() ? nullptr : ::getpwnam(user.c_str());
  if (!user.empty() && !account)
    return std::unexpected("server.user: no account \"" + user + "\"; name an existing one");
  const struct group* named = group.empty() ? nullptr : ::getgrnam(group.c_str());
  if (!group.empty() && !named)
    return std::unexpected("server.group: no group \"" + group + "\"; name an existing one");
  const auto failed = [](const std::string& what) {
    return std::unexpected("cannot become " + what + ": " + std::strerror(errno));
  };
  if (named && ::setgid(named->gr_gid) != 0) return failed("group " + group);
  if (account) {
    if (!named && ::setgid(account->pw_gid) != 0) return failed("the group of " + user);
    if (::initgroups(user.c_str(), named ? named->gr_gid : account->pw_gid) != 0)
      return failed("a member of the groups of " + user);
    if (::setuid(account->pw_uid) != 0) return failed("user " + user);
  }
  return {};
}

}  // namespace postrider
