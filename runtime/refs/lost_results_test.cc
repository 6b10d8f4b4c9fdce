#include "runtime/refs/lost_results.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "base/ids.h"

namespace mobula::runtime {
namespace {

using base::ObjectId;
using base::ProcessId;

constexpr ProcessId kWorker{1, 1};

TEST(LostResultsTest, AreFreedWhenTheEndOfTheirWorkerIsKnown) {
  LostResults results;
  EXPECT_FALSE(results.Note(kWorker, {6, 1}));
  EXPECT_FALSE(results.Note(kWorker, {6, 2}));
  EXPECT_FALSE(results.Note(ProcessId{1, 2}, {6, 3}));
  EXPECT_EQ(results.Gone(kWorker), (std::vector<ObjectId>{{6, 1}, {6, 2}}));
  EXPECT_TRUE(results.Gone(kWorker).empty());
  EXPECT_TRUE(results.Note(kWorker, {6, 4}));
  EXPECT_EQ(results.size(), 1u);
}

TEST(LostResultsTest, OnlyTheLastEndsAreRemembered) {
  LostResults results;
  results.Gone(kWorker);
  for (std::uint64_t n = 0; n < LostResults::kRemembered; ++n) {
    results.Gone(ProcessId{2, n});
  }
  EXPECT_FALSE(results.Note(kWorker, {6, 1}));
  EXPECT_TRUE(results.Note(ProcessId{2, 0}, {6, 1}));
}

}  // namespace
}  // namespace mobula::runtime
