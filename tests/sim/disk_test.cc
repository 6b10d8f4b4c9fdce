#include "tests/sim/disk.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/sim/event_queue.h"
#include "tests/sim/network.h"
#include "tests/sim/rng.h"

namespace mobula::sim {
namespace {

class DiskTest : public testing::Test {
 protected:
  // A batch of two writes under the number.
  static Disk::Batch Numbered(int number) {
    const std::string value = std::to_string(number);
    return {{"a" + value, value}, {"b" + value, value}};
  }
  static std::vector<std::string> Keys(const Disk& disk) {
    std::vector<std::string> keys;
    disk.ForEach([&keys](std::string_view key, std::string_view) {
      keys.emplace_back(key);
    });
    return keys;
  }
  Disk Make(const DiskOptions& options, std::uint64_t seed) {
    return Disk(options, Rng(seed), queue_, counts_,
                [this](const gcs::Write&) { ++witnessed_; });
  }

  EventQueue queue_;
  FaultCounts counts_;
  int witnessed_ = 0;
};

TEST_F(DiskTest, BatchesBecomeDurableInTheirOrder) {
  Disk disk = Make({}, 1);
  std::vector<std::uint64_t> durable;
  Disk::Callbacks callbacks;
  callbacks.on_durable = [&durable](std::uint64_t n) { durable.push_back(n); };
  EXPECT_EQ(disk.Open(callbacks), 1u);
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(disk.Append(Numbered(i)), static_cast<std::uint64_t>(i));
  }
  EXPECT_EQ(disk.durable(), 0u);
  while (queue_.RunNext()) {
  }
  EXPECT_EQ(durable, (std::vector<std::uint64_t>{1, 5})) << "gathered";
  EXPECT_EQ(witnessed_, 10);
}

// Whole batches, the first ones, and never fewer than were told.
TEST_F(DiskTest, ACrashKeepsAPrefixOfWhatWasNotTold) {
  bool lost_some = false;
  bool kept_some = false;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Disk disk = Make({}, seed);
    std::uint64_t told = 0;
    Disk::Callbacks callbacks;
    callbacks.on_durable = [&told](std::uint64_t n) { told = n; };
    disk.Open(callbacks);
    for (int i = 1; i <= 4; ++i) disk.Append(Numbered(i));
    queue_.RunNext();
    disk.Crash();
    const std::size_t kept = Keys(disk).size();
    EXPECT_EQ(kept % 2, 0u) << "a torn batch";
    EXPECT_GE(kept, 2 * told);
    lost_some |= kept < 8;
    kept_some |= kept > 2 * told;
    for (std::size_t i = 0; i < kept / 2; ++i) {
      EXPECT_EQ(Keys(disk)[i], "a" + std::to_string(i + 1));
    }
    EXPECT_EQ(disk.Open({}), 2u) << "the next epoch";
    while (queue_.RunNext()) {
    }
    EXPECT_EQ(Keys(disk).size(), kept) << "what the dead one had under way";
    disk.Crash();
  }
  EXPECT_TRUE(lost_some);
  EXPECT_TRUE(kept_some);
}

TEST_F(DiskTest, IsFullForAWhileAndHasRoomWhenHealed) {
  DiskOptions options;
  options.full_interval = std::chrono::milliseconds(10);
  options.full_length_max = std::chrono::milliseconds(10);
  Disk disk = Make(options, 3);
  std::vector<bool> told;
  Disk::Callbacks callbacks;
  callbacks.on_full = [&told](bool full) { told.push_back(full); };
  disk.Open(callbacks);
  while (told.size() < 3) ASSERT_TRUE(queue_.RunNext());
  EXPECT_EQ(told, (std::vector<bool>{true, false, true}));
  disk.Heal();
  EXPECT_FALSE(disk.full());
  while (queue_.RunNext()) {
  }
  EXPECT_FALSE(disk.full());
  EXPECT_EQ(counts_.disk_fulls, 2u);
}

TEST_F(DiskTest, ASyncThatFailsIsTheEnd) {
  DiskOptions options;
  options.sync_fails = 1;
  Disk disk = Make(options, 4);
  bool failed = false;
  Disk::Callbacks callbacks;
  callbacks.on_failed = [&] {
    failed = true;
    disk.Crash();
  };
  disk.Open(callbacks);
  disk.Append(Numbered(1));
  while (queue_.RunNext()) {
  }
  EXPECT_TRUE(failed);
}

}  // namespace
}  // namespace mobula::sim
