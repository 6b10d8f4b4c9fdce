// A small store: what does not fit is spilled and comes back, and what cannot
// be spilled makes others wait.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

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

}  // namespace
}  // namespace full
