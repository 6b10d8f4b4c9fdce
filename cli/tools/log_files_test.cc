#include "cli/tools/log_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace mobula::cli {
namespace {

class LogFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "mobulaXXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    std::filesystem::create_directory(folder_ + "/logs");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string Write(const std::string& name, const std::string& text = "") {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }

  std::string folder_;
};

TEST_F(LogFilesTest, LogsAreFoundAndNothingElse) {
  const std::string raylet = Write("raylet.log");
  const std::string worker = Write("logs/worker-123.log");
  Write("raylet.log.1");
  Write("session");
  EXPECT_EQ(LogFiles(folder_), (std::vector<std::string>{worker, raylet}));
}

TEST_F(LogFilesTest, OfADaemonOrAPid) {
  const std::vector<std::string> files = {
      "/f/gcs.log", "/f/logs/worker-123.log", "/f/logs/worker-1234.log",
      "/f/logs/0123.out"};
  EXPECT_EQ(LogFilesOf(files, "gcs"), std::vector<std::string>{"/f/gcs.log"});
  EXPECT_EQ(LogFilesOf(files, "123"),
            std::vector<std::string>{"/f/logs/worker-123.log"});
  EXPECT_EQ(LogFilesOf(files, "12"), std::vector<std::string>{});
  EXPECT_EQ(LogFilesOf(files, "worker"), std::vector<std::string>{});
}

TEST_F(LogFilesTest, TheLastLines) {
  const std::string file = Write("a.log", "one\ntwo\nthree\n");
  EXPECT_EQ(ReadTail(file, 2).text, "two\nthree\n");
  EXPECT_EQ(ReadTail(file, 9).text, "one\ntwo\nthree\n");
  EXPECT_EQ(ReadTail(file, 0).text, "");
  EXPECT_EQ(ReadTail(file, 1).end, 14);
  EXPECT_EQ(ReadTail(Write("b.log", "one\nhalf"), 1).text, "half");
  EXPECT_EQ(ReadTail(Write("c.log", ""), 5).text, "");
  EXPECT_EQ(ReadTail(folder_ + "/none.log", 5).text, "");
}

}  // namespace
}  // namespace mobula::cli
