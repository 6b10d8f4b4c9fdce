#include "gcs/core/fuzz_restore.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace mobula::gcs {
namespace {

void Mutate(std::mt19937_64& random, std::string* bytes) {
  if (bytes->empty()) return;
  const std::size_t at = random() % bytes->size();
  switch (random() % 4) {
    case 0:
      bytes->insert(at, 1, static_cast<char>(random()));
      return;
    case 1:
      bytes->erase(at, 1);
      return;
    default:
      (*bytes)[at] = static_cast<char>(random());
      return;
  }
}

TEST(FuzzRestoreTest, SeedsAreTaken) {
  for (const std::string& seed : RestoreSeeds()) {
    EXPECT_TRUE(RestoreAnything(seed));
  }
}

TEST(FuzzRestoreTest, MutatedSeedsNeverBreakACore) {
  const std::vector<std::string> seeds = RestoreSeeds();
  std::mt19937_64 random(1);
  int taken = 0;
  constexpr int kRuns = 20'000;
  for (int run = 0; run < kRuns; ++run) {
    std::string bytes = seeds[random() % seeds.size()];
    const std::size_t mutations = 1 + random() % 3;
    for (std::size_t i = 0; i < mutations; ++i) Mutate(random, &bytes);
    if (RestoreAnything(bytes)) ++taken;
  }
  // Both outcomes are met, so neither path goes untried.
  EXPECT_GT(taken, kRuns / 100);
  EXPECT_LT(taken, kRuns);
}

}  // namespace
}  // namespace mobula::gcs
