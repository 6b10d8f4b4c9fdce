#include "base/scheduling/resource_vector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace mobula::base {
namespace {

TEST(ResourceVectorTest, NamesThatAreAbsentCountAsZero) {
  const ResourceVector empty;
  EXPECT_TRUE(empty.IsZero());
  EXPECT_EQ(empty.Get("gpu"), 0);
  EXPECT_EQ(empty.With("gpu", 0), empty);
  EXPECT_EQ(empty.With("gpu", 1).With("gpu", 0), empty);
  EXPECT_TRUE(ResourceVector::Cpus(0).IsZero());
}

TEST(ResourceVectorTest, FitsNeedsEveryName) {
  const ResourceVector free = ResourceVector::Cpus(2).With("gpu", 1);
  EXPECT_TRUE(free.Fits(ResourceVector()));
  EXPECT_TRUE(free.Fits(free));
  EXPECT_TRUE(free.Fits(ResourceVector::Cpus(0.5)));
  EXPECT_FALSE(free.Fits(ResourceVector::Cpus(2.0001)));
  EXPECT_FALSE(free.Fits(ResourceVector::Cpus(1).With("tpu", 0.0001)));
}

TEST(ResourceVectorTest, OversubscribedFitsOnlyWhatNeedsNothingOfIt) {
  ResourceVector free = ResourceVector::Cpus(1).With("gpu", 1);
  free.Subtract(ResourceVector::Cpus(2));
  EXPECT_EQ(free.GetUnits("cpu"), -ResourceVector::kUnit);
  EXPECT_FALSE(free.Fits(ResourceVector::Cpus(0.1)));
  EXPECT_TRUE(free.Fits(ResourceVector().With("gpu", 1)));
}

TEST(ResourceVectorTest, ManySmallTakesAndGivesEndWhereTheyBegan) {
  const ResourceVector total = ResourceVector::Cpus(4).With("gpu", 1);
  const ResourceVector tenth = ResourceVector::Cpus(0.1);
  ResourceVector free = total;
  for (int i = 0; i < 1000; ++i) free.Subtract(tenth);
  for (int i = 0; i < 1000; ++i) free.Add(tenth);
  EXPECT_EQ(free, total);
}

TEST(ResourceVectorTest, CanBeAddedToAndTakenFromItself) {
  ResourceVector vector = ResourceVector::Cpus(1).With("gpu", 2);
  vector.Add(vector);
  EXPECT_EQ(vector, ResourceVector::Cpus(2).With("gpu", 4));
  vector.Subtract(vector);
  EXPECT_TRUE(vector.IsZero());
}

TEST(ResourceVectorTest, Prints) {
  EXPECT_EQ(ResourceVector().ToString(), "{}");
  ResourceVector vector = ResourceVector::Cpus(1).With("gpu", 0.25);
  EXPECT_EQ(vector.ToString(), "{cpu: 1, gpu: 0.25}");
  vector.Subtract(ResourceVector::Cpus(1.0001).With("gpu", 2));
  EXPECT_EQ(vector.ToString(), "{cpu: -0.0001, gpu: -1.75}");
}

TEST(ResourceVectorDeathTest, RefusesQuantitiesThatMakeNoSense) {
  const double nan = std::nan("");
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_DEATH(ResourceVector::Cpus(-1), "check failed");
  EXPECT_DEATH(ResourceVector::Cpus(nan), "check failed");
  EXPECT_DEATH(ResourceVector::Cpus(1.1e6), "check failed");
  EXPECT_DEATH((void)ResourceVector().With("gpu", infinity), "check failed");
}

// Whatever is taken and given back in any order, the total is kept and no name
// is stored with 0.
TEST(ResourceVectorTest, RandomTakesAndGivesKeepTheTotal) {
  std::mt19937_64 random(7);
  const std::vector<std::string> names = {"cpu", "gpu", "memory", "x"};
  ResourceVector total;
  for (const auto& name : names) total = total.With(name, 8);
  ResourceVector free = total;
  std::vector<ResourceVector> taken;
  for (int step = 0; step < 5000; ++step) {
    if (taken.empty() || random() % 2 == 0) {
      ResourceVector need;
      for (const auto& name : names) {
        need = need.With(name, static_cast<double>(random() % 30) / 10);
      }
      if (!free.Fits(need)) continue;
      free.Subtract(need);
      taken.push_back(need);
    } else {
      std::swap(taken[random() % taken.size()], taken.back());
      free.Add(taken.back());
      taken.pop_back();
    }
    ResourceVector sum = free;
    for (const auto& need : taken) sum.Add(need);
    ASSERT_EQ(sum, total) << "step " << step;
    for (const auto& [name, units] : free.units) ASSERT_GT(units, 0) << name;
  }
}

}  // namespace
}  // namespace mobula::base
