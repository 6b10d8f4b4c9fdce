#include "examples/index/tokenize.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace indexer {
namespace {

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  ForEachWord(text,
              [&words](std::string_view word) { words.emplace_back(word); });
  return words;
}

using List = std::vector<std::string>;

TEST(TokenizeTest, SplitsAtWhatIsNoLetterOrDigit) {
  EXPECT_EQ(Words(""), List());
  EXPECT_EQ(Words(" \n\t.,;"), List());
  EXPECT_EQ(Words("Don't PANIC"), (List{"don", "t", "panic"}));
  EXPECT_EQ(Words("x86_64, C++20."), (List{"x86", "64", "c", "20"}));
  EXPECT_EQ(Words("[a]b"), (List{"a", "b"}));
}

TEST(TokenizeTest, KeepsBytesBeyondAscii) {
  EXPECT_EQ(Words("Größe señor \xff\xfe!"),
            (List{"größe", "señor", "\xff\xfe"}));
}

TEST(TokenizeTest, LeavesOutWhatIsTooLongForAWord) {
  const std::string longest(kWordBytesMax, 'x');
  EXPECT_EQ(Words(longest), List{longest});
  EXPECT_EQ(Words(longest + "x"), List());
  EXPECT_EQ(Words("a " + longest + "xyz b"), (List{"a", "b"}));
}

TEST(TokenizeTest, NulEndsAWord) {
  EXPECT_EQ(Words(std::string_view("a\0b", 3)), (List{"a", "b"}));
}

TEST(TokenizeTest, ShardsAreStableAndAllUsed) {
  EXPECT_EQ(Fingerprint(""), 14695981039346656037ull);
  EXPECT_EQ(Fingerprint("a"), 0xaf63dc4c8601ec8cull);
  std::vector<int> sizes(8, 0);
  for (int i = 0; i < 8000; ++i) ++sizes[ShardOf(std::to_string(i), 8)];
  for (const int size : sizes) EXPECT_GT(size, 500);
}

}  // namespace
}  // namespace indexer
