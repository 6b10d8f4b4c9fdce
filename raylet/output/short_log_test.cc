#include "raylet/output/short_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/unique_fd.h"

namespace mobula::raylet {
namespace {

class ShortLogTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "shortXXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    path_ = folder + "/keeper.log";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] base::UniqueFd Open(int flags) const {
    return base::UniqueFd(
        ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600));
  }
  static void Say(const base::UniqueFd& fd, const std::string& text) {
    ASSERT_EQ(::write(fd.get(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }
  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string folder_;
  std::string path_;
};

TEST_F(ShortLogTest, BeginsAnewAndKeepsTheLastOne) {
  const base::UniqueFd log = Open(O_APPEND);
  const base::UniqueFd other = Open(O_APPEND);  // of a child
  Say(log, "1234567890");
  EXPECT_FALSE(KeepLogShort(log.get(), path_, 10));
  Say(other, "!");
  EXPECT_TRUE(KeepLogShort(log.get(), path_, 10));
  EXPECT_EQ(Read(path_), "");
  EXPECT_EQ(Read(path_ + ".1"), "1234567890!");
  Say(other, "next");
  Say(log, " one");
  EXPECT_EQ(Read(path_), "next one");
  EXPECT_TRUE(KeepLogShort(log.get(), path_, 1));
  EXPECT_EQ(Read(path_ + ".1"), "next one");
}

TEST_F(ShortLogTest, WhatIsNoLogIsLeftAlone) {
  const base::UniqueFd log = Open(0);
  Say(log, "1234567890");
  EXPECT_FALSE(KeepLogShort(log.get(), path_, 1));
  EXPECT_EQ(Read(path_), "1234567890");
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  EXPECT_FALSE(KeepLogShort(ends[1], path_, 1));
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace mobula::raylet
