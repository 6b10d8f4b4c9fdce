// CountOnWorkers has worker processes count parts, and adds up.
//
// Few parts are in flight at a time, so a million of them cost no more memory
// than a few.
// Threading: any.
// Failure: what Spawn and Get throw.
#ifndef MOBULA_EXAMPLES_PI_ESTIMATE_H_
#define MOBULA_EXAMPLES_PI_ESTIMATE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "examples/pi/samples.h"

namespace pi {

inline constexpr std::size_t kInFlightMax = 1024;

// The sum of CountInside over all parts.
std::uint64_t CountOnWorkers(const std::vector<Part>& parts);

}  // namespace pi

#endif  // MOBULA_EXAMPLES_PI_ESTIMATE_H_
