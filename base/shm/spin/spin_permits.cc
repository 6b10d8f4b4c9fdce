#include "base/shm/spin/spin_permits.h"

#include <algorithm>

#include "base/check.h"

namespace mobula::base {
namespace {

std::uint64_t Stamp(BootTime time) {
  return static_cast<std::uint64_t>(time.since_boot().count());
}

// One that ends later than any may was not taken: somebody scribbled.
bool IsTaken(std::uint64_t end, BootTime now) {
  return end > Stamp(now) && end <= Stamp(now + SpinPermits::kPermitMax);
}

}  // namespace

// Takers who race for the last permit meet at the same words, the first
// `permits_max`; those beyond, taken when there were more, count too.
int SpinPermits::Take(BootTime now, BootTime end, int permits_max) {
  MOBULA_CHECK(end > now && end - now <= kPermitMax);
  const int limit = std::min(permits_max, static_cast<int>(SpinPage::kPermits));
  if (taken(now) >= limit) return -1;
  for (int i = 0; i < limit; ++i) {
    std::atomic<std::uint64_t>& word =
        page_.permits[static_cast<std::size_t>(i)].end;
    std::uint64_t seen = word.load(std::memory_order_relaxed);
    if (IsTaken(seen, now)) continue;
    if (word.compare_exchange_strong(seen, Stamp(end),
                                     std::memory_order_relaxed)) {
      return i;
    }
  }
  return -1;
}

void SpinPermits::GiveBack(int permit, BootTime end) {
  MOBULA_CHECK(permit >= 0 && permit < static_cast<int>(SpinPage::kPermits));
  std::uint64_t mine = Stamp(end);
  page_.permits[static_cast<std::size_t>(permit)].end.compare_exchange_strong(
      mine, 0, std::memory_order_relaxed);
}

int SpinPermits::taken(BootTime now) const {
  return static_cast<int>(std::count_if(
      std::begin(page_.permits), std::end(page_.permits),
      [now](const SpinPage::Permit& permit) {
        return IsTaken(permit.end.load(std::memory_order_relaxed), now);
      }));
}

}  // namespace mobula::base
