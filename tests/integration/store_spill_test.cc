// Far more goes through the node's store than it has memory for: what is over
// lies on disk meanwhile. Real processes, real disks, a real memory cgroup.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/failure.h"
#include "tests/integration/memory_cgroup.h"
#include "tests/integration/store_user.h"
#include "tests/process_tree/process_tree.h"

namespace mobula::test {

// Runs in a worker; external linkage, as a user's would have.
class StoppedWriter {
 public:
  // Its pid; 0 if there is no room.
  int Write(std::uint64_t byte_count) {
    base::Failure failure;
    value_ = StoreUser().Put(
        byte_count, 3, base::BootNow() + std::chrono::seconds(60), &failure);
    return value_ ? ::getpid() : 0;
  }

 private:
  std::optional<StoredAt> value_;
};

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kStoreBytes = 32 * kMiB;
constexpr std::uint64_t kThroughBytes = 1024 * kMiB;
constexpr base::Duration kPatience = std::chrono::seconds(60);
// How long a put may wait that is to fail.
constexpr base::Duration kShort = milliseconds(1500);

base::BootTime Soon() { return base::BootNow() + kPatience; }

// A head of 32 MiB with a folder to spill into.
class StoreSpillTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/spillXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    top_ = fs::canonical(pattern);
    spill_ = top_ + "/spill";
    fs::create_directory(spill_);
    fs::create_directory(top_ + "/run");
    fs::permissions(top_ + "/run", fs::perms::owner_all);
    ::setenv("XDG_RUNTIME_DIR", (top_ + "/run").c_str(), 1);
    ::setenv("MOBULA_ADDRESS", "embedded", 1);
    named_ = NamesBelow("/dev/shm");
  }
  void TearDown() override {
    runtime_.reset();
    user_.reset();
    EXPECT_TRUE(Children(::getpid()).empty());
    EXPECT_TRUE(fs::is_empty(spill_));
    EXPECT_EQ(NamesBelow("/dev/shm"), named_);
    ::umount2(spill_.c_str(), MNT_DETACH);  // where a test put a disk there
    fs::remove_all(top_);
  }

  void Start() {
    runtime_.emplace(
        Init(InitOptions().Cpus(1).ObjectStoreMemory("32MiB").SpillFolders(
            {spill_})));
    user_.emplace();
    raylet_ = RayletOfThisProcess();
    ASSERT_GT(raylet_, 0);
    ASSERT_TRUE(user_->backend().HasStore());
    EXPECT_EQ(StoreFilesOf(raylet_, spill_).arenas, 0u)
        << "nobody has put anything yet";
  }
  // Puts values of 1 to 8 MiB until there are so many bytes.
  std::vector<StoredAt> PutMany(std::uint64_t byte_count) {
    std::vector<StoredAt> values;
    std::mt19937_64 random(7);
    for (std::uint64_t put = 0; put < byte_count;) {
      const std::uint64_t size = kMiB + random() % (7 * kMiB + 1);
      base::Failure failure;
      const auto value = user_->Put(size, random(), Soon(), &failure);
      if (!value) {
        ADD_FAILURE() << base::DescribeFailure(failure);
        break;
      }
      values.push_back(*value);
      put += size;
    }
    return values;
  }
  // Puts values of about 1 MB until one fails, 1,000 at most; why it did.
  base::Failure PutUntilFull(std::vector<StoredAt>* values) {
    base::Failure failure;
    for (int i = 0; i < 1000; ++i) {
      const auto value = user_->Put(1'000'000, static_cast<std::uint64_t>(i),
                                    base::BootNow() + kShort, &failure);
      if (!value) break;
      values->push_back(*value);
    }
    return failure;
  }
  void ExpectRoomFor(int count, std::vector<StoredAt>* values) {
    for (int i = 0; i < count; ++i) {
      base::Failure failure;
      const auto value = user_->Put(1'000'000, 5, Soon(), &failure);
      ASSERT_TRUE(value.has_value()) << base::DescribeFailure(failure);
      values->push_back(*value);
    }
  }
  void ExpectAllRight(const std::vector<StoredAt>& values) {
    for (const StoredAt& value : values) {
      ASSERT_TRUE(user_->IsRight(value, Soon()));
    }
  }
  void DropAll(const std::vector<StoredAt>& values) {
    for (const StoredAt& value : values) user_->Drop(value);
    ExpectNoValueLeft(raylet_, spill_, Soon());
  }
  void PutThroughAndBack() {
    std::vector<StoredAt> values = PutMany(kThroughBytes);
    const StoreFiles full = StoreFilesOf(raylet_, spill_);
    EXPECT_LE(full.arena_bytes, kStoreBytes);
    EXPECT_GE(full.spilled_bytes, kThroughBytes - 2 * kStoreBytes);
    std::shuffle(values.begin(), values.end(), std::mt19937_64(8));
    ExpectAllRight(values);
    EXPECT_LE(StoreFilesOf(raylet_, spill_).arena_bytes, kStoreBytes);
    DropAll(values);
  }

  std::string top_;
  std::string spill_;
  std::vector<std::string> named_;
  std::optional<Runtime> runtime_;
  std::optional<StoreUser> user_;
  pid_t raylet_ = 0;
};

