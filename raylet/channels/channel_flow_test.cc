#include "raylet/channels/channel_flow.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>

namespace mobula::raylet {
namespace {

using base::kChannelCredit;

TEST(ChannelFlow, SoManyBytesMayGoAndMoreWhenTheyAreGivenBack) {
  ChannelFlow flow;
  EXPECT_EQ(flow.may_send(), kChannelCredit);
  flow.Sent(kChannelCredit - 5);
  EXPECT_EQ(flow.may_send(), 5u);
  EXPECT_TRUE(flow.Credited(100));
  EXPECT_EQ(flow.may_send(), 105u);
  // What was not sent cannot be given back.
  EXPECT_FALSE(flow.Credited(kChannelCredit - 104));
  EXPECT_FALSE(flow.Credited(~std::uint64_t{0}));
  EXPECT_EQ(flow.may_send(), 105u);
  EXPECT_TRUE(flow.Credited(kChannelCredit - 105));
  EXPECT_EQ(flow.may_send(), kChannelCredit);
}

TEST(ChannelFlow, WhatWasTakenIsGivenBackHalfOfItAtATime) {
  ChannelFlow flow;
  ASSERT_TRUE(flow.Arrived(kChannelCredit));
  EXPECT_EQ(flow.Taken(0), 0u);
  EXPECT_EQ(flow.Taken(kChannelCredit / 2 - 1), 0u);
  EXPECT_EQ(flow.owed(), kChannelCredit / 2 - 1);
  EXPECT_EQ(flow.Taken(2), kChannelCredit / 2 + 1);
  EXPECT_EQ(flow.owed(), 0u);
  EXPECT_EQ(flow.waiting(), kChannelCredit / 2 - 1);
}

TEST(ChannelFlow, TheLastWordsOfAProcessAreNotHeldBackAndStillBounded) {
  ChannelFlow sender;
  ChannelFlow receiver;
  sender.Sent(kChannelCredit);
  ASSERT_TRUE(receiver.Arrived(kChannelCredit));
  sender.Ending();
  EXPECT_EQ(sender.may_send(), ChannelFlow::kLastBytesMax);
  EXPECT_FALSE(receiver.Arrived(ChannelFlow::kLastBytesMax + 1));
  EXPECT_EQ(receiver.waiting(), kChannelCredit);
  EXPECT_TRUE(receiver.Arrived(ChannelFlow::kLastBytesMax));
  EXPECT_FALSE(receiver.Arrived(1));
  EXPECT_FALSE(receiver.Arrived(~std::uint64_t{0}));
}

TEST(ChannelFlowDeathTest, ItIsAMistakeToSendOrTakeMoreThanThereIs) {
  EXPECT_DEATH(ChannelFlow().Sent(kChannelCredit + 1), "more was sent");
  EXPECT_DEATH(static_cast<void>(ChannelFlow().Taken(1)), "more was taken");
}

// One way between two ends: what each byte is at any time, and that it goes on.
class Way {
 public:
  explicit Way(std::uint64_t seed) : random_(seed) {}

  void Step() {
    switch (random_() % 4) {
      case 0:
        if (const std::uint64_t n = UpTo(from_.may_send()); n > 0) {
          from_.Sent(n);
          on_their_way_.push_back(n);
          sent_ += n;
        }
        break;
      case 1:
        if (on_their_way_.empty()) break;
        ASSERT_TRUE(to_.Arrived(on_their_way_.front()));
        on_their_way_.pop_front();
        break;
      case 2:
        if (const std::uint64_t n = to_.Taken(UpTo(to_.waiting())); n > 0) {
          EXPECT_GE(n, kChannelCredit / 2);
          credits_.push_back(n);
        }
        break;
      default:
        if (credits_.empty()) break;
        ASSERT_TRUE(from_.Credited(credits_.front()));
        credits_.pop_front();
    }
    std::uint64_t sum = from_.may_send() + to_.waiting() + to_.owed();
    for (const std::uint64_t n : on_their_way_) sum += n;
    for (const std::uint64_t n : credits_) sum += n;
    ASSERT_EQ(sum, kChannelCredit);
    if (on_their_way_.empty() && credits_.empty() && to_.waiting() == 0) {
      ASSERT_GT(from_.may_send(), kChannelCredit / 2);
    }
  }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }

  // The last words, whatever the state.
  void End() {
    from_.Ending();
    for (const std::uint64_t n : on_their_way_) ASSERT_TRUE(to_.Arrived(n));
    ASSERT_TRUE(to_.Arrived(from_.may_send()));
  }

 private:
  // Often all of it, often little.
  std::uint64_t UpTo(std::uint64_t most) {
    if (most == 0 || random_() % 3 == 0) return most;
    return random_() % (random_() % 2 == 0 ? most : std::min(most, kFew)) + 1;
  }
  static constexpr std::uint64_t kFew = 2000;

  std::mt19937_64 random_;
  ChannelFlow from_;
  ChannelFlow to_;
  std::deque<std::uint64_t> on_their_way_;
  std::deque<std::uint64_t> credits_;
  std::uint64_t sent_ = 0;
};

TEST(ChannelFlow, NoByteIsLostAndNothingStallsWhateverTheOrder) {
  std::uint64_t sent = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Way way(seed);
    for (int i = 0; i < 1000; ++i) {
      way.Step();
      if (testing::Test::HasFatalFailure()) return;
    }
    sent += way.sent();
    way.End();
  }
  EXPECT_GT(sent, 200 * 5 * kChannelCredit);
}

}  // namespace
}  // namespace mobula::raylet
