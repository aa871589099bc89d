// SPDX-License-Identifier: MIT
// server.user where the service manager has made the process that user already.
#include "privileges.hpp"

#include <string>

#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace postrider {
namespace {

/// In a process of an account without rights: the exit code of `what`.
template <class Work>
int as_nobody(Work what) {
  const pid_t child = ::fork();
  if (child == 0) {
    const passwd* nobody = ::getpwnam("nobody");
    const bool changed = ::geteuid() != 0 ||
                         (nobody && ::setgid(nobody->pw_gid) == 0 && ::setuid(nobody->pw_uid) == 0);
    ::_exit(changed ? what() : 99);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string own_name() {
  const passwd* account = ::getpwuid(::geteuid());
  return account ? account->pw_name : std::string("nobody");
}

TEST(Privileges, NothingIsDroppedTwice) {
  EXPECT_EQ(as_nobody([] { return drop_privileges(own_name(), "") ? 0 : 1; }), 0);
}

TEST(Privileges, AnotherAccountNeedsRoot) {
  EXPECT_EQ(as_nobody([] {
              const auto dropped = drop_privileges("root", "");
              return !dropped && dropped.error().contains("cannot become") ? 0 : 1;
            }),
            0);
}

}  // namespace
}  // namespace postrider
