#include "examples/index/query.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace indexer {
namespace {

using Postings = std::vector<Posting>;

std::vector<std::uint32_t> Files(const std::vector<Hit>& hits) {
  std::vector<std::uint32_t> files;
  for (const Hit& hit : hits) files.push_back(hit.file);
  return files;
}

using List = std::vector<std::uint32_t>;

TEST(QueryTest, WordsAreThoseOfTheIndexEachOnce) {
  EXPECT_EQ(QueryWords("Manta RAY, manta!"),
            (std::vector<std::string>{"manta", "ray"}));
  EXPECT_TRUE(QueryWords(" .. ").empty());
}

TEST(QueryTest, AllWordsMustBeThere) {
  const Postings apple = {{1, 1}, {2, 1}, {5, 1}};
  const Postings pie = {{0, 1}, {2, 1}, {5, 1}, {9, 1}};
  EXPECT_EQ(Files(Rank({apple, pie}, 10)), (List{2, 5}));
  EXPECT_EQ(Files(Rank({pie, apple}, 10)), (List{2, 5}));
  EXPECT_EQ(Files(Rank({apple, {}}, 10)), List());
  EXPECT_EQ(Files(Rank({{}, apple}, 10)), List());
  EXPECT_EQ(Files(Rank({}, 10)), List());
}

TEST(QueryTest, MoreOccurrencesOfRarerWordsRankHigher) {
  EXPECT_EQ(Files(Rank({{{1, 2}, {2, 9}, {3, 2}}}, 10)), (List{2, 1, 3}));
  // Word 0 is everywhere, word 1 is rare: many of the rare one win.
  const Postings common = {{0, 5}, {1, 1}, {2, 1}, {3, 1}};
  const Postings rare = {{0, 1}, {1, 5}};
  const std::vector<Hit> hits = Rank({common, rare}, 4);
  EXPECT_EQ(Files(hits), (List{1, 0}));
  EXPECT_EQ(hits[0].counts, (List{1, 5}));
}

}  // namespace
}  // namespace indexer
