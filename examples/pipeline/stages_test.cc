#include "examples/pipeline/stages.h"

#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "examples/pipeline/counts.h"
#include "examples/pipeline/text.h"

namespace pipeline {
namespace {

TEST(Counts, WordsAndLinesAreCountedAsTheyAreWritten) {
  const Counts counts = CountWords("The cat.\nthe the dog's\n\nB2");
  EXPECT_EQ(counts.lines, 3u);
  EXPECT_EQ(WordsIn(counts), 7u);
  EXPECT_EQ(counts.words.at("the"), 2u);
  EXPECT_EQ(counts.words.at("The"), 1u);
  EXPECT_EQ(counts.words.at("s"), 1u);
  using Pair = std::pair<std::string, std::uint64_t>;
  EXPECT_EQ(Frequent(counts, 2), (std::vector<Pair>{{"the", 2}, {"B2", 1}}));
}

TEST(Text, BlocksAreWholeLinesThatFollowFromTheSeed) {
  std::string text;
  std::size_t blocks = 0;
  for (const std::string& block : Blocks(Source{"", 2'000, 7})) {
    EXPECT_EQ(block.back(), '\n');
    text += block;
    ++blocks;
  }
  EXPECT_GT(blocks, 2u);
  EXPECT_EQ(CountWords(text).lines, 2'000u);
  std::string again;
  for (const std::string& block : Blocks(Source{"", 2'000, 7})) again += block;
  EXPECT_EQ(again, text);
  for (const std::string& block : Blocks(Source{"", 2'000, 8})) {
    EXPECT_NE(block, text.substr(0, block.size()));
    break;
  }
}

class StagesTest : public testing::TestWithParam<bool> {
 protected:
  StagesTest() {
    mobula::InitOptions options;
    if (GetParam()) options.Local();
    runtime_.emplace(mobula::Init(options.Cpus(2)));
  }
  std::optional<mobula::Runtime> runtime_;
};
INSTANTIATE_TEST_SUITE_P(Modes, StagesTest, testing::Bool());

TEST_P(StagesTest, CountWhatOneThreadCounts) {
  const std::vector<Source> sources{Source{"", 3'000, 1}, Source{"", 500, 2}};
  Counts counted;
  for (const Source& source : sources) {
    for (const std::string& block : Blocks(source)) {
      AddTo(&counted, CountWords(block));
    }
  }
  EXPECT_EQ(CountOnWorkers(sources, 1), counted);
  EXPECT_EQ(CountOnWorkers(sources, 8), counted);
}

TEST_P(StagesTest, WhatAStageThrowsComesThrough) {
  const Source absent{"/no/such/file", 0, 0};
  EXPECT_THROW(CountOnWorkers({absent}, 2), std::runtime_error);
}

}  // namespace
}  // namespace pipeline
