#include "examples/index/verify.h"

#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "examples/index/indexer.h"
#include "examples/index/options.h"
#include "examples/index/walk.h"

namespace indexer {
namespace {

namespace fs = std::filesystem;

// Everything in this process and thread.
class VerifyTest : public testing::Test {
 protected:
  VerifyTest() : runtime_(mobula::Init(mobula::InitOptions().Local())) {
    fs::create_directories(folder_);
    for (int i = 0; i < 40; ++i) {
      Write("f" + std::to_string(i),
            "words of file " + std::to_string(i) + " and of all, of all");
    }
    Write("binary", std::string(9, '\0'));
    options_.workers = 2;
    options_.shards = 3;
  }
  ~VerifyTest() override { fs::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }

  const fs::path folder_ = fs::path(testing::TempDir()) /
                           ("verify_test_" + std::to_string(::getpid()));
  mobula::Runtime runtime_;
  Options options_;
};

TEST_F(VerifyTest, ARightIndexIsVerified) {
  Indexer indexer(options_, WalkFolder(folder_).files);
  indexer.Run();
  const IndexTotals totals = indexer.Totals();
  EXPECT_EQ(totals.files, 40u);
  EXPECT_EQ(totals.words, 40u * 9u);
  EXPECT_EQ(totals.retries + totals.restarts + totals.kills, 0u);
  const Verdict verdict = Verify(indexer);
  EXPECT_EQ(verdict.difference, "");
  EXPECT_EQ(verdict.words, 5u + 40u);
  EXPECT_EQ(verdict.files_changed, 0u);
  EXPECT_EQ(
      indexer.Ask<&Shard::Lookup>(indexer.ShardOfWord("of"), std::string("of"))
          .size(),
      40u);
}

TEST_F(VerifyTest, APostingTooManyIsFound) {
  Indexer indexer(options_, WalkFolder(folder_).files);
  indexer.Run();
  const std::string word = "words";
  indexer.Ask<&Shard::Add>(indexer.ShardOfWord(word), 1'000'000u,
                           ShardPart{{7}, {1}, {1}, word + "\n"});
  EXPECT_NE(Verify(indexer).difference.find("\"words\""), std::string::npos);
}

TEST_F(VerifyTest, AFileThatChangedIsNotCompared) {
  Indexer indexer(options_, WalkFolder(folder_).files);
  indexer.Run();
  Write("f7", "something quite different");
  Write("f8", std::string(5, '\0'));
  fs::remove(folder_ / "f9");
  const Verdict verdict = Verify(indexer);
  EXPECT_EQ(verdict.difference, "");
  EXPECT_EQ(verdict.files_changed, 3u);
}

TEST_F(VerifyTest, AnEmptyFolderIsRight) {
  Indexer indexer(options_, {});
  indexer.Run();
  EXPECT_EQ(indexer.Totals().files, 0u);
  EXPECT_EQ(Verify(indexer).difference, "");
}

}  // namespace
}  // namespace indexer
