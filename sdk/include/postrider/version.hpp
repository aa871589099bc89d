// SPDX-License-Identifier: MIT
// What the loader compares before it calls anything in a library.
#pragma once

#include <cstdint>

#define POSTRIDER_STRINGIZE_2(x) #x
#define POSTRIDER_STRINGIZE(x) POSTRIDER_STRINGIZE_2(x)

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POSTRIDER_SANITIZER_TAG "asan"
#elif __has_feature(thread_sanitizer)
#define POSTRIDER_SANITIZER_TAG "tsan"
#endif
#endif
#ifndef POSTRIDER_SANITIZER_TAG
#define POSTRIDER_SANITIZER_TAG "none"
#endif

/// A hash of the SDK's headers; the build defines it (find_package(Postrider) does, too).
#ifndef POSTRIDER_SDK_HASH
#define POSTRIDER_SDK_HASH "unknown"
#endif

namespace postrider {

/// Grows with every change of the interfaces; a library of another number is refused.
inline constexpr std::uint32_t kSdkNumber = 1;
inline constexpr std::uint32_t kEntryMagic = 0x50525431;  // "PRT1"

/// SDK headers, compiler, language, C++ library ABI, sanitizer: all that must agree between host
/// and plugin.
inline constexpr char kBuildTag[] =
    "sdk " POSTRIDER_SDK_HASH "; " __VERSION__ "; c++" POSTRIDER_STRINGIZE(__cplusplus) "; libstdc++ " POSTRIDER_STRINGIZE(
        _GLIBCXX_RELEASE) " abi" POSTRIDER_STRINGIZE(_GLIBCXX_USE_CXX11_ABI)
        "; sanitizer " POSTRIDER_SANITIZER_TAG;

}  // namespace postrider
