#include "examples/index/walk.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace indexer {
namespace {

namespace fs = std::filesystem;

class WalkTest : public testing::Test {
 protected:
  WalkTest() {
    fs::create_directories(root_ / "a" / "deep");
    fs::create_directories(root_ / "empty");
    fs::create_directories(outside_ / "folder");
    Write(root_ / "b.txt");
    Write(root_ / "a" / "2");
    Write(root_ / "a" / "10");
    Write(root_ / "a" / "deep" / "x");
    Write(outside_ / "file");
    Write(outside_ / "folder" / "hidden");
  }
  ~WalkTest() override { fs::remove_all(top_); }

  static void Write(const fs::path& path) { std::ofstream(path) << "text"; }

  std::vector<std::string> Paths(const Walk& walk) const {
    std::vector<std::string> paths;
    for (const FoundFile& file : walk.files) {
      paths.push_back(fs::relative(fs::path(file.path).parent_path(), root_) /
                      fs::path(file.path).filename());
    }
    return paths;
  }

  const fs::path top_ = fs::canonical(testing::TempDir()) /
                        ("walk_test_" + std::to_string(::getpid()));
  const fs::path root_ = top_ / "root";
  const fs::path outside_ = top_ / "outside";
};

using List = std::vector<std::string>;

TEST_F(WalkTest, FindsAllFilesInOrder) {
  const Walk walk = WalkFolder(root_);
  EXPECT_EQ(Paths(walk), (List{"a/10", "a/2", "a/deep/x", "./b.txt"}));
  EXPECT_EQ(walk.files[0].size_bytes, 4u);
  EXPECT_TRUE(walk.problems.empty());
  EXPECT_EQ(walk.root, root_);
}

TEST_F(WalkTest, LinksNeverLeadInACircleOrOut) {
  fs::create_directory_symlink(root_, root_ / "a" / "up");
  fs::create_symlink("self", root_ / "self");
  fs::create_directory_symlink(outside_ / "folder", root_ / "out");
  fs::create_symlink(root_ / "b.txt", root_ / "a" / "same");
  fs::create_symlink("/dev/null", root_ / "null");
  fs::create_symlink(outside_ / "file", root_ / "c_outside");
  fs::create_symlink(root_ / "nowhere", root_ / "broken");
  const Walk walk = WalkFolder(root_);
  EXPECT_EQ(Paths(walk),
            (List{"a/10", "a/2", "a/deep/x", "./b.txt", "./c_outside"}));
  EXPECT_EQ(walk.links_passed, 4u);
  ASSERT_EQ(walk.problems.size(), 2u);
  EXPECT_EQ(walk.problems[0].path, root_ / "broken");
  EXPECT_EQ(walk.problems[0].reason, "No such file or directory");
  EXPECT_EQ(walk.problems[1].path, root_ / "self");
}

TEST_F(WalkTest, ARootThatIsALinkOrAFileIsFollowed) {
  fs::create_directory_symlink(root_, top_ / "link");
  EXPECT_EQ(WalkFolder(top_ / "link").files.size(), 4u);
  const Walk file = WalkFolder(root_ / "b.txt");
  ASSERT_EQ(file.files.size(), 1u);
  EXPECT_EQ(file.files[0].path, root_ / "b.txt");
}

TEST_F(WalkTest, PassesOverWhatIsNoFile) {
  ASSERT_EQ(::mkfifo((root_ / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(WalkFolder(root_).files.size(), 4u);
}

TEST_F(WalkTest, NamesWhatItCannotOpen) {
  const Walk missing = WalkFolder(top_ / "missing");
  ASSERT_EQ(missing.problems.size(), 1u);
  EXPECT_EQ(missing.problems[0].reason, "No such file or directory");
  if (::geteuid() == 0) return;  // root opens everything
  fs::permissions(root_ / "a", fs::perms::none);
  const Walk walk = WalkFolder(root_);
  fs::permissions(root_ / "a", fs::perms::owner_all);
  EXPECT_EQ(walk.files.size(), 1u);
  ASSERT_EQ(walk.problems.size(), 1u);
  EXPECT_EQ(walk.problems[0].path, root_ / "a");
}

}  // namespace
}  // namespace indexer
