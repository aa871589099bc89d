// SPDX-License-Identifier: MIT
// A library that the loader must refuse: an entry without functions.
#include <postrider/plugin.hpp>

extern "C" __attribute__((visibility("default")))
const postrider::PluginEntry postrider_plugin_entry;
const postrider::PluginEntry postrider_plugin_entry = {postrider::kEntryMagic,
                                                       sizeof(postrider::PluginEntry),
                                                       postrider::kSdkNumber,
                                                       postrider::kBuildTag,
                                                       nullptr,
                                                       nullptr,
                                                       nullptr,
                                                       nullptr,
                                                       nullptr,
                                                       nullptr};
