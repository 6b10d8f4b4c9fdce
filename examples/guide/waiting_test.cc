// The snippets of docs/guide/waiting.md.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace guide {

using namespace std::chrono_literals;

int Square(int x) { return x * x; }

// Until that file is there; for ever if none is named.
int WaitForFile(const std::string& path) {
  while (path.empty() || !std::filesystem::exists(path)) {
    std::this_thread::sleep_for(1ms);
  }
  return 7;
}
int Slow() { return WaitForFile(""); }

std::string AskMirror(const std::string& name) {
  return name == "near" ? "near answers" : std::to_string(Slow());
}

std::int64_t SumOfSquares(int n) {
  constexpr std::size_t kInFlightMax = 100;
  std::int64_t sum = 0;
  int next = 0;
  std::vector<mobula::Ref<int>> running;
  while (next < n || !running.empty()) {
    while (next < n && running.size() < kInFlightMax) {
      running.push_back(mobula::Spawn<Square>(next++));
    }
    auto [ready, not_ready] = mobula::Wait(running, 1);
    for (const auto& square : ready) sum += mobula::Get(square);
    running = std::move(not_ready);
  }
  return sum;
}

class WaitingTest : public testing::Test {
 protected:
  mobula::Runtime runtime_ = mobula::Init(mobula::InitOptions().Cpus(2));
};

TEST_F(WaitingTest, WithALimit) {
  const std::string path =
      testing::TempDir() + "/waiting_test_" + std::to_string(::getpid());
  const mobula::Ref<int> slow = mobula::Spawn<WaitForFile>(path);
  mobula::Result<int> answer = mobula::TryGet(slow, 50ms);
  if (!answer.ok() && answer.error().code() == mobula::ErrorCode::kTimeout) {
    std::cout << "not yet" << std::endl;
  }
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code(), mobula::ErrorCode::kTimeout);
  EXPECT_FALSE(slow.Ready());
  EXPECT_THROW(mobula::Get(slow, 0s), mobula::TimeoutError);
  std::ofstream(path) << "now";
  EXPECT_EQ(mobula::Get(slow, 60s), 7);  // the task went on
  std::filesystem::remove(path);
}

TEST_F(WaitingTest, ALimitOfTheWork) {
  mobula::Ref<int> limited =
      mobula::Spawn<Slow>(mobula::TaskOptions().Timeout(50ms));
  const mobula::Ref<int> next = mobula::Spawn<Square>(limited);
  EXPECT_THROW(mobula::Get(limited, 60s), mobula::TimeoutError);
  EXPECT_THROW(mobula::Get(next, 60s), mobula::TimeoutError);
  EXPECT_TRUE(next.Ready());
}

TEST_F(WaitingTest, AsTheyCome) {
  std::vector<mobula::Ref<int>> running;
  for (int i = 0; i < 20; ++i) running.push_back(mobula::Spawn<Square>(i));
  int sum = 0;
  while (!running.empty()) {
    auto [ready, not_ready] = mobula::Wait(running, 1);
    for (const mobula::Ref<int>& square : ready) sum += mobula::Get(square);
    running = std::move(not_ready);
  }
  EXPECT_EQ(sum, 2470);
}

TEST_F(WaitingTest, NotTooMany) { EXPECT_EQ(SumOfSquares(1000), 332'833'500); }

TEST_F(WaitingTest, TheFirstOfSeveral) {
  const std::vector<mobula::Ref<std::string>> asked = {
      mobula::Spawn<AskMirror>("near"), mobula::Spawn<AskMirror>("far")};
  const auto first = mobula::Wait(asked, 1, 60s).ready;
  if (first.empty()) throw std::runtime_error("no mirror answers");
  std::string answer = mobula::Get(first.front());
  EXPECT_EQ(answer, "near answers");
}

}  // namespace guide
