// A program that keeps a node busy: `sharer WEIGHT SECONDS` runs short tasks
// all the time and prints how many ended.
#include <mobula/mobula.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>

namespace {

using Clock = std::chrono::steady_clock;

int Spin(int milliseconds) {
  const auto end = Clock::now() + std::chrono::milliseconds(milliseconds);
  while (Clock::now() < end) {
  }
  return milliseconds;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const mobula::Runtime runtime =
      mobula::Init(mobula::InitOptions().Weight(std::atoi(argv[1])));
  // More tasks wait than the node has slots, all the time.
  std::deque<mobula::Ref<int>> running;
  const auto begin = Clock::now();
  const auto seconds = std::chrono::seconds(std::atoi(argv[2]));
  std::int64_t ended = 0;
  while (Clock::now() < begin + seconds) {
    while (running.size() < 200) running.push_back(mobula::Spawn<Spin>(5));
    mobula::Get(running.front());
    running.pop_front();
    ++ended;
  }
  std::printf("sharer: %lld\n", static_cast<long long>(ended));
  return 0;
}
