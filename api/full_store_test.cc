// A small store: what does not fit is spilled and comes back, and what cannot
// be spilled makes others wait.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace full {

using std::chrono::milliseconds;
using std::chrono::seconds;

using Numbers = std::vector<std::int64_t>;
using NumbersView = mobula::View<Numbers>;

constexpr std::size_t kStoreBytes = 64 << 20;
constexpr std::size_t kSize = 500'000;  // 4 MB each
constexpr std::int64_t kMany = 64;      // four times the store

// ---- what runs remotely -----------------------------------------------------

Numbers Filled(std::int64_t with) { return Numbers(kSize, with); }
std::int64_t First(NumbersView numbers) { return numbers[0]; }

// What processes that map the file wait at until all of them do.
class Meeting {
 public:
  explicit Meeting(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR);
    memory_ =
        ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
  }
  ~Meeting() { ::munmap(memory_, kBytes); }
  Meeting(const Meeting&) = delete;
  Meeting& operator=(const Meeting&) = delete;

  // A new file for so many.
  static std::string Make(unsigned count) {
    std::string path = testing::TempDir() + "/meetingXXXXXX";
    const int fd = ::mkstemp(path.data());
    EXPECT_EQ(::ftruncate(fd, kBytes), 0);
    ::close(fd);
    const Meeting meeting(path);
    pthread_barrierattr_t shared;
    ::pthread_barrierattr_init(&shared);
    ::pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    ::pthread_barrier_init(meeting.barrier(), &shared, count);
    ::pthread_barrierattr_destroy(&shared);
    return path;
  }

  void Wait() const { ::pthread_barrier_wait(barrier()); }

 private:
  static constexpr std::size_t kBytes = 4096;
  static_assert(sizeof(pthread_barrier_t) <= kBytes);

  [[nodiscard]] pthread_barrier_t* barrier() const {
    return static_cast<pthread_barrier_t*>(memory_);
  }

  void* memory_ = nullptr;
};

constexpr std::size_t kMiB = 1 << 20;
constexpr std::size_t kGivenSize = 7 * kMiB / sizeof(std::int64_t);
constexpr std::size_t kMadeSize = 5 * kMiB / sizeof(std::int64_t);

// All who run it have their arguments before any has room for its result.
Numbers MadeTogether(std::string meeting, NumbersView numbers) {
  Meeting(meeting).Wait();
  return Numbers(kMadeSize, numbers[kGivenSize - 1]);
}
mobula::Coro<Numbers> MadeByCoroutines(std::string meeting,
                                       NumbersView numbers) {
  Meeting(meeting).Wait();
  co_return Numbers(kMadeSize, numbers[kGivenSize - 1]);
}
std::int64_t LastOfBoth(NumbersView one, NumbersView other) {
  return one[kGivenSize - 1] + other[kGivenSize - 1];
}

