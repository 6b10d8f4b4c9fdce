#include "examples/pi/estimate.h"

#include <mobula/mobula.h>

#include <utility>

namespace pi {

std::uint64_t CountOnWorkers(const std::vector<Part>& parts) {
  std::uint64_t inside = 0;
  std::size_t next = 0;
  std::vector<mobula::Ref<std::uint64_t>> counting;
  while (next < parts.size() || !counting.empty()) {
    while (next < parts.size() && counting.size() < kInFlightMax) {
      counting.push_back(mobula::Spawn<CountInside>(parts[next++]));
    }
    // Whoever is ready first; the order does not change the sum.
    auto [ready, not_ready] = mobula::Wait(counting, 1);
    for (const auto& count : ready) inside += mobula::Get(count);
    counting = std::move(not_ready);
  }
  return inside;
}

}  // namespace pi
