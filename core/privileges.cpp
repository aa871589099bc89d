// SPDX-License-Identifier: MIT
#include "privileges.hpp"

#include <cerrno>
#include <cstring>

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace postrider {

namespace {

/// What root kept over setuid() shrinks to the right to open low ports.
bool keep_low_ports() {
  constexpr __u32 kBit = 1U << CAP_NET_BIND_SERVICE;
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2] = {{.effective = kBit, .permitted = kBit, .inheritable = 0}, {}};
  return ::syscall(SYS_capset, &header, data) == 0;
}

}  // namespace

std::expected<void, std::string> drop_privileges(const std::string& user,
                                                 const std::string& group) {
  const passwd* account = user.empty() ? nullptr : ::getpwnam(user.c_str());
  if (!user.empty() && !account)
    return std::unexpected("server.user: no account \"" + user + "\"; name an existing one");
  const struct group* named = group.empty() ? nullptr : ::getgrnam(group.c_str());
  if (!group.empty() && !named)
    return std::unexpected("server.group: no group \"" + group + "\"; name an existing one");
  // The service manager may have done it: then there is nothing to drop, nor the right to.
  const bool is_in_group = !named || named->gr_gid == ::getegid();
  if (account && account->pw_uid != 0 && account->pw_uid == ::geteuid() && is_in_group) return {};
  const auto failed = [](const std::string& what) {
    return std::unexpected("cannot become " + what + ": " + std::strerror(errno));
  };
  if (named && ::setgid(named->gr_gid) != 0) return failed("group " + group);
  if (account) {
    if (!named && ::setgid(account->pw_gid) != 0) return failed("the group of " + user);
    if (::initgroups(user.c_str(), named ? named->gr_gid : account->pw_gid) != 0)
      return failed("a member of the groups of " + user);
    const bool was_root = ::geteuid() == 0;
    if (was_root) ::prctl(PR_SET_KEEPCAPS, 1);
    if (::setuid(account->pw_uid) != 0) return failed("user " + user);
    if (was_root && !keep_low_ports())
      return failed("user " + user + " with the right to low ports");
  }
  return {};
}

}  // namespace postrider