namespace {

class FullStoreTest : public testing::Test {
 protected:
  mobula::Runtime runtime_ = mobula::Init(
      mobula::InitOptions().Cpus(2).ObjectStoreMemory(kStoreBytes));
};

TEST_F(FullStoreTest, WhatIsDroppedMakesRoom) {
  for (std::int64_t i = 0; i < kMany; ++i) {
    EXPECT_EQ(mobula::Put(Filled(i)).GetView()[kSize - 1], i);
    EXPECT_EQ(mobula::Spawn<First>(Filled(i)).Get(seconds(60)), i);
  }
}

TEST_F(FullStoreTest, WhatNobodyReadsIsSpilledAndComesBack) {
  std::vector<mobula::Ref<Numbers>> refs;
  for (std::int64_t i = 0; i < kMany; ++i) {
    refs.push_back(i % 2 == 0 ? mobula::Put(Filled(i))
                              : mobula::Spawn<Filled>(i));
  }
  for (std::int64_t i = kMany - 1; i >= 0; --i) {
    const auto& ref = refs[static_cast<std::size_t>(i)];
    EXPECT_EQ(ref.Get(seconds(60)), Filled(i));
    EXPECT_EQ(mobula::Spawn<First>(ref).Get(seconds(60)), i);
  }
}

// Fills the store with what is being read.
std::vector<NumbersView> Pinned() {
  std::vector<NumbersView> views;
  try {
    while (true) {
      views.push_back(mobula::Put(Filled(1), mobula::PutOptions().Timeout(
                                                 milliseconds(500)))
                          .GetView());
    }
  } catch (const mobula::ObjectStoreFull&) {
  }
  return views;
}

TEST_F(FullStoreTest, WhatIsReadStaysAndOthersWaitForRoom) {
  std::vector<NumbersView> views = Pinned();
  EXPECT_GE(views.size(), kStoreBytes / (kSize * sizeof(std::int64_t)) / 2);
  const auto soon = milliseconds(200);
  EXPECT_THROW(mobula::NewBuffer<std::int64_t>(
                   kSize, mobula::PutOptions().Timeout(soon)),
               mobula::ObjectStoreFull);
  EXPECT_THROW(
      mobula::Spawn<First>(mobula::TaskOptions().Timeout(soon), Filled(2)),
      mobula::ObjectStoreFull);
  for (const NumbersView& view : views) EXPECT_EQ(view[kSize - 1], 1);
  std::thread waiter([] {
    EXPECT_EQ(mobula::Put(Filled(3), mobula::PutOptions().Timeout(seconds(60)))
                  .GetView()[0],
              3);
  });
  views.clear();
  waiter.join();
  EXPECT_EQ(mobula::Spawn<First>(mobula::Spawn<Filled>(4)).Get(seconds(60)), 4);
}

TEST_F(FullStoreTest, WhatItCanNeverHoldIsTooLarge) {
  EXPECT_THROW(mobula::NewBuffer<char>(2 * kStoreBytes), mobula::ValueTooLarge);
  EXPECT_THROW(mobula::Put(std::string(2 * kStoreBytes, 'x')),
               mobula::ValueTooLarge);
}

// Four tasks at a time, whose arguments together take nearly all of the store.
class CrowdedStoreTest : public testing::Test {
 protected:
  void TearDown() override { ::unlink(meeting_.c_str()); }

  static std::vector<mobula::Ref<Numbers>> PutSome(std::int64_t count) {
    std::vector<mobula::Ref<Numbers>> refs;
    for (std::int64_t i = 0; i < count; ++i) {
      refs.push_back(mobula::Put(Numbers(kGivenSize, i)));
    }
    return refs;
  }
  static void ExpectMade(const std::vector<mobula::Ref<Numbers>>& made) {
    for (std::size_t i = 0; i < made.size(); ++i) {
      const Numbers numbers = made[i].Get(seconds(60));
      EXPECT_EQ(numbers.size(), kMadeSize);
      EXPECT_EQ(numbers[kMadeSize - 1], static_cast<std::int64_t>(i));
    }
  }

  static constexpr unsigned kTasks = 4;
  mobula::Runtime runtime_ = mobula::Init(
      mobula::InitOptions().Cpus(kTasks).ObjectStoreMemory(32 * kMiB));
  const std::string meeting_ = Meeting::Make(kTasks);
};

TEST_F(CrowdedStoreTest, ResultsHaveRoomWhereOnlyTheArgumentsAreInTheWay) {
  std::vector<mobula::Ref<Numbers>> made;
  for (const auto& given : PutSome(kTasks)) {
    made.push_back(mobula::Spawn<MadeTogether>(meeting_, given));
  }
  ExpectMade(made);
}

TEST_F(CrowdedStoreTest, SoHaveThoseOfCoroutines) {
  std::vector<mobula::Ref<Numbers>> made;
  for (const auto& given : PutSome(kTasks)) {
    made.push_back(mobula::Spawn<MadeByCoroutines>(meeting_, given));
  }
  ExpectMade(made);
}

TEST_F(CrowdedStoreTest, TasksWithTwoArgumentsEachComeToHaveBoth) {
  const std::vector<mobula::Ref<Numbers>> given = PutSome(2 * kTasks);
  std::vector<mobula::Ref<std::int64_t>> sums;
  for (std::size_t i = 0; i < kTasks; ++i) {
    sums.push_back(mobula::Spawn<LastOfBoth>(given[2 * i], given[2 * i + 1]));
  }
  for (std::size_t i = 0; i < kTasks; ++i) {
    EXPECT_EQ(sums[i].Get(seconds(60)), static_cast<std::int64_t>(4 * i + 1));
  }
}

}  // namespace
}  // namespace full
