#include "api/compat/ray/api/logging.h"

#include <gtest/gtest.h>

#include <string>

namespace ray {
namespace {

TEST(LoggingTest, WritesLinesWithTheirPlace) {
  testing::internal::CaptureStderr();
  RAYLOG(INFO) << "shard " << 7;
  RAYLOG(DEBUG) << "not written";
  if (true) RAYLOG(WARNING) << "one";
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("info"), text.npos) << text;
  EXPECT_NE(text.find("logging_test.cc:"), text.npos) << text;
  EXPECT_NE(text.find("] shard 7\n"), text.npos) << text;
  EXPECT_NE(text.find("] one\n"), text.npos) << text;
  EXPECT_EQ(text.find("not written"), text.npos) << text;
  EXPECT_TRUE(IsLevelEnabled(RayLoggerLevel::ERROR));
  EXPECT_FALSE(IsLevelEnabled(RayLoggerLevel::DEBUG));
}

TEST(LoggingDeathTest, EndsTheProgramWhereFatal) {
  EXPECT_DEATH(RAYLOG(FATAL) << "no way on", "no way on");
}

}  // namespace
}  // namespace ray
