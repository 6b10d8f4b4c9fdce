#include "base/frames/fuzz_frames.h"

#include <gtest/gtest.h>

#include <random>

namespace mobula::base {
namespace {

void Mutate(std::mt19937_64& random, std::string* bytes) {
  const std::size_t at = 1 + random() % bytes->size();
  switch (random() % 4) {
    case 0:
      return bytes->resize(at);
    case 1:
      bytes->insert(at, bytes->substr(random() % bytes->size(), 40));
      return;
    default:
      if (at < bytes->size()) {
        (*bytes)[at] = static_cast<char>(random() % 3 == 0 ? random() : at % 8);
      }
      return;
  }
}

TEST(FuzzFramesTest, SeedsAreAccepted) {
  for (const std::string& seed : FrameSeeds()) {
    EXPECT_TRUE(ReadAnything(seed)) << static_cast<int>(seed[0]);
  }
}

TEST(FuzzFramesTest, MutatedSeedsAndRandomBytesDoNoHarm) {
  std::mt19937_64 random(17);
  const std::vector<std::string> seeds = FrameSeeds();
  int accepted = 0;
  constexpr int kRuns = 20'000;
  for (int run = 0; run < kRuns; ++run) {
    std::string bytes = seeds[random() % seeds.size()];
    const std::size_t mutations = 1 + random() % 3;
    for (std::size_t i = 0; i < mutations; ++i) Mutate(random, &bytes);
    if (ReadAnything(bytes)) ++accepted;
    std::string noise(random() % 100, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    ReadAnything(noise);
  }
  // Both outcomes are met, so neither path goes untried.
  EXPECT_GT(accepted, kRuns / 100);
  EXPECT_LT(accepted, kRuns);
}

}  // namespace
}  // namespace mobula::base
