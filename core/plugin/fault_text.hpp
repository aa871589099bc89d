// SPDX-License-Identifier: MIT
// What an exception of a plugin says, copied at once: nothing of a plugin is kept.
#pragma once

#include <exception>
#include <string>

namespace postrider::plugin {

inline std::string fault_text(const std::exception_ptr& fault) {
  try {
    std::rethrow_exception(fault);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception that is not a std::exception";
  }
}

}  // namespace postrider::plugin
