#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "base/ids.h"
#include "base/security/join_token.h"
#include "gcs/core/core.h"
#include "gcs/core/events.h"
#include "gcs/core/fake_store.h"

namespace mobula::gcs {
namespace {

constexpr base::ClusterId kCluster{7, 7};
constexpr base::TokenId kToken{1, 2};

std::string Hash(char digit) { return std::string(64, digit); }

class CoreTokensTest : public testing::Test {
 protected:
  static Core::Options Options() {
    Core::Options options;
    options.cluster = kCluster;
    return options;
  }
  TokenVerdict Make() {
    store_.Step(MakeToken{++calls_, kToken, Hash('a'), 3'600'000, 1});
    return store_.Verdict(calls_);
  }
  TokenVerdict Show(char holder, base::ClusterId cluster = kCluster) {
    store_.Step(ShowToken{++calls_, cluster, kToken, Hash('a'), Hash(holder)});
    return store_.Verdict(calls_);
  }

  FakeStore store_{Options()};
  std::uint64_t calls_ = 0;
};

TEST_F(CoreTokensTest, AUseSurvivesTheStoresDeath) {
  ASSERT_EQ(Make(), TokenVerdict::kDone);
  store_.Kill();
  EXPECT_EQ(Show('1'), TokenVerdict::kDone);
  store_.Kill(std::chrono::minutes(1));
  EXPECT_EQ(Show('2'), TokenVerdict::kUsedUp);
  EXPECT_EQ(store_.core().Count().tokens, 1U);
}

TEST_F(CoreTokensTest, ItsTimeGoesOnWhileTheStoreIsAway) {
  ASSERT_EQ(Make(), TokenVerdict::kDone);
  store_.Kill(std::chrono::hours(1));
  EXPECT_EQ(Show('1'), TokenVerdict::kExpired);
}

TEST_F(CoreTokensTest, OneOfAnotherClusterIsNotLookedUp) {
  ASSERT_EQ(Make(), TokenVerdict::kDone);
  EXPECT_EQ(Show('1', {8, 8}), TokenVerdict::kOtherCluster);
  EXPECT_EQ(store_.written(), 0U);
}

TEST_F(CoreTokensTest, OnAFullDiskNoneIsMadeAndThoseThatAreThereCount) {
  ASSERT_EQ(Make(), TokenVerdict::kDone);
  store_.Step(DiskChanged{true, 0});
  EXPECT_EQ(Make(), TokenVerdict::kDiskFull);
  EXPECT_EQ(Show('1'), TokenVerdict::kDone);
  EXPECT_EQ(store_.written(), 1U);
}

}  // namespace
}  // namespace mobula::gcs
