// SPDX-License-Identifier: MIT
// Random numbers for query ids, and the two functions of libudns that this program replaces: its
// predictable ids and its name decoder that writes one octet past the end
// (docs/decisions/0004-udns-as-transport.md).
#pragma once

#include <cstdint>

namespace postrider::dns {

/// [any thread] From the kernel's generator, by way of a pool per thread.
std::uint32_t random_number();

/// [any thread] Make udns ready for dns_new(), once; it reads no file and no environment.
void prepare_udns();

/// [any thread] Do libudns.so's own calls reach our functions? False if the symbols of the
/// executable are hidden, or udns was linked statically.
bool is_udns_hardened();

}  // namespace postrider::dns
