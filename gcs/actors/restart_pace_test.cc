#include "gcs/actors/restart_pace.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "base/boot_time.h"
#include "base/ids.h"

namespace mobula::gcs {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const base::ActorId kActor{1, 1};
const base::NodeId kNode{2, 1};

base::BootTime At(base::Duration since_boot) {
  return base::BootTime::FromSinceBoot(since_boot);
}

TEST(RestartPaceTest, WaitsTwiceAsLongAfterEachQuickDeath) {
  RestartPace pace;
  base::BootTime now = At(seconds(1000));
  std::vector<base::Duration> waits;
  for (int i = 0; i < 12; ++i) {
    pace.Begun(kActor, now);
    EXPECT_TRUE(pace.Next().IsNever());
    now = now + milliseconds(5);
    if (!pace.Died(kActor, kNode, now)) {
      EXPECT_FALSE(pace.IsHeld(kActor, now));
      waits.emplace_back(0);
      continue;
    }
    EXPECT_TRUE(pace.IsHeld(kActor, now));
    EXPECT_EQ(pace.Where(kActor), kNode);
    waits.push_back(pace.Next() - now);
    now = pace.Next();
    EXPECT_FALSE(pace.IsHeld(kActor, now));
    EXPECT_TRUE(pace.Release(now + base::Duration(-1)).empty());
    EXPECT_EQ(pace.Release(now), std::vector{kActor});
    EXPECT_TRUE(pace.Release(now).empty());
  }
  const std::vector<base::Duration> expected = {
      milliseconds(0),    milliseconds(0),    milliseconds(100),
      milliseconds(200),  milliseconds(400),  milliseconds(800),
      milliseconds(1600), milliseconds(3200), milliseconds(6400),
      seconds(10),        seconds(10),        seconds(10)};
  EXPECT_EQ(waits, expected);
}

TEST(RestartPaceTest, AGoodLifeBeginsAnew) {
  RestartPace pace;
  base::BootTime now = At(seconds(1000));
  for (int i = 0; i < 3; ++i) {
    pace.Begun(kActor, now);
    EXPECT_EQ(pace.Died(kActor, kNode, now), i == 2);
  }
  pace.Begun(kActor, now);
  now = now + RestartPace::kGoodLife;
  EXPECT_FALSE(pace.Died(kActor, kNode, now));
  pace.Begun(kActor, now);
  EXPECT_FALSE(pace.Died(kActor, kNode, now)) << "the first of a new row";
}

TEST(RestartPaceTest, WhatIsForgottenHoldsNobody) {
  RestartPace pace;
  const base::BootTime now = At(seconds(1000));
  EXPECT_FALSE(pace.Died(kActor, kNode, now)) << "it was never told to begin";
  for (int i = 0; i < 3; ++i) {
    pace.Begun(kActor, now);
    pace.Died(kActor, kNode, now);
  }
  EXPECT_FALSE(pace.Next().IsNever());
  pace.Forget(kActor);
  EXPECT_TRUE(pace.Next().IsNever());
  EXPECT_FALSE(pace.IsHeld(kActor, now));
}

}  // namespace
}  // namespace mobula::gcs