TEST_F(StoreSpillTest, AGibibyteGoesThrough32Mebibytes) {
  Start();
  PutThroughAndBack();
}

TEST_F(StoreSpillTest, TheSameInAMemoryCgroupOf128Mebibytes) {
  std::string why;
  const auto group = MemoryCgroup::Enter(128 * kMiB, &why);
  if (group == nullptr) {
    std::printf("NOT TESTED in a memory cgroup: %s\n", why.c_str());
    GTEST_SKIP() << why;
  }
  Start();
  PutThroughAndBack();
  EXPECT_LE(group->killed_count(), 0);
  runtime_.reset();
  user_.reset();
}

TEST_F(StoreSpillTest, AFolderThatIsGoneMakesItFullUntilItIsBack) {
  Start();
  fs::remove(spill_);
  std::vector<StoredAt> values;
  const base::Failure failure = PutUntilFull(&values);
  EXPECT_EQ(base::FailureCodeName(failure.code), "ObjectStoreFull");
  EXPECT_NE(failure.message.find("--object-store-memory"), std::string::npos)
      << failure.message;
  EXPECT_GE(values.size() * 1'000'000, kStoreBytes / 2);
  // Who lets go makes room without a disk.
  const std::size_t half = values.size() / 2;
  for (std::size_t i = half; i < values.size(); ++i) user_->Drop(values[i]);
  values.resize(half);
  ExpectRoomFor(8, &values);
  // And once there is a disk again there is no end.
  fs::create_directory(spill_);
  ExpectRoomFor(64, &values);
  ExpectAllRight(values);
  DropAll(values);
}

