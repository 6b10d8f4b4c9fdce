#include "tests/netns/link.h"

#include <algorithm>
#include <cmath>

namespace mobula::test {
namespace {

using base::BootTime;
using base::Duration;

constexpr double kTailMax = 10;
// By which a reordered packet is late, beside delay and jitter.
constexpr Duration kOvertaken = std::chrono::milliseconds(1);

Duration Times(Duration duration, double factor) {
  return Duration(static_cast<std::int64_t>(
      static_cast<double>(duration.count()) * factor));
}

}  // namespace

double Link::Even() {
  constexpr int kBits = 53;
  return std::ldexp(static_cast<double>(chance_() >> (64 - kBits)), -kBits);
}

bool Link::Happens(double chance) { return chance > 0 && Even() < chance; }

bool Link::Send(std::size_t bytes, BootTime now, BootTime* sent) {
  *sent = now;
  if (faults_.bytes_per_second <= 0) return true;
  if (busy_until_ > now && busy_until_ - now > kQueueMax) return false;
  const double seconds = static_cast<double>(bytes) /
                         static_cast<double>(faults_.bytes_per_second);
  busy_until_ =
      std::max(busy_until_, now) + Times(std::chrono::seconds(1), seconds);
  *sent = busy_until_;
  return true;
}

Link::Fate Link::Take(std::size_t bytes, BootTime now) {
  Fate fate;
  if (faults_.cut || Happens(faults_.loss)) return fate;
  BootTime sent;
  if (!Send(bytes, now, &sent)) return fate;
  fate.copies = Happens(faults_.duplicate) ? 2 : 1;
  Duration late = faults_.delay;
  if (faults_.jitter > Duration(0)) late += Times(faults_.jitter, Even());
  if (Happens(faults_.tail)) {
    late +=
        Times(faults_.tail_delay, std::min(kTailMax, -std::log(1 - Even())));
  }
  if (Happens(faults_.reorder)) {
    fate.overtaken = true;
    fate.leaves = sent + late + faults_.delay + faults_.jitter + kOvertaken;
    return fate;
  }
  last_ = std::max(last_, sent + late);
  fate.leaves = last_;
  return fate;
}

}  // namespace mobula::test
