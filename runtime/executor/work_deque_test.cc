#include "runtime/executor/work_deque.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

namespace mobula::runtime {
namespace {

struct Item : base::Work {
  std::atomic<int> taken{0};
};

Item* Taken(base::Work* work) {
  auto* const item = static_cast<Item*>(work);
  if (item != nullptr) item->taken.fetch_add(1);
  return item;
}

TEST(WorkDeque, PopsTheNewestStealsTheOldest) {
  WorkDeque deque;
  std::vector<Item> items(4);
  EXPECT_TRUE(deque.Empty());
  EXPECT_EQ(deque.Pop(), nullptr);
  EXPECT_EQ(deque.Steal(), nullptr);
  for (Item& item : items) EXPECT_TRUE(deque.Push(&item));
  EXPECT_EQ(deque.Steal(), &items[0]);
  EXPECT_EQ(deque.Pop(), &items[3]);
  EXPECT_EQ(deque.Pop(), &items[2]);
  EXPECT_FALSE(deque.Empty());
  EXPECT_EQ(deque.Pop(), &items[1]);
  EXPECT_EQ(deque.Pop(), nullptr);
  EXPECT_EQ(deque.Steal(), nullptr);
  EXPECT_TRUE(deque.Empty());
}

TEST(WorkDeque, RefusesWhatIsOverItsSize) {
  WorkDeque deque;
  std::vector<Item> items(WorkDeque::kSizeMax + 1);
  for (std::int64_t i = 0; i < WorkDeque::kSizeMax; ++i) {
    EXPECT_TRUE(deque.Push(&items[static_cast<std::size_t>(i)]));
  }
  EXPECT_FALSE(deque.Push(&items.back()));
  EXPECT_EQ(deque.Steal(), &items[0]);
  EXPECT_TRUE(deque.Push(&items.back()));
}

TEST(WorkDeque, EachComesOutOnceUnderThieves) {
  constexpr std::size_t kItems = 20'000;
  WorkDeque deque;
  std::vector<Item> items(kItems);
  std::atomic<std::size_t> taken{0};
  std::vector<std::thread> thieves;
  for (int i = 0; i < 2; ++i) {
    thieves.emplace_back([&] {
      while (taken.load() < kItems) {
        if (Taken(deque.Steal()) != nullptr) taken.fetch_add(1);
      }
    });
  }
  std::mt19937 random(7);
  std::size_t pushed = 0;
  while (taken.load() < kItems) {
    const bool pushes = pushed < kItems && random() % 8 < 5;
    if (pushes && deque.Push(&items[pushed])) ++pushed;
    if (!pushes && Taken(deque.Pop()) != nullptr) taken.fetch_add(1);
  }
  for (std::thread& thief : thieves) thief.join();
  for (const Item& item : items) ASSERT_EQ(item.taken.load(), 1);
  EXPECT_TRUE(deque.Empty());
}

}  // namespace
}  // namespace mobula::runtime
