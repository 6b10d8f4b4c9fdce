// The clock and the chance of real processes. Only shells call these; pure
// code takes the time and seeds as arguments.
// Threading: any.
#ifndef MOBULA_BASE_CLOCK_H_
#define MOBULA_BASE_CLOCK_H_

#include <cstdint>

#include "base/boot_time.h"

namespace mobula::base {

// CLOCK_BOOTTIME: never set back, goes on while the machine is suspended.
[[nodiscard]] BootTime BootNow();

// 64 bits from the kernel, never 0: the maker of an IdSource, a seed.
[[nodiscard]] std::uint64_t RandomBits();

}  // namespace mobula::base

#endif  // MOBULA_BASE_CLOCK_H_
