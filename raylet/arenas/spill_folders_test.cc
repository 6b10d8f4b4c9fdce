#include "raylet/arenas/spill_folders.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "raylet/arenas/spill_file.h"

namespace mobula::raylet {
namespace {

namespace fs = std::filesystem;

class SpillFoldersTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "/spillXXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string folder_;
};

TEST_F(SpillFoldersTest, KnowsWhatHasNoDisk) {
  EXPECT_EQ(LiesInMemory(folder_), LiesInMemory(folder_ + "/not/made/yet"));
  // No tmpfs: no disk either, but nobody would spill there.
  EXPECT_FALSE(LiesInMemory("/proc"));
  if (fs::exists("/dev/shm") && LiesInMemory("/dev/shm")) {
    EXPECT_TRUE(LiesInMemory("/dev/shm/not-made-yet"));
  }
}

TEST_F(SpillFoldersTest, TakesTheFirstThatHasADiskAndCanBeWritten) {
  if (LiesInMemory(folder_)) GTEST_SKIP() << folder_ << " is in memory";
  using Folders = std::vector<std::string>;
  EXPECT_EQ(ChooseSpillFolder({folder_, "/tmp"}), Folders{folder_});
  // The first one is the session's, which is made later.
  const std::string absent = folder_ + "/absent";
  EXPECT_EQ(ChooseSpillFolder({absent, folder_}), Folders{absent});
  EXPECT_EQ(ChooseSpillFolder({"/proc/self", absent, folder_}),
            Folders{folder_});
  EXPECT_EQ(ChooseSpillFolder({"/proc/self"}), Folders{});
  if (LiesInMemory("/dev/shm")) {
    EXPECT_EQ(ChooseSpillFolder({"/dev/shm/absent", folder_}),
              Folders{folder_});
  }
}

TEST_F(SpillFoldersTest, SaysWhatIsWrongWithWhich) {
  EXPECT_EQ(WrongWithSpillFolder(folder_), "");
  std::ofstream(folder_ + "/file") << "x";
  for (const std::string& bad : {folder_ + "/absent", folder_ + "/file"}) {
    EXPECT_NE(WrongWithSpillFolder(bad).find(bad), std::string::npos) << bad;
  }
  EXPECT_TRUE(fs::exists(folder_ + "/file"));
  EXPECT_EQ(WrongWithSpillFolders({folder_}), "");
  EXPECT_TRUE(WrongWithSpillFolders({folder_, folder_ + "/absent"})
                  .starts_with("--spill-folder: "));
}

TEST_F(SpillFoldersTest, SaysHowMuchRoomThereIs) {
  EXPECT_GT(RoomInSpillFolder(folder_), 0u);
  EXPECT_EQ(RoomInSpillFolder(folder_ + "/absent"), 0u);
}

TEST_F(SpillFoldersTest, SweepsWhatWasLeftAndNothingElse) {
  const std::string left = folder_ + "/" + kSpillFilePrefix + "aaaaaa";
  std::ofstream(left) << "x";
  std::ofstream(folder_ + "/other") << "x";
  fs::create_directory(folder_ + "/" + kSpillFilePrefix + "folder");
  SweepSpillFolder(folder_);
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(folder_ + "/other"));
  EXPECT_TRUE(fs::exists(folder_ + "/" + kSpillFilePrefix + "folder"));
  SweepSpillFolder(folder_ + "/absent");
}

}  // namespace
}  // namespace mobula::raylet
