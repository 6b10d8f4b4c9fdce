// Large values between processes: that they are shared and not copied, and live
// as long as somebody refers to them.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace large {

using std::chrono::seconds;

using Numbers = std::vector<double>;
using NumbersView = mobula::View<Numbers>;

constexpr std::size_t kSize = 500'000;  // 4 MB

// Whether this process maps it from the store: read-only, and from a memfd.
bool IsShared(const void* place) {
  const auto address = reinterpret_cast<std::uintptr_t>(place);
  std::ifstream maps("/proc/self/maps");
  std::string line;
  while (std::getline(maps, line)) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    if (std::sscanf(line.c_str(), "%zx-%zx", &begin, &end) != 2) continue;
    if (address < begin || address >= end) continue;
    return line.find("/memfd:") != line.npos &&
           line.find(" r--s ") != line.npos;
  }
  return false;
}

// ---- what runs remotely -----------------------------------------------------

double Sum(std::span<const double> numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0);
}
bool SeesItShared(NumbersView numbers) {
  return IsShared(numbers.data()) && numbers.size() == kSize;
}
Numbers Ones(std::size_t size) { return Numbers(size, 1); }
Numbers More(const Numbers& numbers, double by) {
  Numbers more = numbers;
  for (double& number : more) number += by;
  return more;
}
mobula::Ref<Numbers> FillBuffer(std::size_t size) {
  auto buffer = mobula::NewBuffer<double>(size);
  std::iota(buffer.begin(), buffer.end(), 0);
  return buffer.Seal();
}
// Of a value that another task of this one makes.
double SumOfAnother(std::size_t size) {
  const mobula::Ref<Numbers> ones = mobula::Spawn<Ones>(size);
  return Sum(ones.GetView(seconds(60)));
}
double DieOnceThenSum(NumbersView numbers) {
  if (mobula::CurrentTask().attempt == 1) ::kill(::getpid(), SIGKILL);
  return Sum(numbers);
}

class Holder {
 public:
  Holder() = default;
  explicit Holder(NumbersView numbers) : numbers_(std::move(numbers)) {}
  void Hold(NumbersView numbers) { numbers_ = std::move(numbers); }
  double Sum() const { return large::Sum(numbers_); }
  bool IsShared() const { return large::IsShared(numbers_.data()); }
  mobula::Ref<Numbers> Make(std::size_t size) {
    return mobula::Put(Numbers(size, 2));
  }
  int Pid() const { return ::getpid(); }

 private:
  NumbersView numbers_;
};

namespace {

class LargeValuesTest : public testing::Test {
 protected:
  mobula::Runtime runtime_ = mobula::Init(mobula::InitOptions().Cpus(2));
};

TEST_F(LargeValuesTest, IsSharedByWhoeverReadsIt) {
  const auto ref = mobula::Put(Numbers(kSize, 1));
  EXPECT_TRUE(IsShared(ref.GetView().data()));
  EXPECT_TRUE(mobula::Spawn<SeesItShared>(ref).Get(seconds(60)));
  EXPECT_TRUE(mobula::Spawn<SeesItShared>(ref.GetView()).Get(seconds(60)));
  EXPECT_TRUE(mobula::Spawn<SeesItShared>(Numbers(kSize)).Get(seconds(60)));
  const auto result = mobula::Spawn<Ones>(kSize);
  EXPECT_TRUE(IsShared(result.GetView(seconds(60)).data()));
  EXPECT_TRUE(mobula::Spawn<SeesItShared>(result).Get(seconds(60)));
  const auto filled = mobula::Spawn<FillBuffer>(kSize).Get(seconds(60));
  EXPECT_TRUE(IsShared(filled.GetView(seconds(60)).data()));
  EXPECT_EQ(filled.GetView()[kSize - 1], kSize - 1);
}

TEST_F(LargeValuesTest, AChainOfTasksPassesThemOn) {
  mobula::Ref<Numbers> numbers = mobula::Spawn<Ones>(kSize);
  for (int i = 0; i < 10; ++i) numbers = mobula::Spawn<More>(numbers, 1.0);
  EXPECT_EQ(mobula::Spawn<Sum>(numbers).Get(seconds(60)), 11.0 * kSize);
  EXPECT_EQ(mobula::Spawn<SumOfAnother>(kSize).Get(seconds(60)), kSize);
}

TEST_F(LargeValuesTest, AnActorHoldsWhatNobodyElseDoes) {
  auto holder = mobula::Create<Holder>(mobula::Put(Numbers(kSize, 1)));
  for (int i = 0; i < 10; ++i) mobula::Put(Numbers(kSize, 7));
  EXPECT_EQ(holder.Call<&Holder::Sum>().Get(seconds(60)), kSize);
  EXPECT_TRUE(holder.Call<&Holder::IsShared>().Get(seconds(60)));
  holder.Call<&Holder::Hold>(mobula::Spawn<Ones>(kSize / 2));
  for (int i = 0; i < 10; ++i) mobula::Put(Numbers(kSize / 2, 7));
  EXPECT_EQ(holder.Call<&Holder::Sum>().Get(seconds(60)), kSize / 2);
}

TEST_F(LargeValuesTest, ARetriedTaskReadsItsArgumentAgain) {
  EXPECT_EQ(mobula::Spawn<DieOnceThenSum>(Numbers(kSize, 1)).Get(seconds(60)),
            kSize);
}

TEST_F(LargeValuesTest, WhatIsKnownOutlivesItsOwner) {
  auto holder = mobula::Create<Holder>();
  const auto made = holder.Call<&Holder::Make>(kSize).Get(seconds(60));
  EXPECT_EQ(Sum(made.GetView(seconds(60))), 2.0 * kSize);
  mobula::Kill(holder);
  EXPECT_THROW(holder.Call<&Holder::Pid>().Get(seconds(60)), mobula::ActorDied);
  EXPECT_EQ(Sum(made.GetView(seconds(60))), 2.0 * kSize);
  EXPECT_EQ(mobula::Spawn<Sum>(made).Get(seconds(60)), 2.0 * kSize);
}

}  // namespace
}  // namespace large
