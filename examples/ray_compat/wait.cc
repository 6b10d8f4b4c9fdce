// Wait: the first of many, those that are there after some time, and the rest
// as they come.
#include <ray/api.h>

#include <chrono>
#include <iostream>
#include <set>
#include <thread>
#include <vector>

int SleepAndReturn(int ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
  return ms;
}
RAY_REMOTE(SleepAndReturn);

int main(int argc, char** argv) {
  ray::RayConfig config;
  ray::Init(config, argc, argv);

  std::vector<ray::ObjectRef<int>> refs;
  for (int ms : {0, 1, 60000}) {
    refs.push_back(ray::Task(SleepAndReturn).Remote(ms));
  }
  ray::WaitResult<int> result = ray::Wait(refs, 2, -1);
  std::cout << result.ready.size() << " ready, " << result.unready.size()
            << " not" << std::endl;
  for (const auto& ref : result.ready) std::cout << *ref.Get() << " ";
  std::cout << std::endl;

  result = ray::Wait(refs, 3, 100);
  std::cout << result.unready.size() << " not after 100 ms" << std::endl;

  // As they come.
  std::vector<ray::ObjectRef<int>> left;
  for (int i = 0; i < 20; ++i) {
    left.push_back(ray::Task(SleepAndReturn).Remote(i % 3));
  }
  int rounds = 0;
  int sum = 0;
  while (!left.empty()) {
    auto some = ray::Wait(left, 1, -1);
    for (const auto& ref : some.ready) {
      sum += *ref.Get();
      ++rounds;
    }
    left.assign(some.unready.begin(), some.unready.end());
  }
  std::cout << rounds << " came, sum " << sum << std::endl;

  try {
    ray::Wait(refs, 4, 1000);
  } catch (const ray::internal::RayException& e) {
    std::cout << e.what() << std::endl;
  }

  ray::Shutdown();
  return 0;
}
