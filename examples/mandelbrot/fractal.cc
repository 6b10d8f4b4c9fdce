#include "examples/mandelbrot/fractal.h"

#include <algorithm>

namespace mandelbrot {

std::uint32_t StepsToEscape(double x, double y, std::uint32_t iterations) {
  double real = 0;
  double imaginary = 0;
  for (std::uint32_t step = 1; step <= iterations; ++step) {
    const double next = real * real - imaginary * imaginary + x;
    imaginary = (real * imaginary + imaginary * real) + y;
    real = next;
    if (real * real + imaginary * imaginary > 4) return step;
  }
  return 0;
}

std::array<std::uint8_t, kPixelBytes> ColourOf(std::uint32_t steps) {
  if (steps == 0) return {0, 0, 0};
  // From blue over green to red and back; integers, so that every machine draws
  // the same.
  constexpr std::uint64_t kPeriod = 414;
  const std::uint64_t phase = std::uint64_t{steps} * 6 % kPeriod;
  const std::uint64_t t = 24 + std::min(phase, kPeriod - phase);
  const std::uint64_t u = 255 - t;
  const auto bump = [](std::uint64_t weight, std::uint64_t product) {
    return static_cast<std::uint8_t>(weight * product / (255 * 255 * 255));
  };
  return {bump(9, u * t * t * t), bump(15, u * u * t * t),
          bump(9, u * u * u * t)};
}

std::vector<std::uint8_t> RenderBand(const Frame& frame, const Band& band) {
  const double pixel = frame.span / frame.width;
  const double left = frame.center_x - frame.span / 2;
  const double top = frame.center_y + pixel * frame.height / 2;
  std::vector<std::uint8_t> bytes;
  bytes.reserve(std::size_t{band.rows} * frame.width * kPixelBytes);
  for (std::uint32_t row = band.first; row < band.first + band.rows; ++row) {
    const double y = top - (row + 0.5) * pixel;
    for (std::uint32_t column = 0; column < frame.width; ++column) {
      const double x = left + (column + 0.5) * pixel;
      const auto colour = ColourOf(StepsToEscape(x, y, frame.iterations));
      bytes.insert(bytes.end(), colour.begin(), colour.end());
    }
  }
  return bytes;
}

std::vector<Band> CutIntoBands(const Frame& frame, std::uint32_t count) {
  const std::uint32_t bands = std::min(count, frame.height);
  std::vector<Band> cut;
  std::uint32_t first = 0;
  for (std::uint32_t i = 0; i < bands; ++i) {
    const auto end = static_cast<std::uint32_t>(std::uint64_t{frame.height} *
                                                (i + 1) / bands);
    cut.push_back({first, end - first});
    first = end;
  }
  return cut;
}

}  // namespace mandelbrot
