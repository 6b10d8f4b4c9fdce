// Tasks: plain functions, overloads, arguments of all kinds, results of others
// as arguments, tasks that call tasks.
#include <ray/api.h>

#include <cstdint>
#include <iostream>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

int Plus(int x, int y) { return x + y; }

int Square(int x) { return x * x; }
double Square(double x) { return x * x; }

struct Point {
  int x = 0;
  int y = 0;
  MSGPACK_DEFINE(x, y);
};
Point Mirror(Point point) { return {point.y, point.x}; }

std::map<std::string, int> CountLetters(const std::vector<std::string>& words) {
  std::map<std::string, int> counts;
  for (const std::string& word : words) {
    for (char letter : word) ++counts[std::string(1, letter)];
  }
  return counts;
}

std::int64_t SumOfRange(std::int64_t from, std::int64_t to);
RAY_REMOTE(Plus, RAY_FUNC(Square, int), RAY_FUNC(Square, double), Mirror,
           CountLetters, SumOfRange);

std::int64_t SumOfRange(std::int64_t from, std::int64_t to) {
  if (to - from <= 100) {
    std::vector<std::int64_t> numbers(to - from);
    std::iota(numbers.begin(), numbers.end(), from);
    return std::accumulate(numbers.begin(), numbers.end(), std::int64_t{0});
  }
  const std::int64_t middle = from + (to - from) / 2;
  auto left = ray::Task(SumOfRange).Remote(from, middle);
  auto right = ray::Task(SumOfRange).Remote(middle, to);
  return *left.Get() + *right.Get();
}

int main(int argc, char** argv) {
  ray::RayConfig config;
  ray::Init(config, argc, argv);

  auto three = ray::Task(Plus).Remote(1, 2);
  std::cout << "1 + 2 = " << *ray::Get(three) << std::endl;
  std::cout << "3 + 4 = " << *ray::Task(Plus).Remote(three, 4).Get()
            << std::endl;

  auto object = ray::Put(std::string("put"));
  std::cout << *ray::Get(object) << " and got" << std::endl;

  std::cout << *ray::Task(RAY_FUNC(Square, int)).Remote(5).Get() << " and "
            << *ray::Task(RAY_FUNC(Square, double)).Remote(1.5).Get()
            << std::endl;

  auto point = ray::Task(Mirror).Remote(Point{1, 2}).Get();
  std::cout << "(" << point->x << ", " << point->y << ")" << std::endl;

  auto counts = ray::Task(CountLetters)
                    .Remote(std::vector<std::string>{"manta", "mobula"})
                    .Get();
  for (const auto& [letter, count] : *counts) {
    std::cout << letter << count << " ";
  }
  std::cout << std::endl;

  std::vector<ray::ObjectRef<int>> squares;
  for (int i = 0; i < 10; ++i) {
    squares.push_back(ray::Task(RAY_FUNC(Square, int)).Remote(i));
  }
  int sum = 0;
  for (const auto& square : ray::Get(squares)) sum += *square;
  std::cout << "sum of squares " << sum << std::endl;

  std::cout << "sum of range " << *ray::Task(SumOfRange).Remote(0, 1000).Get()
            << std::endl;

  ray::Shutdown();
  return 0;
}
