#include "examples/index/report.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace indexer {
namespace {

TEST(ReportTest, NumbersAreGrouped) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1000), "1,000");
  EXPECT_EQ(Grouped(1234567), "1,234,567");
}

TEST(ReportTest, TheLastLineIsWhatScriptsRead) {
  IndexTotals totals;
  totals.files = 1234;
  totals.words = 56789;
  EXPECT_EQ(LastLine(totals, 8, false),
            "index: 1234 files, 56789 words, 8 workers, 0 kills, 0 retries, 0 "
            "restarts");
  totals.kills = 3;
  totals.retries = 2;
  totals.restarts = 1;
  EXPECT_EQ(LastLine(totals, 1, true),
            "index: 1234 files, 56789 words, 1 workers, 3 kills, 2 retries, 1 "
            "restarts, verified");
}

TEST(ReportTest, FilesLeftOutAreCountedAndNamed) {
  Walk walk;
  walk.files = {{"/a", 1}, {"/b", 1}, {"/c", 1}, {"/d", 1}};
  walk.problems = {{"/locked", "Permission denied"}};
  walk.links_passed = 2;
  std::vector<FileReport> reports(4);
  for (std::uint32_t i = 0; i < 4; ++i) {
    reports[i].file = i;
    if (i > 0) reports[i].problem = Problem::kBinary;
    reports[i].reason = "no text";
  }
  EXPECT_EQ(DescribeLeftOut(walk, reports, 2),
            "left out: 1 file, unreadable\n"
            "  /locked (Permission denied)\n"
            "left out: 3 files, binary\n"
            "  /b (no text)\n"
            "  /c (no text)\n"
            "  and 1 more (--names names them)\n"
            "passed over: 2 symbolic links\n");
  EXPECT_EQ(DescribeLeftOut(Walk(), {}, 2), "");
}

TEST(ReportTest, HitsShowTheirWords) {
  Walk walk;
  walk.files = {{"/a", 1}, {"/b", 1}};
  const std::vector<Hit> hits = {{1, 2.5, {3, 1000}}, {0, 1, {1, 1}}};
  EXPECT_EQ(DescribeHits({"manta", "ray"}, hits, walk, 1),
            "2 files with manta ray\n"
            "  2.50  /b (manta 3, ray 1,000)\n"
            "  and 1 more\n");
  EXPECT_EQ(DescribeHits({"x"}, {}, walk, 1), "0 files with x\n");
}

TEST(ReportTest, WorkNamesTheProcesses) {
  IndexTotals totals;
  totals.files = 100;
  totals.text_bytes = 3'000'000;
  totals.task_pids = {11, 12};
  totals.shard_pids = {13};
  EXPECT_EQ(DescribeWork(totals, 2.0, 10),
            "time: 2.00 s, 50 files/s, 1.5 MB/s of text\n"
            "processes that ran tasks: 11 12\n"
            "processes that held shards: 13\n"
            "this process: 10\n");
}

TEST(ReportTest, CommonestWordsStandInAColumn) {
  EXPECT_EQ(DescribeCommonest({{"the", 12345}, {"of", 7}}),
            "commonest words:\n"
            "        12,345  the\n"
            "             7  of\n");
}

}  // namespace
}  // namespace indexer
