#include "raylet/objects/stored_objects.h"

#include <gtest/gtest.h>

namespace mobula::raylet {
namespace {

using base::ArenaId;
using base::Extent;
using base::ObjectId;
using base::ObjectName;
using base::ProcessId;
using Added = StoredObjects::Added;

constexpr ArenaId kArena{1, 1};
constexpr ProcessId kOwner{2, 1};
constexpr ProcessId kOther{2, 2};
constexpr ObjectId kObject{3, 1};

Extent At(std::uint64_t offset, std::uint64_t size, std::uint32_t generation) {
  return {kArena, offset, size, generation};
}
ObjectName Named(std::uint64_t number) { return {ObjectId{3, number}, kOwner}; }

TEST(StoredObjectsTest, AFreedObjectLeavesNothing) {
  StoredObjects stored;
  EXPECT_EQ(stored.Add(Named(1), At(64, 100, 1)), Added::kLive);
  EXPECT_EQ(stored.Add(Named(1), At(256, 100, 2)), Added::kLive);
  EXPECT_EQ(stored.bytes(), 200u);
  std::vector<Extent> freed;
  stored.Free(kOwner, kObject, Extent(), false, freed);
  EXPECT_EQ(freed.size(), 2u);
  EXPECT_EQ(stored.size(), 0u);
  EXPECT_EQ(stored.bytes(), 0u);
  EXPECT_EQ(stored.CountIn(kArena), 0u);
  EXPECT_TRUE(stored.OwnedBy(kOwner).empty());
  stored.CheckInvariants();
}

TEST(StoredObjectsTest, OnlyTheOwnerFrees) {
  StoredObjects stored;
  stored.Add(Named(1), At(64, 100, 1));
  std::vector<Extent> freed;
  stored.Free(kOther, kObject, At(64, 100, 1), true, freed);
  stored.Free(kOther, kObject, Extent(), true, freed);
  stored.Free(kOwner, kObject, At(64, 100, 2), false, freed);
  EXPECT_TRUE(freed.empty());
  EXPECT_EQ(stored.size(), 1u);
}

TEST(StoredObjectsTest, AFreeThatComesFirstIsRemembered) {
  StoredObjects stored;
  std::vector<Extent> freed;
  stored.Free(kOwner, kObject, At(64, 100, 1), true, freed);
  EXPECT_TRUE(freed.empty());
  EXPECT_EQ(stored.remembered(), 1u);
  EXPECT_EQ(stored.Add(Named(1), At(64, 100, 1)), Added::kFreed);
  EXPECT_EQ(stored.remembered(), 0u);
  EXPECT_EQ(stored.size(), 0u);
}

TEST(StoredObjectsTest, WhatIsRememberedIsOfOneOwnerAndGeneration) {
  StoredObjects stored;
  std::vector<Extent> freed;
  stored.Free(kOther, kObject, At(64, 100, 1), true, freed);
  EXPECT_EQ(stored.Add(Named(1), At(64, 100, 1)), Added::kLive);
  stored.Free(kOwner, kObject, At(256, 100, 1), true, freed);
  EXPECT_EQ(stored.Add(Named(1), At(256, 100, 2)), Added::kLive);
  stored.Free(kOwner, kObject, At(512, 100, 1), true, freed);
  stored.ForgetRemembered(kArena);
  EXPECT_EQ(stored.remembered(), 0u);
}

TEST(StoredObjectsTest, ExtentsDoNotOverlap) {
  StoredObjects stored;
  EXPECT_EQ(stored.Add(Named(1), At(0, 100, 1)), Added::kRefused);
  EXPECT_EQ(stored.Add(Named(1), At(256, 100, 1)), Added::kLive);
  for (const std::uint64_t offset : {200, 256, 300, 384}) {
    EXPECT_EQ(stored.Add(Named(2), At(offset, 100, 2)), Added::kRefused);
  }
  EXPECT_EQ(stored.Add(Named(2), At(448, 100, 2)), Added::kLive);
  EXPECT_EQ(stored.Add(Named(3), At(64, 100, 3)), Added::kLive);
  stored.CheckInvariants();
}

TEST(StoredObjectsTest, PagesAreCountedOnce) {
  StoredObjects stored;
  stored.Add(Named(1), At(64, 100, 1));
  stored.Add(Named(2), At(1024, 100, 2));
  EXPECT_EQ(stored.PageBytesIn(kArena), 4096u);
  stored.Add(Named(3), At(4096 + 64, 4096, 3));
  EXPECT_EQ(stored.PageBytesIn(kArena), 3 * 4096u);
  stored.Add(Named(4), At(40 * 4096, 10, 4));  // its header is on page 39
  EXPECT_EQ(stored.PageBytesIn(kArena), 5 * 4096u);
}

}  // namespace
}  // namespace mobula::raylet
