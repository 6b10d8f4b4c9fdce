// BootTime is a point on the clock that counts from the machine's start and
// goes on while it is suspended (CLOCK_BOOTTIME).
//
// It is a type of its own so that it is never mixed with the wall clock, never
// stored and never sent: between processes only remaining budgets travel.
// Pure code takes it as an argument; only shells read it (base/clock.h).
// Threading: a value.
#ifndef MOBULA_BASE_BOOT_TIME_H_
#define MOBULA_BASE_BOOT_TIME_H_

#include <chrono>
#include <compare>

namespace mobula::base {

using Duration = std::chrono::nanoseconds;

class BootTime {
 public:
  constexpr BootTime() = default;
  static constexpr BootTime FromSinceBoot(Duration since_boot) {
    BootTime time;
    time.since_boot_ = since_boot;
    return time;
  }
  // Later than every moment: "no deadline", "no timer".
  static constexpr BootTime Never() { return FromSinceBoot(Duration::max()); }

  [[nodiscard]] constexpr Duration since_boot() const { return since_boot_; }
  [[nodiscard]] constexpr bool IsNever() const { return *this == Never(); }

  friend constexpr auto operator<=>(BootTime, BootTime) = default;
  // Saturates at Never.
  friend constexpr BootTime operator+(BootTime time, Duration duration) {
    if (duration >= Never().since_boot_ - time.since_boot_) return Never();
    return FromSinceBoot(time.since_boot_ + duration);
  }
  friend constexpr Duration operator-(BootTime a, BootTime b) {
    return a.since_boot_ - b.since_boot_;
  }

 private:
  Duration since_boot_{0};
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_BOOT_TIME_H_
