#include "raylet/lines/line.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "raylet/lines/line_life.h"

namespace mobula::raylet {
namespace {

using base::BootTime;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Lane kControl = Lane::kControl;
constexpr Lane kBulk = Lane::kBulk;
using Dials = std::vector<Lane>;

class LineTest : public testing::Test {
 protected:
  static Line::Options OptionsOf() {
    Line::Options options;
    options.first_life = 7;
    options.seed = 5;
    return options;
  }
  // What the last call did.
  LineEffects& Fresh() { return effects_ = LineEffects(); }
  void Later(base::Duration by) { now_ = now_ + by; }
  void BringUp(Lane lane, std::uint64_t theirs) {
    line_.Want(lane, now_, Fresh());
    ASSERT_EQ(effects_.dial, Dials{lane});
    ASSERT_TRUE(line_.OnUp(lane, theirs, now_, Fresh()));
  }
  Line::Verdict OnHello(std::uint64_t theirs, std::uint64_t ours,
                        std::uint64_t ours_over = 0) {
    NodeHello hello;
    hello.epoch = theirs;
    hello.seen = ours;
    hello.over = ours_over;
    return line_.OnHello(hello, Fresh());
  }
  static NodeWelcome Refusal(NodeRefusal refusal) {
    NodeWelcome welcome;
    welcome.refusal = refusal;
    welcome.reason = "so";
    return welcome;
  }

