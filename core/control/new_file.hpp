// SPDX-License-Identifier: MIT
// A file that an export writes: it never replaces one, and only its owner may read it.
#pragma once

#include <string>
#include <string_view>

namespace postrider::control {

class NewFile {
 public:
  explicit NewFile(std::string path);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() { (void)close(); }

  /// After an error nothing more is written.
  void write(std::string_view octets);
  /// "" if all is written, else what went wrong first, with the path.
  std::string close();

 private:
  void fail();

  const std::string path_;
  int descriptor_;
  std::string error_;
};

}  // namespace postrider::control
