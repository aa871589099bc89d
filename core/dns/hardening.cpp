// SPDX-License-Identifier: MIT
// libudns.so calls udns_jranval and dns_getdn through its PLT, so the definitions here, exported by
// the executable, win. random_number() lives here too: it keeps this file in every link.
#include "dns/hardening.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

#include <sys/random.h>
#include <udns.h>

namespace postrider::dns {
namespace {

struct Pool {
  std::array<std::uint32_t, 64> numbers{};  // 256 octets: getrandom gives them all or fails
  std::size_t used = numbers.size();
};

void fill(Pool& pool) {
  const std::size_t wanted = sizeof pool.numbers;
  while (getrandom(pool.numbers.data(), wanted, 0) != static_cast<ssize_t>(wanted)) {
    if (errno == EINTR) continue;
    std::fputs("postrider: the kernel gives no random numbers (getrandom)\n", stderr);
    std::abort();
  }
  pool.used = 0;
}

thread_local unsigned interposed_calls = 0;

}  // namespace

std::uint32_t random_number() {
  static thread_local Pool pool;
  if (pool.used == pool.numbers.size()) fill(pool);
  return std::exchange(pool.numbers[pool.used++], 0);
}

void prepare_udns() {
  static std::once_flag once;
  std::call_once(once, [] { dns_reset(nullptr); });
}

bool is_udns_hardened() {
  // A context that nobody sends from: submitting a query makes udns draw an id.
  prepare_udns();
  dns_ctx* const context = dns_new(nullptr);
  if (!context || dns_open(context) < 0) {
    if (context) dns_free(context);
    return false;
  }
  const unsigned before = interposed_calls;
  constexpr std::array<std::uint8_t, 3> kName{1, 'x', 0};
  dns_submit_dn(
      context, kName.data(), DNS_C_IN, DNS_T_A, DNS_NOSRCH, nullptr,
      [](dns_ctx*, void* result, void*) { std::free(result); }, nullptr);
  dns_free(context);
  return interposed_calls != before;
}

}  // namespace postrider::dns

extern "C" {

[[gnu::visibility("default"), gnu::used]] unsigned udns_jranval(udns_jranctx*) {
  ++postrider::dns::interposed_calls;
  return postrider::dns::random_number();
}

/// As in udns_parse.c, but no octet is written at or after the end of `name`, and pointers only go
/// backwards. Returns the length; 0 when a small buffer is too small; -1 when the packet is broken.
[[gnu::visibility("default"), gnu::used]] int dns_getdn(dnscc_t* packet, dnscc_t** cursor,
                                                        dnscc_t* end, dnsc_t* name, unsigned size) {
  const std::size_t room = std::min<std::size_t>(size, DNS_MAXDN);
  const int no_room = size < DNS_MAXDN ? 0 : -1;
  dnscc_t* at = *cursor;
  dnscc_t* lowest = at;
  dnscc_t* after_pointer = nullptr;
  for (std::size_t length = 0; at < end;) {
    const unsigned label = *at++;
    if (label >= 0xc0) {
      if (at >= end) return -1;
      dnscc_t* const target = packet + ((label & 0x3fU) << 8 | *at++);
      if (target < packet + DNS_HSIZE || target >= lowest) return -1;
      if (!after_pointer) after_pointer = at;
      lowest = at = target;
      continue;
    }
    if (label > DNS_MAXLABEL || label > end - at) return -1;
    if (length + 1 + label > room) return no_room;
    name[length++] = static_cast<dnsc_t>(label);
    std::memcpy(name + length, at, label);
    length += label;
    at += label;
    if (label == 0) {
      *cursor = after_pointer ? after_pointer : at;
      return static_cast<int>(length);
    }
  }
  return -1;
}

}  // extern "C"
