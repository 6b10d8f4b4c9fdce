// Points thrown at a square, and how many of them fall into the circle: what a
// task does, and what the counts say about pi.
//
// The points of a part follow from the seed and the number of the part alone,
// so the sum over all parts is the same whoever counts them, and in which
// order. Threading: pure functions.
#ifndef MOBULA_EXAMPLES_PI_SAMPLES_H_
#define MOBULA_EXAMPLES_PI_SAMPLES_H_

#include <cstdint>
#include <vector>

namespace pi {

// One part of the work: a stream of random points of its own.
struct Part {
  std::uint64_t seed = 0;
  std::uint32_t number = 0;
  std::uint64_t samples = 0;
};

// How many of the part's points lie in the circle. This is what runs on
// workers.
std::uint64_t CountInside(const Part& part);

// Divides `samples` among `count` parts, whose sizes differ by at most one.
// Parts of nothing are left out. count >= 1.
std::vector<Part> Divide(std::uint64_t samples, std::uint32_t count,
                         std::uint64_t seed);

struct Estimate {
  double value = 0;
  double standard_error = 0;  // as the counts say
  // |value - pi| in multiples of the error to be expected of so many samples.
  double sigmas_off = 0;
};

// samples >= 1, inside <= samples.
Estimate EstimateFrom(std::uint64_t inside, std::uint64_t samples);

// Beyond it chance is no excuse: one run in two million.
inline constexpr double kSigmasMax = 5;

}  // namespace pi

#endif  // MOBULA_EXAMPLES_PI_SAMPLES_H_
