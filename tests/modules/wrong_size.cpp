// SPDX-License-Identifier: MIT
// A library that the loader must refuse: an entry of another size.
#include <postrider/plugin.hpp>

extern "C" __attribute__((visibility("default")))
const postrider::PluginEntry postrider_plugin_entry;
const postrider::PluginEntry postrider_plugin_entry = {postrider::kEntryMagic,
                                                       8,
                                                       postrider::kSdkNumber,
                                                       postrider::kBuildTag,
                                                       nullptr,
                                                       nullptr,
                                                       nullptr,
                                                       nullptr,
                                                       nullptr,
                                                       nullptr};
