#include "runtime/executor/slot/slot_use.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <random>
#include <thread>
#include <vector>

namespace mobula::runtime {
namespace {

TEST(SlotUseTest, IsLentWhileAllThatUseItAreBlocked) {
  std::vector<bool> told;
  SlotUse use([&](bool lends) { told.push_back(lends); });
  std::optional<SlotUse::Share> first(std::in_place, use);
  std::optional<SlotUse::Share> second(std::in_place, use);
  use.Blocked(true);
  EXPECT_TRUE(told.empty()) << "the other one runs";
  use.Blocked(true);
  EXPECT_EQ(told, std::vector<bool>({true}));
  use.Blocked(false);
  EXPECT_EQ(told, std::vector<bool>({true, false}));
  second.reset();
  EXPECT_EQ(told, std::vector<bool>({true, false, true})) << "one is left";
  use.Blocked(false);
  first.reset();
  EXPECT_EQ(told, std::vector<bool>({true, false, true, false}));
  EXPECT_FALSE(use.in_use());
}

TEST(SlotUseTest, WhoIsToldMayBlockAndGoOn) {
  std::vector<bool> told;
  SlotUse* self = nullptr;
  SlotUse use([&](bool lends) {
    told.push_back(lends);
    if (told.size() == 1) self->Blocked(false);
  });
  self = &use;
  const SlotUse::Share share(use);
  use.Blocked(true);
  EXPECT_EQ(told, std::vector<bool>({true, false}));
}

TEST(SlotUseTest, ManyThreadsEndWithItNotLent) {
  std::atomic<int> inside{0};
  std::atomic<bool> lent{false};
  SlotUse use([&](bool lends) {
    EXPECT_EQ(inside.fetch_add(1), 0) << "told by two at once";
    EXPECT_NE(lent.exchange(lends), lends) << "told of no change";
    inside.fetch_sub(1);
  });
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&use, seed] {
      std::mt19937 random(seed);
      for (int i = 0; i < 2'000; ++i) {
        const SlotUse::Share share(use);
        if (random() % 2 == 0) continue;
        use.Blocked(true);
        use.Blocked(false);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(lent.load());
  EXPECT_FALSE(use.in_use());
}

}  // namespace
}  // namespace mobula::runtime
