#include "tests/integration/eventually.h"

#include <poll.h>

namespace mobula::test {

bool Eventually(const std::function<bool()>& holds,
                std::chrono::seconds patience) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + patience;
  while (!holds()) {
    if (Clock::now() >= end) return false;
    poll(nullptr, 0, 10);
  }
  return true;
}

}  // namespace mobula::test
