// SPDX-License-Identifier: MIT
// A library that the loader must refuse: it is no plugin.
extern "C" __attribute__((visibility("default"))) int unrelated() {
  return 7;
}
