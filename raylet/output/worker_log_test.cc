#include "raylet/output/worker_log.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace mobula::raylet {
namespace {

namespace fs = std::filesystem;

std::string ContentOf(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class WorkerLogTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string root = testing::TempDir() + "logsXXXXXX";
    ASSERT_NE(::mkdtemp(root.data()), nullptr);
    root_ = root;
  }
  void TearDown() override { fs::remove_all(root_); }
  std::string root_;
};

TEST_F(WorkerLogTest, LinesAreKeptAndWhatWasLeftOutIsCounted) {
  WorkerLog log(root_ + "/logs", 42);
  EXPECT_FALSE(fs::exists(log.path()));
  log.Append({false, {"one", "two"}, 0});
  log.Append({true, {"three"}, 7});
  EXPECT_EQ(ContentOf(root_ + "/logs/worker-42.log"),
            "one\ntwo\n[7 lines left out]\nthree\n");
}

TEST_F(WorkerLogTest, AFullOneTakesThePlaceOfTheOneBefore) {
  WorkerLog log(root_, 42, /*bytes_max=*/40);
  for (const char* line : {"first line", "second line", "third line"}) {
    log.Append({false, {line}, 0});
  }
  EXPECT_EQ(ContentOf(log.path()), "third line\n");
  log.Append({false, {"fourth line"}, 0});
  EXPECT_EQ(ContentOf(log.path()), "fourth line\n");
  EXPECT_EQ(ContentOf(log.path() + ".1"), "third line\n");
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& file : fs::directory_iterator(root_)) {
    ++files;
  }
  EXPECT_EQ(files, 2u);
}

}  // namespace
}  // namespace mobula::raylet
