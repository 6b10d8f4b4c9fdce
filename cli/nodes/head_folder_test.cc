#include "cli/nodes/head_folder.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace mobula::cli {
namespace {

class HeadFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string top = testing::TempDir() + "headXXXXXX";
    ASSERT_NE(::mkdtemp(top.data()), nullptr);
    top_ = top;
  }
  void TearDown() override { std::filesystem::remove_all(top_); }

  std::string top_;
};

TEST_F(HeadFolderTest, IsMadeWithWhatIsAboveIt) {
  std::string error;
  const auto folder = HeadFolder::Open(top_ + "/a/b", &error);
  ASSERT_TRUE(folder.has_value()) << error;
  EXPECT_EQ(folder->path(), top_ + "/a/b");
  EXPECT_TRUE(std::filesystem::is_directory(top_ + "/a/b"));
}

TEST_F(HeadFolderTest, WhyItCannotBeMadeIsSaid) {
  const std::string file = top_ + "/file";
  std::ofstream(file) << "x";
  std::string error;
  EXPECT_FALSE(HeadFolder::Open(file + "/a/b", &error).has_value());
  EXPECT_EQ(error, "cannot use " + file + "/a/b: cannot make " + file +
                       "/a: Not a directory");
  EXPECT_FALSE(HeadFolder::Open(file, &error).has_value());
  EXPECT_EQ(error, "cannot use " + file + ": it is not a folder");
  // Nobody may make anything there, root neither.
  EXPECT_FALSE(HeadFolder::Open("/proc/mobula", &error).has_value());
  EXPECT_TRUE(error.starts_with(
      "cannot use /proc/mobula: it is not there, and cannot be made: "))
      << error;
}

}  // namespace
}  // namespace mobula::cli
