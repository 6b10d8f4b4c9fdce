#include "base/log.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace mobula::base {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

LogOptions ToFile(const std::string& name) {
  LogOptions options;
  options.name = "test";
  options.file = ::testing::TempDir() + "/" + name;
  std::remove(options.file.c_str());
  return options;
}

void Start(const LogOptions& options) {
  std::string error;
  ASSERT_TRUE(StartLog(options, &error)) << error;
}

TEST(LogTest, WritesLinesAboveTheLevelAndDoesNotEvaluateTheRest) {
  const LogOptions options = ToFile("level.log");
  Start(options);
  int evaluated = 0;
  MOBULA_LOG(DEBUG) << ++evaluated;
  MOBULA_LOG(INFO) << "worker " << 42 << " started";
  MOBULA_LOG(ERROR) << "gone";
  EXPECT_EQ(evaluated, 0);
  const std::string text = ReadAll(options.file);
  EXPECT_NE(text.find(" I test["), std::string::npos) << text;
  EXPECT_NE(text.find("worker 42 started (base/log_test.cc:"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find(" E test["), std::string::npos) << text;
}

TEST(LogTest, BracesAreTextAndNotFormats) {
  const LogOptions options = ToFile("braces.log");
  Start(options);
  MOBULA_LOG(INFO) << "{cpu: 1} {} %v";
  EXPECT_NE(ReadAll(options.file).find("{cpu: 1} {} %v"), std::string::npos);
}

TEST(LogTest, JsonIsEscaped) {
  LogOptions options = ToFile("json.log");
  options.json = true;
  Start(options);
  Log(LogLevel::kWARNING, "say \"hi\"\n\\", "x.cc", 7);
  const std::string text = ReadAll(options.file);
  EXPECT_NE(text.find(R"("level":"warning","pid":)"), std::string::npos);
  EXPECT_NE(text.find(R"("name":"test","where":"x.cc:7",)"
                      R"("text":"say \"hi\"\u000a\\"})"),
            std::string::npos)
      << text;
}

TEST(LogTest, Rotates) {
  LogOptions options = ToFile("rotate.log");
  options.file_bytes_max = 2000;
  options.files_max = 2;
  Start(options);
  for (int i = 0; i < 200; ++i) MOBULA_LOG(INFO) << "line " << i;
  const std::string stem = options.file.substr(0, options.file.size() - 4);
  EXPECT_LE(ReadAll(options.file).size(), 2000u);
  EXPECT_FALSE(ReadAll(stem + ".1.log").empty());
  EXPECT_FALSE(ReadAll(stem + ".2.log").empty());
  EXPECT_TRUE(ReadAll(stem + ".3.log").empty());
  EXPECT_NE(ReadAll(options.file).find("line 199 "), std::string::npos);
}

TEST(LogTest, AFileThatCannotBeWrittenIsRefused) {
  const LogOptions good = ToFile("good.log");
  Start(good);
  LogOptions bad = good;
  bad.file = "/proc/no/such/file.log";
  std::string error;
  EXPECT_FALSE(StartLog(bad, &error));
  EXPECT_FALSE(error.empty());
  MOBULA_LOG(INFO) << "still here";
  EXPECT_NE(ReadAll(good.file).find("still here"), std::string::npos);
}

TEST(LogTest, ManyThreadsWriteWholeLines) {
  const LogOptions options = ToFile("threads.log");
  Start(options);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int j = 0; j < 100; ++j) MOBULA_LOG(INFO) << "abcdefgh";
    });
  }
  for (auto& thread : threads) thread.join();
  std::ifstream file(options.file);
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    EXPECT_NE(line.find("abcdefgh (base/log_test.cc:"), std::string::npos);
  }
  EXPECT_EQ(lines, 400);
}

}  // namespace
}  // namespace mobula::base
