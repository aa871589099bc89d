// SPDX-License-Identifier: MIT
// Notes and slots of a session.
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <postrider/annotations.hpp>

namespace postrider {
namespace {

struct Owner {
  SlotStore store;
  SlotStore& slots() { return store; }
};

struct Counted {
  Counted() { ++alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --alive; }
  int commands = 0;
  static inline int alive = 0;
};

TEST(Notes, KeepTheLastValueOfEachName) {
  Notes notes;
  EXPECT_EQ(notes.get("spam"), "");
  notes.set("spam", "no");
  notes.set("size", "7");
  notes.set("spam", "yes");
  EXPECT_EQ(notes.get("spam"), "yes");
  EXPECT_EQ(notes.entries().size(), 2U);
}

TEST(Slots, EachOwnerAndEachSlotHasItsOwn) {
  Owner a;
  Owner b;
  Slot<Counted> first;
  Slot<Counted> second;
  first.of(a).commands = 3;
  EXPECT_EQ(first.of(a).commands, 3);
  EXPECT_EQ(first.of(b).commands, 0);
  EXPECT_EQ(second.of(a).commands, 0);
  EXPECT_EQ(Counted::alive, 3);
}

TEST(Slots, DieWithTheirOwner) {
  Slot<Counted> slot;
  auto owner = std::make_unique<Owner>();
  slot.of(*owner).commands = 1;
  EXPECT_EQ(Counted::alive, 1);
  owner.reset();
  EXPECT_EQ(Counted::alive, 0);
}

TEST(Slots, StayWhereTheyAreWhenOthersCome) {
  Owner owner;
  Slot<Counted> slots[20];
  Counted* const first = &slots[0].of(owner);
  for (auto& slot : slots) slot.of(owner);
  EXPECT_EQ(&slots[0].of(owner), first);
}

}  // namespace
}  // namespace postrider
