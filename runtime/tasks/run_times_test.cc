#include "runtime/tasks/run_times.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace mobula::runtime {
namespace {

std::int64_t Credits(const RunTimes& times, std::uint32_t function) {
  return RunTimes::kInFlightNs / times.CostNs(function);
}

TEST(RunTimesTest, OneOfAnUnknownFunctionFillsAWorker) {
  RunTimes times;
  const std::uint32_t f = times.Intern({7, 1}, "F");
  EXPECT_EQ(Credits(times, f), 1);
}

TEST(RunTimesTest, CreditsFollowTheTimeWithinTheirBounds) {
  RunTimes times;
  const std::uint32_t ten_us = times.Intern({7, 1}, "F");
  const std::uint32_t nothing = times.Intern({7, 2}, "G");
  const std::uint32_t long_one = times.Intern({7, 3}, "H");
  times.Record(ten_us, 10'000);
  times.Record(nothing, 0);
  times.Record(long_one, 5'000'000);
  EXPECT_EQ(Credits(times, ten_us), 20);
  EXPECT_EQ(Credits(times, nothing), RunTimes::kCreditsMax);
  EXPECT_EQ(Credits(times, long_one), 1);
}

TEST(RunTimesTest, TheMeanForgetsSlowly) {
  RunTimes times;
  const std::uint32_t f = times.Intern({7, 1}, "F");
  times.Record(f, 8'000);
  times.Record(f, 16'000);
  EXPECT_EQ(times.CostNs(f), 9'000);
  for (int i = 0; i < 100; ++i) times.Record(f, 16'000);
  EXPECT_GT(times.CostNs(f), 15'900);
  times.Record(f, -5);  // a clock that went backwards elsewhere
  EXPECT_GT(times.CostNs(f), 0);
}

TEST(RunTimesTest, AFunctionHasOneIndex) {
  RunTimes times;
  const std::uint32_t f = times.Intern({7, 1}, "F");
  const std::uint32_t g = times.Intern({7, 2}, "G");
  EXPECT_NE(f, g);
  EXPECT_EQ(times.Intern({7, 1}, "F"), f);
  EXPECT_EQ(times.name(g), "G");
  EXPECT_EQ(times.id(f), (base::FunctionId{7, 1}));
}

}  // namespace
}  // namespace mobula::runtime
