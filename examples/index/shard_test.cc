#include "examples/index/shard.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "examples/index/tokenize.h"

namespace indexer {
namespace {

ShardPart PartOf(std::uint32_t file, std::string_view text) {
  std::vector<ShardPart> parts(1);
  CountText(file, text, &parts);
  return parts[0];
}

using Postings = std::vector<Posting>;

TEST(ShardTest, HoldsWhatItIsGiven) {
  Shard shard;
  EXPECT_GT(shard.Add(0, PartOf(7, "the ray and the other ray")), 0);
  shard.Add(1, PartOf(3, "A RAY"));
  EXPECT_EQ(shard.Lookup("ray"), (Postings{{3, 1}, {7, 2}}));
  EXPECT_EQ(shard.Lookup("none"), Postings());
  EXPECT_EQ(shard.Commonest(2),
            (std::vector<WordCount>{{"ray", 3}, {"the", 2}}));
  const ShardState state = shard.State();
  EXPECT_EQ(state.batches, 2u);
  EXPECT_EQ(state.words, 5u);
  EXPECT_EQ(state.occurrences, 8u);
  EXPECT_FALSE(state.was_restarted);
}

TEST(ShardTest, ABatchTwiceIsABatchOnce) {
  Shard shard;
  shard.Add(4, PartOf(0, "a b b"));
  shard.Add(4, PartOf(0, "a b b"));
  EXPECT_EQ(shard.Lookup("b"), (Postings{{0, 2}}));
  EXPECT_EQ(shard.State().batches, 1u);
  EXPECT_EQ(shard.State().occurrences, 3u);
}

TEST(ShardTest, AMalformedPartIsRefusedWhole) {
  Shard shard;
  ShardPart part = PartOf(0, "a b c");
  part.counts.push_back(1);
  EXPECT_THROW(shard.Add(0, part), std::invalid_argument);
  part = PartOf(0, "a b c");
  part.words += "d\n";
  EXPECT_THROW(shard.Add(0, part), std::invalid_argument);
  part = PartOf(0, "a b c");
  part.files.clear();
  EXPECT_THROW(shard.Add(0, part), std::invalid_argument);
  EXPECT_EQ(shard.State().batches, 0u);
}

TEST(ShardTest, PagesGoThroughAllWordsInOrder) {
  Shard shard;
  std::string text;
  for (int i = 0; i < 1000; ++i) text += std::to_string(i * 7919) + " ";
  shard.Add(0, PartOf(0, text));
  std::vector<std::string> words;
  std::string after;
  while (true) {
    const std::vector<WordPostings> page = shard.Page(after, 64);
    if (page.empty()) break;
    EXPECT_LE(page.size(), 64u);
    for (const WordPostings& entry : page) words.push_back(entry.word);
    after = words.back();
  }
  EXPECT_EQ(words.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(words.begin(), words.end()));
  shard.Add(1, PartOf(1, "zzz"));
  EXPECT_EQ(shard.Page(after, 64).size(), 1u);
}

TEST(ShardTest, ShardsTogetherHoldEveryWordOnce) {
  constexpr std::uint32_t kShards = 3;
  std::mt19937_64 random(5);
  std::vector<Shard> shards(kShards);
  std::map<std::string, std::map<std::uint32_t, std::uint32_t>> expected;
  for (std::uint32_t file = 0; file < 50; ++file) {
    std::string text;
    for (int i = 0; i < 200; ++i) {
      const std::string word = "w" + std::to_string(random() % 300);
      text += word + ' ';
      ++expected[word][file];
    }
    std::vector<ShardPart> parts(kShards);
    EXPECT_EQ(CountText(file, text, &parts), 200u);
    for (std::uint32_t i = 0; i < kShards; ++i) {
      shards[i].Add(file, parts[i]);
    }
  }
  std::uint64_t words = 0;
  for (const Shard& shard : shards) words += shard.State().words;
  EXPECT_EQ(words, expected.size());
  for (const auto& [word, files] : expected) {
    Postings postings;
    for (const auto& [file, count] : files) postings.push_back({file, count});
    EXPECT_EQ(shards[ShardOf(word, kShards)].Lookup(word), postings);
  }
}

TEST(ShardTest, CommonestOfSeveralListsIsCommonestOfAll) {
  EXPECT_EQ(MergeCommonest({{{"a", 5}, {"b", 1}}, {}, {{"c", 5}, {"d", 3}}}, 3),
            (std::vector<WordCount>{{"a", 5}, {"c", 5}, {"d", 3}}));
  EXPECT_TRUE(MergeCommonest({}, 3).empty());
}

}  // namespace
}  // namespace indexer
