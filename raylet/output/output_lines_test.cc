#include "raylet/output/output_lines.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace mobula::raylet {
namespace {

using base::BootTime;
using std::chrono::milliseconds;
using std::chrono::seconds;

BootTime At(base::Duration since) { return BootTime::FromSinceBoot(since); }

std::vector<std::string> LinesOf(const std::vector<OutputBatch>& batches) {
  std::vector<std::string> lines;
  for (const OutputBatch& batch : batches) {
    lines.insert(lines.end(), batch.lines.begin(), batch.lines.end());
  }
  return lines;
}

TEST(OutputLinesTest, LinesComeWholeHoweverTheyAreCut) {
  OutputLines lines({});
  lines.Append(false, "one\ntw", At(seconds(1)));
  EXPECT_EQ(LinesOf(lines.Take()), std::vector<std::string>{"one"});
  lines.Append(false, "o\r\n\nthree", At(seconds(1)));
  EXPECT_EQ(LinesOf(lines.Take()), (std::vector<std::string>{"two", ""}));
  lines.Finish(At(seconds(1)));
  EXPECT_EQ(LinesOf(lines.Take()), std::vector<std::string>{"three"});
  EXPECT_EQ(lines.Tail(),
            (std::vector<std::string>{"one", "two", "", "three"}));
}

TEST(OutputLinesTest, TheStreamsAreKeptApart) {
  OutputLines lines({});
  lines.Append(false, "out", At(seconds(1)));
  lines.Append(true, "err\n", At(seconds(1)));
  lines.Append(false, "put\n", At(seconds(1)));
  const std::vector<OutputBatch> batches = lines.Take();
  ASSERT_EQ(batches.size(), 2u);
  EXPECT_TRUE(batches[0].is_stderr);
  EXPECT_EQ(batches[0].lines[0], "err");
  EXPECT_FALSE(batches[1].is_stderr);
  EXPECT_EQ(batches[1].lines[0], "output");
}

TEST(OutputLinesTest, ALongLineBecomesSeveral) {
  OutputLines lines({});
  const std::string text(OutputLines::kLineBytesMax * 2 + 5, 'x');
  lines.Append(true, text + "\n", At(seconds(1)));
  const std::vector<std::string> got = LinesOf(lines.Take());
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0] + got[1] + got[2], text);
  EXPECT_EQ(lines.Tail()[0].size(), OutputLines::kTailLineBytesMax);
}

TEST(OutputLinesTest, WhatIsOverTheLimitIsCounted) {
  OutputLines lines({.lines_per_second = 10, .bytes_per_second = 1e6});
  for (int i = 0; i < 25; ++i) lines.Append(false, "x\n", At(seconds(1)));
  EXPECT_EQ(LinesOf(lines.Take()).size(), 10u);
  EXPECT_TRUE(lines.HasOmitted());
  lines.Append(false, "later\n", At(seconds(1) + milliseconds(100)));
  const std::vector<OutputBatch> batches = lines.Take();
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0].omitted, 15u);
  EXPECT_EQ(batches[0].lines[0], "later");
  EXPECT_TRUE(lines.Flush().empty());
}

TEST(OutputLinesTest, TheCountIsToldAloneWhereNothingFollows) {
  OutputLines lines({.lines_per_second = 1, .bytes_per_second = 1e6});
  lines.Append(true, "a\nb\nc\n", At(seconds(1)));
  lines.Take();
  const std::vector<OutputBatch> batches = lines.Flush();
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0].omitted, 2u);
  EXPECT_TRUE(batches[0].lines.empty());
  EXPECT_FALSE(lines.HasOmitted());
}

TEST(OutputLinesTest, BytesAreLimitedToo) {
  OutputLines lines({.lines_per_second = 1e6, .bytes_per_second = 100});
  lines.Append(false, std::string(80, 'x') + "\n" + std::string(80, 'y') + "\n",
               At(seconds(1)));
  EXPECT_EQ(LinesOf(lines.Take()).size(), 1u);
  EXPECT_TRUE(lines.HasOmitted());
}

TEST(OutputLinesTest, TheTailIsBoundedAndKeepsTheLast) {
  OutputLines lines({.lines_per_second = 1, .bytes_per_second = 1});
  for (int i = 0; i < 100; ++i) {
    lines.Append(false, std::to_string(i) + "\n", At(seconds(1)));
  }
  ASSERT_EQ(lines.Tail().size(), OutputLines::kTailLines);
  EXPECT_EQ(lines.Tail().back(), "99");
  EXPECT_EQ(lines.Tail().front(), "80");
}

TEST(OutputLinesTest, EveryLineIsPassedOnOrCountedOnce) {
  std::mt19937 random(7);
  for (int round = 0; round < 100; ++round) {
    OutputLines lines({.lines_per_second = 20, .bytes_per_second = 400});
    BootTime now = At(seconds(1));
    std::string text;
    for (int i = 0; i < 200; ++i) {
      text += std::string(random() % 40, 'a' + random() % 26) + "\n";
    }
    std::uint64_t passed = 0;
    std::uint64_t counted = 0;
    const auto note = [&](const std::vector<OutputBatch>& batches) {
      for (const OutputBatch& batch : batches) {
        passed += batch.lines.size();
        counted += batch.omitted;
      }
    };
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t n =
          std::min<std::size_t>(1 + random() % 200, text.size() - at);
      lines.Append(random() % 1 == 1, text.substr(at, n), now);
      at += n;
      now = now + milliseconds(random() % 50);
      std::vector<OutputBatch> taken = lines.Take();
      if (!taken.empty() && random() % 4 == 0) {
        lines.Omit(taken.back());
        taken.pop_back();
      }
      note(taken);
    }
    lines.Finish(now);
    note(lines.Flush());
    EXPECT_EQ(passed + counted, 200u);
    EXPECT_GT(passed, 0u);
    EXPECT_GT(counted, 0u);
  }
}

}  // namespace
}  // namespace mobula::raylet
