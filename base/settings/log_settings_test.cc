#include "base/settings/log_settings.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

namespace mobula::base {
namespace {

class LogSettingsTest : public testing::Test {
 protected:
  LogSettingsTest() { Clear(); }
  ~LogSettingsTest() override { Clear(); }
  static void Clear() {
    ::unsetenv(kLogLevelVariable);
    ::unsetenv(kLogJsonVariable);
  }
  std::string error_;
};

TEST_F(LogSettingsTest, WhatIsNotSaidStays) {
  LogOptions options;
  options.level = LogLevel::kERROR;
  options.json = true;
  ASSERT_TRUE(ApplyLogEnvironment(&options, &error_));
  EXPECT_EQ(options.level, LogLevel::kERROR);
  EXPECT_TRUE(options.json);
}

TEST_F(LogSettingsTest, WhatIsExportedIsRead) {
  LogSettings said;
  said.level = LogLevel::kDEBUG;
  ExportLogSettings(said);
  said = LogSettings();
  said.json = true;
  ExportLogSettings(said);
  LogOptions options;
  ASSERT_TRUE(ApplyLogEnvironment(&options, &error_)) << error_;
  EXPECT_EQ(options.level, LogLevel::kDEBUG);
  EXPECT_TRUE(options.json);
  said.json = false;
  ExportLogSettings(said);
  ASSERT_TRUE(ApplyLogEnvironment(&options, &error_)) << error_;
  EXPECT_FALSE(options.json);
}

TEST_F(LogSettingsTest, WhatMakesNoSenseIsNamed) {
  LogOptions options;
  ::setenv(kLogLevelVariable, "loud", 1);
  EXPECT_FALSE(ApplyLogEnvironment(&options, &error_));
  EXPECT_EQ(error_,
            "MOBULA_LOG_LEVEL=loud: debug, info, warning or error is wanted");
  Clear();
  ::setenv(kLogJsonVariable, "yes", 1);
  EXPECT_FALSE(ApplyLogEnvironment(&options, &error_));
  EXPECT_EQ(error_, "MOBULA_LOG_JSON=yes: 0 or 1 is wanted");
}

TEST_F(LogSettingsTest, EachLevelHasItsWord) {
  EXPECT_EQ(ParseLogLevel("debug"), LogLevel::kDEBUG);
  EXPECT_EQ(ParseLogLevel("info"), LogLevel::kINFO);
  EXPECT_EQ(ParseLogLevel("warning"), LogLevel::kWARNING);
  EXPECT_EQ(ParseLogLevel("error"), LogLevel::kERROR);
  EXPECT_FALSE(ParseLogLevel("INFO").has_value());
}

}  // namespace
}  // namespace mobula::base
