// A disk that really is full: a file system of a few megabytes in memory, in a
// mount namespace of this process.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "gcs/log/control_log.h"
#include "gcs/log/open_log.h"

namespace mobula::gcs {
namespace {

constexpr std::int64_t kMegabyte = std::int64_t{1} << 20;

// False where it is not allowed.
bool MountSmallDisk(const std::string& folder) {
  std::filesystem::create_directories(folder);
  return ::unshare(CLONE_NEWNS) == 0 &&
         ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=48m") == 0;
}

std::int64_t FreeBytes(const std::string& folder) {
  struct statvfs stat{};
  EXPECT_EQ(::statvfs(folder.c_str(), &stat), 0);
  return static_cast<std::int64_t>(stat.f_bavail * stat.f_frsize);
}

TEST(SmallDiskTest, FullIsToldBeforeAWriteFailsAndRoomIsSeen) {
  const std::string disk = ::testing::TempDir() + "/disk";
  if (!MountSmallDisk(disk)) {
    // In a chroot no mount can be kept from the others' sight.
    ASSERT_TRUE(errno == EPERM || errno == EINVAL) << errno;
    GTEST_SKIP() << "only root may mount a small disk, and in no chroot; "
                    "control_log_test stands in for it";
  }
  ControlLog::Options options = OpenLog::At(disk + "/log");
  options.reserve_bytes = 16 * kMegabyte;
  options.disk_period = std::chrono::milliseconds(5);
  OpenLog log(options);
  ASSERT_TRUE(log.ok()) << log.error();
  log.Write("before", "1");
  EXPECT_FALSE(log.full());

  // Somebody else fills the disk but for 8 MB.
  const std::string other = disk + "/other";
  {
    std::ofstream file(other, std::ios::binary);
    const std::string block(static_cast<std::size_t>(kMegabyte), 'o');
    while (FreeBytes(disk) > 8 * kMegabyte) file << block << std::flush;
  }
  log.WaitFull(true);
  const std::string value(100'000, 'v');
  for (int i = 0; i < 20; ++i) log.Write("during" + std::to_string(i), value);

  std::filesystem::remove(other);
  log.WaitFull(false);
  log.Write("after", "3");
  EXPECT_EQ(log.Read().size(), 22u);
}

}  // namespace
}  // namespace mobula::gcs