  BootTime now_ = BootTime::FromSinceBoot(seconds(100));
  Line line_{OptionsOf()};
  LineEffects effects_;
};

TEST_F(LineTest, ALaneIsDialledWhenThereIsSomethingToSend) {
  line_.Know(now_, Fresh());
  EXPECT_TRUE(effects_.dial.empty());
  EXPECT_TRUE(line_.timer().IsNever());
  line_.Want(kBulk, now_, Fresh());
  EXPECT_EQ(effects_.dial, Dials{kBulk});
  line_.Want(kBulk, now_, Fresh());
  EXPECT_TRUE(effects_.dial.empty()) << "it is being dialled";
  EXPECT_TRUE(line_.OnUp(kBulk, 3, now_, Fresh()));
  EXPECT_EQ(line_.life().theirs(), 3u);
  line_.OnAcked(kBulk, /*all=*/true, now_);
  EXPECT_TRUE(line_.timer().IsNever());
  line_.OnDown(kBulk, "cut", now_);
  EXPECT_TRUE(line_.timer().IsNever()) << "an idle one needs no connection";
}

TEST_F(LineTest, OneThatBreaksIsDialledAgainAtOnceAndThenMoreSlowly) {
  line_.Know(now_, Fresh());
  BringUp(kControl, 3);
  line_.OnDown(kControl, "cut", now_);
  EXPECT_EQ(line_.timer(), now_);
  base::Duration longest{};
  for (int dials = 0; dials < 20;) {  // some of the timers only look
    const BootTime at = line_.timer();
    line_.OnTimer(at, Fresh());
    ASSERT_FALSE(effects_.ended);
    if (effects_.dial.empty()) continue;
    ASSERT_EQ(effects_.dial, Dials{kControl});
    ++dials;
    longest = std::max(longest, at - now_);
    now_ = at;
    line_.OnDown(kControl, "nobody", now_);
  }
  EXPECT_LE(longest, milliseconds(500));
  EXPECT_GT(longest, milliseconds(20));
}

TEST_F(LineTest, WithoutProgressItIsGivenUpAndSaysWhy) {
  line_.Know(now_, Fresh());
  BringUp(kControl, 3);
  Later(seconds(29));
  line_.OnTimer(now_, Fresh());
  EXPECT_FALSE(effects_.ended);
  line_.OnMoved(kControl, now_);
  Later(seconds(29));
  line_.OnTimer(now_, Fresh());
  EXPECT_FALSE(effects_.ended) << "the network took something";
  line_.OnDown(kControl, "the cable is cut", now_);
  Later(seconds(2));
  line_.OnTimer(now_, Fresh());
  EXPECT_TRUE(effects_.ended);
  EXPECT_NE(effects_.why.find("31000 ms; the cable is cut"), std::string::npos)
      << effects_.why;
  EXPECT_FALSE(line_.known());
  EXPECT_TRUE(line_.timer().IsNever());
  EXPECT_EQ(line_.life().own(), 8u);
}

TEST_F(LineTest, ComingUpAgainAndAgainIsNoProgress) {
  line_.Know(now_, Fresh());
  BringUp(kControl, 3);
  for (int i = 0; i < 29; ++i) {
    line_.OnDown(kControl, "cut", now_);
    Later(seconds(1));
    line_.OnTimer(now_, Fresh());
    ASSERT_EQ(effects_.dial, Dials{kControl}) << i;
    ASSERT_TRUE(line_.OnUp(kControl, 3, now_, Fresh()));
  }
  Later(seconds(1));
  line_.OnTimer(now_, Fresh());
  EXPECT_TRUE(effects_.ended);
}

TEST_F(LineTest, TheOtherEndIsToldOnceItIsKnownAgain) {
  line_.Know(now_, Fresh());
  BringUp(kControl, 3);
  line_.GiveUp("so", Fresh());
  EXPECT_TRUE(effects_.ended);
  line_.GiveUp("so", Fresh());
  EXPECT_FALSE(effects_.ended) << "once";
  // What is of the life that is over hears so at once, what is new waits.
  EXPECT_EQ(OnHello(3, 7), Line::Verdict::kStale);
  EXPECT_EQ(OnHello(4, 0), Line::Verdict::kWait);
  line_.Know(now_, Fresh());
  EXPECT_EQ(effects_.dial, Dials{kControl});
  line_.OnDown(kControl, "nobody", now_);
  EXPECT_FALSE(line_.timer().IsNever()) << "it tries on";
  EXPECT_EQ(OnHello(4, 0), Line::Verdict::kWelcome);
  line_.OnTimer(line_.timer(), Fresh());
  EXPECT_EQ(effects_.dial, Dials{kControl});
  line_.OnDown(kControl, "nobody", now_);
  EXPECT_TRUE(line_.timer().IsNever()) << "by its own dialling it has heard";
}

TEST_F(LineTest, AStaleOneEndsAndAnyOtherRefusalIsTriedAgain) {
  line_.Know(now_, Fresh());
  line_.Want(kControl, now_, Fresh());
  line_.OnRefused(kControl, Refusal(NodeRefusal::kNotKnown), now_, Fresh());
  EXPECT_FALSE(effects_.ended);
  line_.OnTimer(line_.timer(), Fresh());
  ASSERT_EQ(effects_.dial, Dials{kControl});
  line_.OnRefused(kControl, Refusal(NodeRefusal::kStale), now_, Fresh());
  EXPECT_TRUE(effects_.ended);
  line_.Know(now_, Fresh());
  EXPECT_TRUE(effects_.dial.empty()) << "it knows that itself";
}

TEST_F(LineTest, ANewLifeOfTheOtherEndIsTheEndOfThisOne) {
  line_.Know(now_, Fresh());
  EXPECT_EQ(OnHello(3, 0), Line::Verdict::kWelcome);
  EXPECT_EQ(OnHello(3, 7), Line::Verdict::kWelcome);
  EXPECT_EQ(OnHello(2, 0), Line::Verdict::kStale);
  EXPECT_FALSE(effects_.ended);
  EXPECT_EQ(OnHello(4, 0), Line::Verdict::kWait);
  EXPECT_TRUE(effects_.ended);
  line_.Know(now_, Fresh());
  EXPECT_EQ(OnHello(4, 0), Line::Verdict::kWelcome);
  EXPECT_FALSE(effects_.ended);
  EXPECT_EQ(OnHello(4, 7), Line::Verdict::kStale)
      << "bound to a life of this end that is over";
}

TEST_F(LineTest, ALifeThatTheOtherEndGaveUpUnheardIsOverToo) {
  line_.Know(now_, Fresh());
  // It had heard of life 7 here, although nobody here knows.
  EXPECT_EQ(OnHello(3, 0, /*ours_over=*/7), Line::Verdict::kWait);
  EXPECT_TRUE(effects_.ended);
  line_.Know(now_, Fresh());
  EXPECT_EQ(OnHello(3, 0, 7), Line::Verdict::kWelcome);
}

}  // namespace
}  // namespace mobula::raylet
