#include "examples/index/reference_index.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace indexer {
namespace {

constexpr const char* kTexts[] = {"the ray and the shark", "A RAY leaps",
                                  "sharks are no rays"};

std::vector<Shard> MakeShards(std::uint32_t count) {
  std::vector<Shard> shards(count);
  for (std::uint32_t file = 0; file < 3; ++file) {
    std::vector<ShardPart> parts(count);
    CountText(file, kTexts[file], &parts);
    for (std::uint32_t i = 0; i < count; ++i) shards[i].Add(file, parts[i]);
  }
  return shards;
}

ReferenceIndex MakeReference() {
  ReferenceIndex reference;
  for (std::uint32_t file = 0; file < 3; ++file) {
    reference.Add(file, kTexts[file]);
  }
  return reference;
}

// The difference, in all shards; "" if none.
std::string Compare(const ReferenceIndex& reference,
                    const std::vector<Shard>& shards,
                    const std::vector<bool>& ignored = {}) {
  const auto count = static_cast<std::uint32_t>(shards.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    ShardComparison comparison(reference, i, count, ignored);
    std::string after;
    while (true) {
      const std::vector<WordPostings> page = shards[i].Page(after, 2);
      if (page.empty()) break;
      comparison.See(page);
      after = page.back().word;
    }
    comparison.End();
    if (!comparison.difference().empty()) return comparison.difference();
  }
  return "";
}

TEST(ReferenceIndexTest, CountsWordsByFile) {
  const ReferenceIndex reference = MakeReference();
  EXPECT_EQ(reference.words().size(), 10u);
  EXPECT_EQ(reference.words().at("the"), (std::vector<Posting>{{0, 2}}));
  EXPECT_EQ(reference.words().at("ray"),
            (std::vector<Posting>{{0, 1}, {1, 1}}));
}

TEST(ReferenceIndexTest, EqualIndexesAreEqual) {
  for (const std::uint32_t count : {1, 2, 5}) {
    EXPECT_EQ(Compare(MakeReference(), MakeShards(count)), "");
  }
  EXPECT_EQ(Compare(ReferenceIndex(), std::vector<Shard>(2)), "");
}

TEST(ReferenceIndexTest, AnyDifferenceIsFound) {
  std::vector<Shard> shards = MakeShards(1);
  ShardPart extra{{2}, {1}, {1}, "ray\n"};
  shards[0].Add(99, extra);
  EXPECT_EQ(Compare(MakeReference(), shards),
            "\"ray\" is in 2 files; the index has 3");

  shards = MakeShards(1);
  shards[0].Add(99, ShardPart{{2}, {1}, {1}, "zebra\n"});
  EXPECT_EQ(Compare(MakeReference(), shards), "\"zebra\" is in no file");

  for (const char* missing : {"aaa", "mmm", "zzz"}) {
    ReferenceIndex reference = MakeReference();
    reference.Add(3, missing);
    EXPECT_EQ(Compare(reference, MakeShards(2)),
              "\"" + std::string(missing) + "\" is missing");
  }

  ReferenceIndex recounted;
  recounted.Add(0, "the the ray and the shark");
  recounted.Add(1, kTexts[1]);
  recounted.Add(2, kTexts[2]);
  EXPECT_EQ(Compare(recounted, MakeShards(3)),
            "\"the\" is in 1 files; the index has 1 others");
}

TEST(ReferenceIndexTest, FilesThatChangedAreLeftOut) {
  ReferenceIndex reference;
  reference.Add(0, "something quite other");
  reference.Add(1, kTexts[1]);
  reference.Add(2, kTexts[2]);
  EXPECT_NE(Compare(reference, MakeShards(2)), "");
  EXPECT_EQ(Compare(reference, MakeShards(2), {true, false, false}), "");
}

}  // namespace
}  // namespace indexer
