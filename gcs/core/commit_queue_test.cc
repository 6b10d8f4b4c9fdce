#include "gcs/core/commit_queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_message.h"
#include "base/ids.h"
#include "gcs/core/events.h"

namespace mobula::gcs {
namespace {

const base::ProcessId kPeer{1, 1};

Send Say(std::uint64_t sequence) {
  return Send{kPeer, base::NodeRenewed{sequence}};
}

Write Put(std::string key) { return Write{std::move(key), "value"}; }

SetTimer At(std::int64_t seconds) {
  return SetTimer{base::BootTime::FromSinceBoot(std::chrono::seconds(seconds))};
}

// The sequences of what was sent, in order; 0 for anything else.
std::vector<std::uint64_t> Said(const Effects& effects) {
  std::vector<std::uint64_t> said;
  for (const Effect& effect : effects) {
    const auto* const send = std::get_if<Send>(&effect);
    said.push_back(send == nullptr
                       ? 0
                       : std::get<base::NodeRenewed>(send->message).sequence);
  }
  return said;
}

class CommitQueueTest : public ::testing::Test {
 protected:
  std::vector<std::uint64_t> Take(Effects effects) {
    Effects released;
    queue_.Take(effects, released, batch_);
    EXPECT_TRUE(effects.empty());
    return Said(released);
  }
  std::vector<std::uint64_t> Durable(std::uint64_t number) {
    Effects released;
    queue_.Durable(number, released);
    return Said(released);
  }

  CommitQueue queue_{CommitQueue::Options()};
  Batch batch_;
};

using Numbers = std::vector<std::uint64_t>;

TEST_F(CommitQueueTest, WhatWroteNothingGoesOutAtOnce) {
  EXPECT_EQ(Take({Say(1), ClosePeer{kPeer}, Say(2)}), (Numbers{1, 0, 2}));
  EXPECT_TRUE(batch_.empty());
  EXPECT_EQ(queue_.held(), 0u);
}

TEST_F(CommitQueueTest, HoldsEffectsOfAStepUntilItsWritesAreDurable) {
  EXPECT_EQ(Take({Say(1), Put("a"), Say(2), Put("b")}), Numbers());
  ASSERT_EQ(batch_.size(), 2u);
  EXPECT_EQ(batch_[0].key, "a");
  EXPECT_EQ(batch_[1].key, "b");
  queue_.Appended(7);
  EXPECT_EQ(Durable(6), Numbers());
  EXPECT_EQ(Durable(7), (Numbers{1, 2}));
  EXPECT_EQ(queue_.held(), 0u);
}

TEST_F(CommitQueueTest, LaterStepsWaitForEarlierBatches) {
  Take({Put("a"), Say(1)});
  queue_.Appended(1);
  EXPECT_EQ(Take({Say(2)}), Numbers()) << "it may tell of what was written";
  Take({Put("b"), Say(3)});
  queue_.Appended(2);
  EXPECT_EQ(Take({Say(4)}), Numbers());
  EXPECT_EQ(Durable(1), (Numbers{1, 2}));
  EXPECT_EQ(Durable(2), (Numbers{3, 4}));
  EXPECT_EQ(Take({Say(5)}), (Numbers{5}));
}

TEST_F(CommitQueueTest, AStepThatOnlyWroteHoldsWhatComesAfterIt) {
  Take({Put("a")});
  queue_.Appended(1);
  EXPECT_EQ(Take({Say(1)}), Numbers());
  EXPECT_EQ(Durable(1), (Numbers{1}));
}

TEST_F(CommitQueueTest, TheTimerWaitsForNothing) {
  Effects effects = {Put("a"), At(3), Say(1)};
  Effects released;
  queue_.Take(effects, released, batch_);
  ASSERT_EQ(released.size(), 1u);
  EXPECT_EQ(std::get<SetTimer>(released[0]).at, At(3).at);
}

TEST_F(CommitQueueTest, SaysWhenItIsFull) {
  CommitQueue::Options options;
  options.held_max = 2;
  CommitQueue queue(options);
  Effects effects = {Put("a"), Say(1)};
  Effects released;
  Batch batch;
  queue.Take(effects, released, batch);
  queue.Appended(1);
  EXPECT_FALSE(queue.Full());
  effects = {Say(2)};
  queue.Take(effects, released, batch);
  EXPECT_TRUE(queue.Full());
  queue.Durable(1, released);
  EXPECT_FALSE(queue.Full());
  EXPECT_EQ(Said(released), (Numbers{1, 2}));
}

TEST_F(CommitQueueTest, ThePlantLetsRepliesGoBeforeTheirWrites) {
  CommitQueue::Options options;
  options.plant_reply_before_write = true;
  CommitQueue queue(options);
  Effects effects = {Put("a"), Say(1)};
  Effects released;
  Batch batch;
  queue.Take(effects, released, batch);
  EXPECT_EQ(batch.size(), 1u);
  EXPECT_EQ(Said(released), (Numbers{1}));
}

using CommitQueueDeathTest = CommitQueueTest;

TEST_F(CommitQueueDeathTest, ChecksTheOrderOfItsCalls) {
  Take({Put("a")});
  EXPECT_DEATH(Take({Say(1)}), "Appended comes before the next Take");
  queue_.Appended(3);
  EXPECT_DEATH(queue_.Appended(4), "a batch that Take did not give");
  EXPECT_DEATH(Durable(4), "durable and never appended");
}

// Against a model: effect k may be out only when all batches up to its own
// are durable, and they come out in order.
TEST(CommitQueueRandomTest, NothingIsSeenBeforeItIsDurable) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::uint64_t state = seed * 0x9E3779B97F4A7C15ULL;
    const auto next = [&state](std::uint64_t below) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      return (state >> 33) % below;
    };
    CommitQueue queue{CommitQueue::Options()};
    std::deque<std::uint64_t> waits_for;  // of each effect not seen yet
    std::uint64_t appended = 0, durable = 0, said = 0, seen = 0;
    const auto check = [&](const Effects& released) {
      for (const std::uint64_t sequence : Said(released)) {
        ASSERT_EQ(sequence, ++seen) << "seed " << seed;
        ASSERT_LE(waits_for.front(), durable) << "seed " << seed;
        waits_for.pop_front();
      }
      ASSERT_TRUE(waits_for.empty() || waits_for.front() > durable)
          << "held for nothing; seed " << seed;
    };
    for (int step = 0; step < 200; ++step) {
      Effects effects, released;
      Batch batch;
      if (next(3) == 0 && durable < appended) {
        durable += 1 + next(appended - durable);
        queue.Durable(durable, released);
      } else {
        const std::uint64_t writes = next(3), says = next(4);
        for (std::uint64_t i = 0; i < writes; ++i) effects.push_back(Put("k"));
        for (std::uint64_t i = 0; i < says; ++i) effects.push_back(Say(++said));
        if (writes > 0) appended += 1 + next(2);
        waits_for.insert(waits_for.end(), says, appended);
        queue.Take(effects, released, batch);
        ASSERT_EQ(batch.size(), writes);
        if (writes > 0) queue.Appended(appended);
      }
      check(released);
    }
  }
}

}  // namespace
}  // namespace mobula::gcs
