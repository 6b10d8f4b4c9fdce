#include "raylet/arenas/spill_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace mobula::raylet {
namespace {

using base::Extent;

Extent ExtentAt(std::uint64_t offset, std::uint64_t size) {
  return {base::ArenaId{1, 2}, offset, size, 7};
}

class SpillFileTest : public testing::Test {
 protected:
  void SetUp() override {
    file_ = SpillFile::Make(testing::TempDir(), &error_);
    ASSERT_TRUE(file_.has_value()) << error_;
    ASSERT_TRUE(file_->Add(ExtentAt(64, 3), first_, &error_)) << error_;
    ASSERT_TRUE(file_->Add(ExtentAt(192, 5), second_, &error_)) << error_;
  }

  std::string error_;
  std::string read_;
  const std::string first_ = std::string(64, 'h') + "abc";
  const std::string second_ = std::string(64, 'h') + "defgh";
  std::optional<SpillFile> file_;
};

TEST_F(SpillFileTest, GivesBackWhatWasAdded) {
  EXPECT_EQ(file_->Read(ExtentAt(192, 5), &read_, &error_),
            SpillFile::Was::kRead);
  EXPECT_EQ(read_, second_);
  EXPECT_EQ(file_->Read(ExtentAt(64, 3), &read_, &error_),
            SpillFile::Was::kRead);
  EXPECT_EQ(read_, first_);
}

TEST_F(SpillFileTest, KnowsWhatHasChangedOnDiskAndSparesTheRest) {
  ASSERT_EQ(::pwrite(file_->descriptor(), "X", 1, 64 + 65), 1);
  EXPECT_EQ(file_->Read(ExtentAt(64, 3), &read_, &error_),
            SpillFile::Was::kWrong);
  EXPECT_EQ(file_->Read(ExtentAt(192, 5), &read_, &error_),
            SpillFile::Was::kRead);
}

TEST_F(SpillFileTest, KnowsAnExtentOfAnotherGenerationAndATornFile) {
  Extent other = ExtentAt(64, 3);
  other.generation = 8;
  EXPECT_EQ(file_->Read(other, &read_, &error_), SpillFile::Was::kWrong);
  EXPECT_EQ(file_->Read(ExtentAt(128, 3), &read_, &error_),
            SpillFile::Was::kWrong);
  ASSERT_EQ(::ftruncate(file_->descriptor(), 200), 0);
  EXPECT_EQ(file_->Read(ExtentAt(192, 5), &read_, &error_),
            SpillFile::Was::kWrong);
}

TEST(SpillFile, NamesTheFolderThatFails) {
  std::string error;
  EXPECT_FALSE(SpillFile::Make("/proc/no/such", &error).has_value());
  EXPECT_NE(error.find("/proc/no/such"), std::string::npos) << error;
}

TEST(SpillFile, NamesTheFolderOfAFullDisk) {
  std::string error;
  auto file = SpillFile::Make(testing::TempDir(), &error);
  ASSERT_TRUE(file.has_value());
  // A descriptor that cannot be written stands for a disk that is full.
  const int full = ::open("/dev/full", O_RDWR | O_CLOEXEC);
  ASSERT_GE(full, 0);
  ASSERT_GE(::dup2(full, file->descriptor()), 0);
  ::close(full);
  EXPECT_FALSE(file->Add(ExtentAt(64, 3), "bytes", &error));
  EXPECT_NE(error.find(testing::TempDir()), std::string::npos) << error;
  EXPECT_NE(error.find("No space left"), std::string::npos) << error;
}

}  // namespace
}  // namespace mobula::raylet
