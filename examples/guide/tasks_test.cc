// The snippets of docs/guide/tasks.md.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace guide {

using namespace std::chrono_literals;

double Mean(const std::vector<double>& numbers);

struct Text {
  static std::size_t Length(const std::string& text);
};

double Mean(const std::vector<double>& numbers) {
  double sum = 0;
  for (const double number : numbers) sum += number;
  return sum / static_cast<double>(numbers.size());
}

std::size_t Text::Length(const std::string& text) { return text.size(); }

int Square(int x) { return x * x; }
int Twice(int x) { return 2 * x; }
std::string Twice(const std::string& text) { return text + text; }

std::vector<double> Load(const std::string& path) {
  if (path != "numbers.txt") throw std::runtime_error("no file " + path);
  return {1, 2, 6};
}
std::string Describe(const std::vector<double>& numbers, double mean) {
  return std::to_string(numbers.size()) + " of " +
         std::to_string(static_cast<int>(mean));
}

std::int64_t Sum(std::int64_t from, std::int64_t to) {
  if (to - from <= 1000) {
    std::int64_t sum = 0;
    for (std::int64_t i = from; i < to; ++i) sum += i;
    return sum;
  }
  const std::int64_t middle = from + (to - from) / 2;
  mobula::Ref<std::int64_t> left = mobula::Spawn<Sum>(from, middle);
  const std::int64_t right = Sum(middle, to);
  return mobula::Get(left) + right;
}

struct Scene {
  int spheres = 0;
};
struct Image {
  std::vector<int> pixels;
};
Image Render(const Scene& scene) {
  return {std::vector<int>(7, scene.spheres)};
}

int ThirdTimeLucky() {
  const int attempt = mobula::CurrentTask().attempt;
  if (attempt < 3) throw std::runtime_error("not yet");
  return attempt;
}

class TasksTest : public testing::Test {
 protected:
  mobula::Runtime runtime_ =
      mobula::Init(mobula::InitOptions().Cpus(2).Resource("gpu", 1));
};

TEST_F(TasksTest, WhichFunctions) {
  auto mean = mobula::Spawn<Mean>(std::vector<double>{1, 2, 6});
  auto length = mobula::Spawn<Text::Length>("four");
  auto eight = mobula::Spawn<[](int x) { return x + 1; }>(7);
  EXPECT_EQ(mobula::Get(mean), 3);
  EXPECT_EQ(mobula::Get(length), 4u);
  EXPECT_EQ(mobula::Get(eight), 8);
  EXPECT_EQ(mobula::Spawn<static_cast<int (*)(int)>(Twice)>(4).Get(), 8);
}

TEST_F(TasksTest, ManyAtOnce) {
  std::vector<mobula::Ref<int>> squares;
  for (int i = 0; i < 100; ++i) squares.push_back(mobula::Spawn<Square>(i));
  int sum = 0;
  for (const int square : mobula::Get(squares)) sum += square;
  EXPECT_EQ(sum, 328350);
}

TEST_F(TasksTest, OneAfterAnother) {
  mobula::Ref<std::vector<double>> numbers = mobula::Spawn<Load>("numbers.txt");
  mobula::Ref<double> mean = mobula::Spawn<Mean>(numbers);
  mobula::Ref<std::string> report = mobula::Spawn<Describe>(numbers, mean);
  EXPECT_EQ(mobula::Get(report), "3 of 3");
}

TEST_F(TasksTest, AFailureGoesOn) {
  mobula::Ref<std::vector<double>> numbers = mobula::Spawn<Load>("none.txt");
  mobula::Ref<double> mean = mobula::Spawn<Mean>(numbers);
  mobula::Ref<std::string> report = mobula::Spawn<Describe>(numbers, mean);
  EXPECT_THROW(mobula::Get(report), std::runtime_error);
  EXPECT_EQ(mobula::TryGet(report).error().message(), "no file none.txt");
}

TEST_F(TasksTest, TasksThatSpawnTasks) {
  EXPECT_EQ(mobula::Get(mobula::Spawn<Sum>(0, 20'000)), 199'990'000);
}

TEST(OneProcessorTest, TasksThatSpawnTasks) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(1));
  EXPECT_EQ(mobula::Get(mobula::Spawn<Sum>(0, 5'000)), 12'497'500);
}

TEST_F(TasksTest, WhatATaskNeeds) {
  const Scene scene{5};
  mobula::Ref<Image> image = mobula::Spawn<Render>(
      mobula::TaskOptions().Cpus(2).Resource("gpu", 0.5).Timeout(60s), scene);
  EXPECT_EQ(mobula::Get(image).pixels, std::vector<int>(7, 5));
  EXPECT_THROW(mobula::Get(mobula::Spawn<Render>(
                   mobula::TaskOptions().Resource("gpu", 2), scene)),
               mobula::Infeasible);
}

TEST_F(TasksTest, ATaskMayRunTwice) {
  auto third = mobula::Spawn<ThirdTimeLucky>(
      mobula::TaskOptions().Retries(5).RetryExceptions());
  EXPECT_EQ(mobula::Get(third), 3);
}

}  // namespace guide
