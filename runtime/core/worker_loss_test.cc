#include "runtime/core/worker_loss.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/boot_time.h"
#include "base/failure.h"

namespace mobula::runtime {
namespace {

using base::BootTime;

constexpr BootTime kNow = BootTime::FromSinceBoot(std::chrono::seconds(1));

TEST(WorkerLossTest, BothSignsDecideAtOnceInEitherOrder) {
  base::Failure word;
  word.signal = 9;
  for (const bool word_first : {false, true}) {
    WorkerLoss loss;
    EXPECT_FALSE(loss.suspected());
    word_first ? loss.Told(word, kNow) : loss.LinkEnded(kNow);
    EXPECT_TRUE(loss.suspected());
    EXPECT_FALSE(loss.Decided(kNow));
    word_first ? loss.LinkEnded(kNow) : loss.Told(word, kNow);
    EXPECT_TRUE(loss.Decided(kNow));
    EXPECT_TRUE(loss.complete());
    EXPECT_EQ(loss.failure().signal, 9);
  }
}

TEST(WorkerLossTest, OneSignIsBelievedAfterAWhile) {
  WorkerLoss told;
  told.Told(base::Failure(), kNow);
  EXPECT_EQ(told.decide_at(), kNow + WorkerLoss::kLinkPatience);
  WorkerLoss ended;
  ended.LinkEnded(kNow);
  EXPECT_EQ(ended.decide_at(), kNow + WorkerLoss::kWordPatience);
  EXPECT_FALSE(ended.told());
  EXPECT_EQ(ended.failure().code, base::FailureCode::kWorkerDied);
}

TEST(WorkerLossTest, ARepeatedSignChangesNothing) {
  WorkerLoss loss;
  loss.LinkEnded(kNow);
  loss.LinkEnded(kNow + std::chrono::seconds(5));
  EXPECT_EQ(loss.decide_at(), kNow + WorkerLoss::kWordPatience);
}

}  // namespace
}  // namespace mobula::runtime
