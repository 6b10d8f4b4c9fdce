#include "raylet/spawn/keeper_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <utility>

namespace mobula::raylet {
namespace {

using base::BootTime;
using std::chrono::milliseconds;
using std::chrono::seconds;
using enum KeeperAction;

constexpr KeeperChild kStore = KeeperChild::kControlStore;
constexpr KeeperChild kRaylet = KeeperChild::kRaylet;

BootTime At(base::Duration since) { return BootTime::FromSinceBoot(since); }

class KeeperPolicyTest : public testing::Test {
 protected:
  using Actions = KeeperPolicy::Actions;

  static KeeperPolicy Make(bool has_store) {
    KeeperPolicy::Options options;
    options.has_control_store = has_store;
    return KeeperPolicy(options);
  }
  // A head of which all serves since `now_`.
  void BeginHead() {
    Actions actions;
    policy_.Begin(now_, actions);
    policy_.Serves(kStore, now_, actions);
    policy_.Serves(kRaylet, now_, actions);
    EXPECT_EQ(actions, (Actions{kStartControlStore, kStartRaylet, kSayReady}));
  }
  Actions End(KeeperChild child, bool in_order = false) {
    Actions actions;
    policy_.Ended(child, in_order, now_, actions);
    return actions;
  }
  Actions Stop() {
    Actions actions;
    policy_.StopAsked(now_, actions);
    return actions;
  }
  Actions Tick() {
    Actions actions;
    policy_.Tick(now_, actions);
    return actions;
  }

  KeeperPolicy policy_ = Make(true);
  BootTime now_ = At(seconds(100));
};

TEST_F(KeeperPolicyTest, AFurtherNodeHasNoControlStore) {
  KeeperPolicy policy = Make(false);
  Actions actions;
  policy.Begin(now_, actions);
  EXPECT_EQ(actions, (Actions{kStartRaylet}));
  actions.clear();
  policy.Serves(kRaylet, now_, actions);
  EXPECT_EQ(actions, (Actions{kSayReady}));
  actions.clear();
  policy.StopAsked(now_, actions);
  policy.Ended(kRaylet, true, now_, actions);
  EXPECT_EQ(actions, (Actions{kEndRaylet, kSweepRaylet, kFinish}));
  EXPECT_FALSE(policy.failed());
}

TEST_F(KeeperPolicyTest, ReadyIsSaidOnceBothServe) {
  Actions actions;
  policy_.Begin(now_, actions);
  actions.clear();
  policy_.Serves(kRaylet, now_, actions);
  policy_.Serves(kRaylet, now_, actions);
  EXPECT_TRUE(actions.empty());
  policy_.Serves(kStore, now_, actions);
  EXPECT_EQ(actions, (Actions{kSayReady}));
  EXPECT_TRUE(policy_.keeping());
}

TEST_F(KeeperPolicyTest, AStoreThatEndsInTheStartFailsIt) {
  Actions actions;
  policy_.Begin(now_, actions);
  EXPECT_EQ(End(kStore), (Actions{kEndRaylet}));
  EXPECT_EQ(End(kRaylet, true), (Actions{kSweepRaylet, kFinish}));
  EXPECT_TRUE(policy_.failed());
}

TEST_F(KeeperPolicyTest, ARayletThatEndsInTheStartFailsIt) {
  Actions actions;
  policy_.Begin(now_, actions);
  EXPECT_EQ(End(kRaylet),
            (Actions{kSweepRaylet, kReportRaylet, kEndControlStore}));
  EXPECT_EQ(End(kStore), (Actions{kFinish}));
  EXPECT_TRUE(policy_.failed());
}

TEST_F(KeeperPolicyTest, AHealthyStoreIsStartedAgainAtOnceEachTime) {
  BeginHead();
  for (int i = 0; i < 100; ++i) {
    now_ = now_ + seconds(2);
    EXPECT_EQ(End(kStore), (Actions{kStartControlStore}));
    Actions actions;
    policy_.Serves(kStore, now_, actions);
    EXPECT_TRUE(actions.empty());
  }
}

TEST_F(KeeperPolicyTest, AStoreThatEndsAtOnceWaitsUpToHalfASecond) {
  BeginHead();
  EXPECT_EQ(End(kStore), (Actions{kStartControlStore}));
  const int expected_ms[] = {20, 40, 80, 160, 320, 500, 500, 500};
  for (const int wait : expected_ms) {
    EXPECT_TRUE(End(kStore).empty());
    EXPECT_EQ(policy_.wakeup(), now_ + milliseconds(wait));
    now_ = now_ + milliseconds(wait - 1);
    EXPECT_TRUE(Tick().empty());
    now_ = now_ + milliseconds(1);
    EXPECT_EQ(Tick(), (Actions{kStartControlStore}));
    EXPECT_TRUE(policy_.wakeup().IsNever());
  }
}

TEST_F(KeeperPolicyTest, ARayletThatDiesIsSweptAndReportedFirst) {
  BeginHead();
  EXPECT_EQ(End(kRaylet), (Actions{kSweepRaylet, kReportRaylet, kStartRaylet}));
}

TEST_F(KeeperPolicyTest, ARayletThatLeftInOrderIsNotReported) {
  BeginHead();
  EXPECT_EQ(End(kRaylet, true), (Actions{kSweepRaylet, kStartRaylet}));
}

TEST_F(KeeperPolicyTest, StopEndsTheRayletFirst) {
  BeginHead();
  EXPECT_EQ(Stop(), (Actions{kEndRaylet}));
  EXPECT_TRUE(Stop().empty());
  EXPECT_EQ(End(kRaylet, true), (Actions{kSweepRaylet, kEndControlStore}));
  EXPECT_EQ(End(kStore, true), (Actions{kFinish}));
}

TEST_F(KeeperPolicyTest, AStoreThatDiesInTheStopIsNotStartedAgain) {
  BeginHead();
  EXPECT_EQ(Stop(), (Actions{kEndRaylet}));
  EXPECT_TRUE(End(kStore).empty());
  EXPECT_EQ(End(kRaylet, true), (Actions{kSweepRaylet, kFinish}));
}

TEST_F(KeeperPolicyTest, WhoDoesNotEndIsKilled) {
  BeginHead();
  EXPECT_EQ(Stop(), (Actions{kEndRaylet}));
  EXPECT_EQ(policy_.wakeup(), now_ + seconds(10));
  now_ = now_ + seconds(10);
  EXPECT_EQ(Tick(), (Actions{kKillRaylet}));
  EXPECT_EQ(End(kRaylet),
            (Actions{kSweepRaylet, kReportRaylet, kEndControlStore}));
  now_ = now_ + seconds(10);
  EXPECT_EQ(Tick(), (Actions{kKillControlStore}));
  EXPECT_EQ(End(kStore), (Actions{kFinish}));
}

TEST_F(KeeperPolicyTest, AStopWhileAStartIsAwaitedStartsNothing) {
  BeginHead();
  End(kStore);
  EXPECT_TRUE(End(kStore).empty());
  EXPECT_EQ(Stop(), (Actions{kEndRaylet}));
  now_ = now_ + seconds(1);
  EXPECT_TRUE(Tick().empty());
  EXPECT_EQ(End(kRaylet, true), (Actions{kSweepRaylet, kFinish}));
}

// Random lives: a child is only started while it does not run, and asked to
// end while it does; a raylet's end is swept before the next begins; after a
// stop nothing starts; all ends in one kFinish.
class RandomLife {
 public:
  explicit RandomLife(std::uint32_t seed) : random_(seed) {
    KeeperPolicy::Options options;
    options.has_control_store = random_() % 2 == 0;
    policy_.emplace(options);
  }

