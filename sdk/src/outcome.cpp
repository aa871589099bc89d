// SPDX-License-Identifier: MIT
#include <array>

#include <postrider/outcome.hpp>

namespace postrider {

std::string_view phase_name(Phase phase) noexcept {
  static constexpr std::array<std::string_view, 13> kNames{
      "route", "connect", "greeting", "helo",      "tls",       "auth", "mail",
      "rcpt",  "data",    "body",     "final dot", "transport", "queue"};
  return kNames[static_cast<std::size_t>(phase)];
}

std::string_view action_name(Action action) noexcept {
  static constexpr std::array<std::string_view, 5> kNames{"delivered", "delayed", "relayed",
                                                          "expanded", "failed"};
  return kNames[static_cast<std::size_t>(action)];
}

}  // namespace postrider
