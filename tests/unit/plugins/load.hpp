// SPDX-License-Identifier: MIT
// What the tests of the plugins share: a host, a library by its name, a way to run.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include <postrider/testing/fake_message.hpp>
#include <postrider/testing/fake_session.hpp>
#include <postrider/testing/plugin_library.hpp>
#include <postrider/testing/run.hpp>

namespace postrider::testing {

inline PluginLibrary load(const std::string& name, FakeHost& host,
                          const SettingTable& settings = {}) {
  return PluginLibrary(POSTRIDER_PLUGINS "/" + name + ".so", host, settings);
}

/// The message of the exception that loading throws; "" if it does not.
inline std::string load_error(const std::string& name, const SettingTable& settings) {
  FakeHost host;
  try {
    const PluginLibrary plugin = load(name, host, settings);
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

inline Recipient recipient(std::string_view address) {
  return {Path::parse(address).value(), {}};
}

}  // namespace postrider::testing
