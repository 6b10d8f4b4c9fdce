#include "raylet/arenas/spill_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mobula::raylet {
namespace {

using base::Extent;

Extent ExtentAt(std::uint64_t offset, std::uint64_t size) {
  return {base::ArenaId{1, 2}, offset, size, 7};
}

// All slices together.
SpillFile::Was ReadAll(const SpillFile& file, const Extent& extent,
                       std::string* bytes, std::string* error) {
  bytes->clear();
  const auto sink = [bytes](std::uint64_t at, std::string_view slice) {
    EXPECT_EQ(at, bytes->size());
    EXPECT_LE(slice.size(), SpillFile::kSliceBytesMax);
    bytes->append(slice);
    return true;
  };
  return file.Read(extent, sink, error);
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
  EXPECT_EQ(ReadAll(*file_, ExtentAt(192, 5), &read_, &error_),
            SpillFile::Was::kRead);
  EXPECT_EQ(read_, second_);
  EXPECT_EQ(ReadAll(*file_, ExtentAt(64, 3), &read_, &error_),
            SpillFile::Was::kRead);
  EXPECT_EQ(read_, first_);
}

TEST_F(SpillFileTest, KnowsWhatHasChangedOnDiskAndSparesTheRest) {
  ASSERT_EQ(::pwrite(file_->descriptor(), "X", 1, 64 + 65), 1);
  EXPECT_EQ(ReadAll(*file_, ExtentAt(64, 3), &read_, &error_),
            SpillFile::Was::kWrong);
  EXPECT_EQ(ReadAll(*file_, ExtentAt(192, 5), &read_, &error_),
            SpillFile::Was::kRead);
}

TEST_F(SpillFileTest, KnowsAnExtentOfAnotherGenerationAndATornFile) {
  Extent other = ExtentAt(64, 3);
  other.generation = 8;
  EXPECT_EQ(ReadAll(*file_, other, &read_, &error_), SpillFile::Was::kWrong);
  EXPECT_EQ(ReadAll(*file_, ExtentAt(128, 3), &read_, &error_),
            SpillFile::Was::kWrong);
  ASSERT_EQ(::ftruncate(file_->descriptor(), 200), 0);
  EXPECT_EQ(ReadAll(*file_, ExtentAt(192, 5), &read_, &error_),
            SpillFile::Was::kWrong);
}

// A file with so many records of so many bytes.
class SpillFileRoomTest : public testing::Test {
 protected:
  void Fill(std::uint64_t count, std::uint64_t size) {
    std::string error;
    file_ = SpillFile::Make(testing::TempDir(), &error);
    ASSERT_TRUE(file_.has_value()) << error;
    bytes_ = std::string(size, 'x');
    for (std::uint64_t i = 0; i < count; ++i) {
      ASSERT_TRUE(file_->Add(At(i), bytes_, &error)) << error;
    }
    ::fsync(file_->descriptor());
  }
  static Extent At(std::uint64_t i) { return ExtentAt(64 + i * (1 << 20), 9); }
  void ExpectReadable(std::uint64_t i) {
    std::string read;
    std::string error;
    EXPECT_EQ(ReadAll(*file_, At(i), &read, &error), SpillFile::Was::kRead);
    EXPECT_EQ(read, bytes_);
  }
  [[nodiscard]] bool MayHaveHoles() const {
    return ::fallocate(file_->descriptor(),
                       FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1 << 30,
                       4096) == 0;
  }

  std::optional<SpillFile> file_;
  std::string bytes_;
};

TEST_F(SpillFileRoomTest, WhatIsFreedGoesBackAtOnce) {
  Fill(3, 100'000);
  if (!MayHaveHoles()) GTEST_SKIP() << "a file system without holes";
  const std::uint64_t before = file_->DiskBytes();
  EXPECT_GE(before, 300'000u);
  file_->Free(At(1));
  EXPECT_LE(file_->DiskBytes(), before - 90'000);
  ExpectReadable(0);
  ExpectReadable(2);
  std::string read;
  std::string error;
  EXPECT_EQ(ReadAll(*file_, At(1), &read, &error), SpillFile::Was::kWrong);
  file_->Free(At(1));  // no effect
  file_->Free(At(2));
  EXPECT_LE(file_->DiskBytes(), before - 190'000);
  ExpectReadable(0);
}

TEST_F(SpillFileRoomTest, BlocksOfManySmallOnesGoBackWithTheLastOnThem) {
  Fill(1'000, 100);
  if (!MayHaveHoles()) GTEST_SKIP() << "a file system without holes";
  EXPECT_GE(file_->DiskBytes(), 100'000u);
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    const std::uint64_t one = i * 7 % 1'000;  // each, in no order
    if (one != 500) file_->Free(At(one));
  }
  EXPECT_LE(file_->DiskBytes(), 16'384u);
  ExpectReadable(500);
}

TEST_F(SpillFileRoomTest, ALongValueComesSliceBySlice) {
  Fill(2, 7 * SpillFile::kSliceBytesMax / 2);
  ExpectReadable(0);
  ExpectReadable(1);
  std::string error;
  int slices = 0;
  const auto stop_at_second = [&slices](std::uint64_t, std::string_view) {
    return ++slices < 2;
  };
  EXPECT_EQ(file_->Read(At(0), stop_at_second, &error),
            SpillFile::Was::kFailed);
  EXPECT_EQ(slices, 2);
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
