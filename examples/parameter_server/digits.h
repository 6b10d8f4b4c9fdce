// MakeDigits draws handwriting of a kind: the digits 0 to 9 on eight by eight
// pixels, moved about, in ink of differing strength, on paper with dirt.
//
// The same seed draws the same digits on every machine, so there is nothing to
// download.
// Threading: pure functions.
#ifndef MOBULA_EXAMPLES_PARAMETER_SERVER_DIGITS_H_
#define MOBULA_EXAMPLES_PARAMETER_SERVER_DIGITS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace digits {

inline constexpr std::size_t kSide = 8;
inline constexpr std::size_t kPixels = kSide * kSide;
inline constexpr std::size_t kClasses = 10;

struct Digits {
  // kPixels for each digit, row by row: 0 is paper, 1 is ink.
  std::vector<float> pixels;
  std::vector<std::uint8_t> labels;  // 0 to 9, each equally often
};

Digits MakeDigits(std::uint64_t seed, std::uint32_t count);

}  // namespace digits

#endif  // MOBULA_EXAMPLES_PARAMETER_SERVER_DIGITS_H_
