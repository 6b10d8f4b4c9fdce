#include "runtime/streams/stream_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>

#include "base/failure.h"
#include "base/ids.h"

namespace mobula::runtime {
namespace {

using base::ObjectId;

ObjectId Item(std::uint64_t n) { return {1, n + 1}; }
ObjectId Cell(std::uint64_t n) { return {2, n + 1}; }
base::Failure Why() {
  return base::MakeFailure(base::FailureCode::kUserException,
                           base::Executed::kYes, "it threw");
}

TEST(StreamQueueTest, ItemsAreGivenInOrderToWhoAsked) {
  StreamQueue queue(4);
  queue.Ask(Cell(0));
  EXPECT_FALSE(queue.Give().has_value());
  EXPECT_TRUE(queue.Arrived(0, Item(0)));
  EXPECT_TRUE(queue.Arrived(1, Item(1)));
  auto given = queue.Give();
  ASSERT_TRUE(given.has_value());
  EXPECT_EQ(given->cell, Cell(0));
  EXPECT_EQ(given->item, Item(0));
  EXPECT_FALSE(queue.Give().has_value()) << "nobody asked for it";
  queue.Ask(Cell(1));
  EXPECT_EQ(queue.Give()->item, Item(1));
}

TEST(StreamQueueTest, WhatIsOutOfTurnOrHasNoLeaveIsRefused) {
  StreamQueue queue(2);
  EXPECT_FALSE(queue.Arrived(1, Item(1)));
  EXPECT_TRUE(queue.Arrived(0, Item(0)));
  EXPECT_FALSE(queue.Arrived(0, Item(0))) << "twice";
  EXPECT_TRUE(queue.Arrived(1, Item(1)));
  EXPECT_FALSE(queue.Arrived(2, Item(2))) << "no leave";
  queue.End(std::nullopt);
  EXPECT_FALSE(queue.Arrived(2, Item(2)));
}

TEST(StreamQueueTest, AFailureComesAfterTheItemsOnceAndThenTheEnd) {
  StreamQueue queue(4);
  EXPECT_TRUE(queue.Arrived(0, Item(0)));
  queue.End(Why());
  for (int i = 0; i < 4; ++i) queue.Ask(Cell(static_cast<std::uint64_t>(i)));
  EXPECT_EQ(queue.Give()->item, Item(0));
  EXPECT_EQ(queue.Give()->failure, Why());
  for (int i = 0; i < 2; ++i) {
    const auto end = queue.Give();
    ASSERT_TRUE(end.has_value());
    EXPECT_FALSE(end->item.has_value());
    EXPECT_FALSE(end->failure.has_value());
  }
  EXPECT_FALSE(queue.Give().has_value());
}

TEST(StreamQueueTest, TheLimitIsToldWhenHalfAWindowIsTaken) {
  StreamQueue queue(4);
  EXPECT_EQ(queue.limit(), 4u);
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_TRUE(queue.Arrived(i, Item(i)));
  for (std::uint64_t i = 0; i < 4; ++i) {
    queue.Ask(Cell(i));
    ASSERT_TRUE(queue.Give().has_value());
    EXPECT_FALSE(queue.NewLimit().has_value()) << "given is not taken";
    queue.Taken();
    EXPECT_EQ(queue.NewLimit(), i % 2 == 1 ? std::optional(5 + i)
                                           : std::optional<std::uint64_t>());
  }
  queue.Taken();
  queue.Taken();
  EXPECT_FALSE(queue.NewLimit().has_value()) << "more than was given";
  EXPECT_TRUE(queue.Arrived(4, Item(4)));
  EXPECT_EQ(queue.TellLimit(), 8u);
}

TEST(StreamQueueTest, AWindowOfOneIsToldEachTime) {
  StreamQueue queue(1);
  for (std::uint64_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(queue.Arrived(i, Item(i)));
    EXPECT_FALSE(queue.Arrived(i + 1, Item(i + 1)));
    queue.Ask(Cell(i));
    ASSERT_TRUE(queue.Give().has_value());
    queue.Taken();
    EXPECT_EQ(queue.NewLimit(), i + 2);
  }
}

TEST(StreamQueueTest, ClearGivesBackWhatNobodyTook) {
  StreamQueue queue(4);
  EXPECT_TRUE(queue.Arrived(0, Item(0)));
  EXPECT_TRUE(queue.Arrived(1, Item(1)));
  queue.Ask(Cell(0));
  ASSERT_TRUE(queue.Give().has_value());
  EXPECT_EQ(queue.Clear().items, std::deque<ObjectId>{Item(1)});
  queue.Ask(Cell(1));
  EXPECT_EQ(queue.Clear().cells, std::deque<ObjectId>{Cell(1)});
  queue.Ask(Cell(2));
  EXPECT_FALSE(queue.Give().has_value());
}

// A generator that goes as far as it may, a reader that asks now and then, in
// an order that the seed decides: each item comes once, in order, the generator
// never runs ahead of the window, and neither waits for ever.
void RunSeed(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const std::uint32_t window = 1 + random() % 7;
  const std::uint64_t count = random() % 40;
  StreamQueue queue(window);
  std::uint64_t made = 0;
  std::uint64_t limit = 1;  // as its generator knows
  std::uint64_t asked = 0;
  std::uint64_t taken = 0;
  std::deque<StreamQueue::Given> unread;
  bool saw_end = false;
  for (int step = 0; step < 100'000 && !saw_end; ++step) {
    switch (random() % 5) {
      case 0:
        limit = std::max(limit, queue.TellLimit());  // another attempt
        break;
      case 1:
        if (made < count && made < limit) {
          ASSERT_LT(made, taken + window);
          ASSERT_TRUE(queue.Arrived(made, Item(made)));
          ++made;
        } else if (made == count && !queue.ended()) {
          queue.End(std::nullopt);
        }
        break;
      case 2:
        if (asked < taken + 3) queue.Ask(Cell(asked++));
        break;
      case 3:
        if (!unread.empty()) {
          const StreamQueue::Given one = unread.front();
          unread.pop_front();
          saw_end = !one.item.has_value();
          if (saw_end) break;
          ASSERT_EQ(one.item, Item(taken));
          ++taken;
          queue.Taken();
        }
        break;
      default:
        if (const auto told = queue.NewLimit()) limit = *told;
    }
    while (const auto given = queue.Give()) unread.push_back(*given);
  }
  ASSERT_TRUE(saw_end) << "somebody waits for ever";
  ASSERT_EQ(taken, count);
}

TEST(StreamQueueTest, NothingIsLostNorAheadInAnyOrder) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RunSeed(seed);
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace mobula::runtime
