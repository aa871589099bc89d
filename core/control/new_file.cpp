// SPDX-License-Identifier: MIT
#include "control/new_file.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace postrider::control {

NewFile::NewFile(std::string path)
    : path_(std::move(path)),
      descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {
  if (descriptor_ < 0) fail();
}

void NewFile::write(std::string_view octets) {
  while (error_.empty() && !octets.empty()) {
    const ssize_t count = ::write(descriptor_, octets.data(), octets.size());
    if (count >= 0)
      octets.remove_prefix(static_cast<std::size_t>(count));
    else if (errno != EINTR)
      fail();
  }
}

std::string NewFile::close() {
  const int descriptor = std::exchange(descriptor_, -1);
  if (descriptor >= 0 && ::close(descriptor) != 0 && error_.empty()) fail();
  return error_;
}

void NewFile::fail() {
  error_ = path_ + ": " + std::strerror(errno);
}

}  // namespace postrider::control