// It writes into the arena that nobody has used for longest, and never says
// whether it can do without.
TEST_F(StoreSpillTest, AStoppedProcessHoldsNobodyUp) {
  Start();
  Actor<StoppedWriter> writer = Create<StoppedWriter>();
  const int pid =
      Get(writer.Call<&StoppedWriter::Write>(std::uint64_t{500'000}));
  ASSERT_GT(pid, 0);
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  std::vector<StoredAt> values;
  ExpectRoomFor(96, &values);
  ExpectAllRight(values);
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  DropAll(values);
}

// Of each arena a little is kept.
TEST_F(StoreSpillTest, WhatIsFreedOnDiskGoesBackToTheDisk) {
  Start();
  std::vector<StoredAt> values;
  base::Failure failure;
  for (std::uint64_t i = 0; i < 960; ++i) {
    const auto value = user_->Put(100'000, i, Soon(), &failure);
    ASSERT_TRUE(value.has_value()) << base::DescribeFailure(failure);
    values.push_back(*value);
  }
  EXPECT_GE(StoreFilesOf(raylet_, spill_).spilled_bytes, 48 * kMiB);
  std::vector<StoredAt> kept;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % 16 == 0) {
      kept.push_back(values[i]);
    } else {
      user_->Drop(values[i]);
    }
  }
  const base::BootTime deadline = Soon();
  while (StoreFilesOf(raylet_, spill_).disk_bytes > 16 * kMiB) {
    ASSERT_LT(base::BootNow(), deadline) << "the disk is not given back";
    ::poll(nullptr, 0, 5);
  }
  ExpectAllRight(kept);
  DropAll(kept);
}

// Half of the values fit while all are in use; who reads one more hears so.
TEST_F(StoreSpillTest, WhoReadsMoreThanThereIsRoomForIsToldWhoHasIt) {
  Start();
  std::vector<StoredAt> values;
  ExpectRoomFor(64, &values);
  std::vector<base::Bytes> held;
  base::Failure failure;
  for (const StoredAt& value : values) {
    auto bytes = user_->Map(value, base::BootTime::Never(), &failure);
    if (!bytes) break;
    held.push_back(*std::move(bytes));
  }
  EXPECT_LT(held.size(), values.size());
  EXPECT_EQ(base::FailureCodeName(failure.code), "ObjectStoreFull");
  EXPECT_NE(failure.message.find("pid " + std::to_string(::getpid())),
            std::string::npos)
      << failure.message;
  held.clear();
  ExpectAllRight(values);
  DropAll(values);
}

// Whether this process may have disks of its own, which nobody else sees.
bool MayMount() {
  if (::unshare(CLONE_NEWNS) != 0) return false;
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

TEST_F(StoreSpillTest, AFullDiskMakesItFullUntilThereIsRoom) {
  if (!MayMount() ||
      ::mount("tmpfs", spill_.c_str(), "tmpfs", 0, "size=4m,mode=700") != 0) {
    std::printf("NOT TESTED with a full disk: no file system can be mounted\n");
    GTEST_SKIP() << "no file system can be mounted here";
  }
  Start();
  std::vector<StoredAt> values;
  const base::Failure failure = PutUntilFull(&values);
  EXPECT_EQ(base::FailureCodeName(failure.code), "ObjectStoreFull");
  EXPECT_GE(values.size() * 1'000'000, kStoreBytes / 2);
  EXPECT_LE(StoreFilesOf(raylet_, spill_).spilled_bytes, 4 * kMiB);
  // All that was put can be read, in one place after another.
  ExpectAllRight(values);
  ASSERT_EQ(::mount(nullptr, spill_.c_str(), nullptr, MS_REMOUNT,
                    "size=256m,mode=700"),
            0);
  ExpectRoomFor(64, &values);
  ExpectAllRight(values);
  DropAll(values);
}

TEST_F(StoreSpillTest, WithoutDescriptorsTheAgentRefusesAndNobodyHangs) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  Start();
  std::vector<StoredAt> values;
  ExpectRoomFor(4, &values);
  // Those that the raylet has stay, and it gets no other.
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::prlimit(raylet_, RLIMIT_NOFILE, &none, nullptr), 0);
  base::Failure failure;
  EXPECT_FALSE(user_->Map(values[0], Soon(), &failure).has_value());
  EXPECT_EQ(base::FailureCodeName(failure.code), "LimitError");
  EXPECT_NE(failure.message.find("ulimit -n"), std::string::npos)
      << failure.message;
  EXPECT_FALSE(user_->Put(9 * kMiB, 1, Soon(), &failure).has_value());
  EXPECT_EQ(base::FailureCodeName(failure.code), "ObjectStoreFull");
  ASSERT_EQ(::prlimit(raylet_, RLIMIT_NOFILE, &before, nullptr), 0);
  ExpectRoomFor(1, &values);
  ExpectAllRight(values);
  DropAll(values);
}

TEST(StoreOffTest, WithoutAStoreNobodyAllocates) {
  ::setenv("MOBULA_ADDRESS", "embedded", 1);
  const Runtime runtime = Init(InitOptions().Cpus(1).ObjectStoreMemory(0));
  const StoreUser user;
  EXPECT_FALSE(user.backend().HasStore());
  base::Failure failure;
  EXPECT_FALSE(user.Put(100, 1, Soon(), &failure).has_value());
}

TEST(StoreOffTest, AStoreThatCannotBeIsRefusedAtTheStart) {
  const auto error_of = [](const InitOptions& options) {
    try {
      const Runtime runtime = Init(options);
    } catch (const InitError& error) {
      return error.message();
    }
    return std::string("it started");
  };
  EXPECT_NE(error_of(InitOptions().ObjectStoreMemory("8000TiB"))
                .find("--object-store-memory: "),
            std::string::npos);
  EXPECT_NE(error_of(InitOptions().ObjectStoreMemory(1000)).find("1MiB"),
            std::string::npos);
  const std::string absent = testing::TempDir() + "/absent";
  EXPECT_NE(error_of(InitOptions().SpillFolders({absent})).find(absent),
            std::string::npos);
}

}  // namespace
}  // namespace mobula::test