  void Run() {
    KeeperPolicy::Actions actions;
    policy_->Begin(now_, actions);
    Check(actions);
    const unsigned stop_after = random_() % 60;
    for (unsigned step = 0; step < 1000 && !finished_; ++step) {
      actions.clear();
      now_ = now_ + milliseconds(random_() % 700);
      if (step == stop_after) {
        stopping_ = true;
        policy_->StopAsked(now_, actions);
      } else {
        OneEvent(actions);
      }
      Check(actions);
    }
    EXPECT_TRUE(finished_);
  }

 private:
  void OneEvent(KeeperPolicy::Actions& actions) {
    const KeeperChild child = random_() % 2 == 0 ? kStore : kRaylet;
    switch (random_() % 4) {
      case 0:
        if (!runs_[child]) return;
        runs_[child] = false;
        swept_ = swept_ && child != kRaylet;
        if (!policy_->keeping()) stopping_ = true;
        policy_->Ended(child, random_() % 2 == 0, now_, actions);
        return;
      case 1:
        policy_->Serves(child, now_, actions);
        return;
      default:
        policy_->Tick(now_, actions);
    }
  }

  void Check(const KeeperPolicy::Actions& actions) {
    for (const KeeperAction action : actions) {
      ASSERT_FALSE(finished_) << "something after the finish";
      Check(action);
    }
  }
  void Check(KeeperAction action) {
    switch (action) {
      case kStartControlStore:
      case kStartRaylet: {
        const KeeperChild child = action == kStartRaylet ? kRaylet : kStore;
        EXPECT_FALSE(runs_[child] || stopping_);
        EXPECT_TRUE(child == kStore || swept_);
        runs_[child] = true;
        return;
      }
      case kEndControlStore:
      case kKillControlStore:
        EXPECT_TRUE(runs_[kStore] && !runs_[kRaylet]);
        return;
      case kEndRaylet:
      case kKillRaylet:
        EXPECT_TRUE(runs_[kRaylet]);
        return;
      case kSweepRaylet:
        EXPECT_FALSE(runs_[kRaylet] || swept_);
        swept_ = true;
        return;
      case kFinish:
        EXPECT_TRUE(stopping_ && swept_);
        EXPECT_FALSE(runs_[kRaylet] || runs_[kStore]);
        finished_ = true;
        return;
      case kReportRaylet:
        EXPECT_TRUE(swept_);
        return;
      case kSayReady:
        EXPECT_FALSE(std::exchange(said_ready_, true));
        return;
    }
  }

  std::mt19937 random_;
  std::optional<KeeperPolicy> policy_;
  BootTime now_ = At(seconds(1));
  std::map<KeeperChild, bool> runs_;
  bool swept_ = true;
  bool stopping_ = false;
  bool finished_ = false;
  bool said_ready_ = false;
};

TEST(KeeperPolicyRandomTest, KeepsItsInvariants) {
  for (std::uint32_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomLife(seed).Run();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace mobula::raylet
