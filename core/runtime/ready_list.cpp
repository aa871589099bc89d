// SPDX-License-Identifier: MIT
// Rounds keep two coroutines that wake each other from shutting out everybody else.
#include "runtime/ready_list.hpp"

#include "runtime/place.hpp"

namespace postrider::runtime {
namespace {

/// The node may be destroyed, or linked again, by what it resumes.
void resume_first(ReadyNode& head) {
  ReadyNode& node = *head.next();
  node.unlink();
  const auto handle = node.handle();
  // A coroutine's frame begins with the address of its code (the ABI of GCC and Clang).
  this_place().code.store(*static_cast<const void* const*>(handle.address()),
                          std::memory_order_relaxed);
  handle.resume();
}

}  // namespace

ReadyList::~ReadyList() {
  while (!is_empty()) head_.next()->unlink();
}

bool ReadyList::resume_one() {
  if (is_empty()) return false;
  resume_first(head_);
  return true;
}

bool ReadyList::drain(std::size_t rounds) {
  for (std::size_t round = 0; round < rounds && !is_empty(); ++round) {
    // A second head takes over the whole list, so that a node which dies meanwhile leaves it.
    ReadyNode batch;
    batch.link_before(head_);
    head_.unlink();
    head_.make_head();
    while (batch.next() != &batch) resume_first(batch);
  }
  this_place().code.store(nullptr, std::memory_order_relaxed);
  return is_empty();
}

}  // namespace postrider::runtime
