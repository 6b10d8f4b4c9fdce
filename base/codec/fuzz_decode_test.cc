#include "base/codec/fuzz_decode.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace mobula::base {
namespace {

// Bytes that mean something to the format come up more often than by chance.
char RandomByte(std::mt19937_64& random) {
  static constexpr char kTelling[] =
      "\x90\x91\x92\x93\xa0\xa1\xc0\xc2\xc3\xc4\xc6\xc7\xc9\xca\xcb\xcc\xcf\xd0"
      "\xd3\xd9\xdb\xdc\xdd\xde\xdf\x80\x81\xff\x7f";
  if (random() % 2 == 0) return static_cast<char>(random());
  return kTelling[random() % (sizeof(kTelling) - 1)];
}

void Mutate(std::mt19937_64& random, std::string* bytes) {
  const std::size_t at = 1 + random() % bytes->size();
  switch (random() % 5) {
    case 0:
      bytes->resize(at);
      return;
    case 1:
      bytes->insert(at, 1, RandomByte(random));
      return;
    case 2:
      if (at < bytes->size()) bytes->erase(at, 1 + random() % 4);
      return;
    case 3:
      bytes->insert(at, bytes->substr(1 + random() % bytes->size()));
      return;
    default:
      if (at < bytes->size()) (*bytes)[at] = RandomByte(random);
      return;
  }
}

TEST(FuzzDecodeTest, SeedsDecode) {
  for (const std::string& seed : DecodeSeeds()) {
    EXPECT_TRUE(DecodeAnything(seed)) << static_cast<int>(seed[0]);
  }
}

TEST(FuzzDecodeTest, MutatedSeedsNeverCrash) {
  const std::vector<std::string> seeds = DecodeSeeds();
  std::mt19937_64 random(1);
  int decoded = 0;
  constexpr int kRuns = 100'000;
  for (int run = 0; run < kRuns; ++run) {
    std::string bytes = seeds[random() % seeds.size()];
    const std::size_t mutations = 1 + random() % 4;
    for (std::size_t i = 0; i < mutations; ++i) Mutate(random, &bytes);
    if (DecodeAnything(bytes)) ++decoded;
  }
  // Both outcomes are met, so neither path goes untried.
  EXPECT_GT(decoded, kRuns / 100);
  EXPECT_LT(decoded, kRuns);
}

TEST(FuzzDecodeTest, RandomBytesNeverCrash) {
  std::mt19937_64 random(2);
  for (int run = 0; run < 100'000; ++run) {
    std::string bytes(1 + random() % 64, '\0');
    for (char& byte : bytes) byte = RandomByte(random);
    DecodeAnything(bytes);
  }
}

}  // namespace
}  // namespace mobula::base
