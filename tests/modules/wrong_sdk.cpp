// SPDX-License-Identifier: MIT
// A library that the loader must refuse: another SDK.
#include <postrider/plugin.hpp>

extern "C" __attribute__((visibility("default")))
const postrider::PluginEntry postrider_plugin_entry;
const postrider::PluginEntry postrider_plugin_entry = {postrider::kEntryMagic,
                                                       sizeof(postrider::PluginEntry),
                                                       999,
                                                       postrider::kBuildTag,
                                                       nullptr,
                                                       nullptr,
                                                       nullptr,
                                                       nullptr,
                                                       nullptr,
                                                       nullptr};
