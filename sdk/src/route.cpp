// SPDX-License-Identifier: MIT
#include <postrider/route.hpp>

namespace postrider {

std::string Destination::text() const {
  std::string text = transport == "smtp" ? std::string() : transport + ":";
  const bool bare = use_mx || name.starts_with('[');
  text += bare ? name : "[" + name + "]";
  if (port != 0) text += ":" + std::to_string(port);
  return text;
}

}  // namespace postrider
