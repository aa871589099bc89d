// SPDX-License-Identifier: MIT
// A library that the loader must refuse: it needs a function that nobody has.
extern "C" int postrider_nobody_has_this();
extern "C" __attribute__((visibility("default"))) int unrelated() {
  return postrider_nobody_has_this();
}
