#include "examples/mandelbrot/fractal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <complex>
#include <cstdint>
#include <vector>

namespace mandelbrot {
namespace {

TEST(FractalTest, KnownPoints) {
  EXPECT_EQ(StepsToEscape(0, 0, 1000), 0u);
  EXPECT_EQ(StepsToEscape(-1, 0, 1000), 0u);  // 0, -1, 0, -1, ...
  EXPECT_EQ(StepsToEscape(-2, 0, 1000), 0u);  // the leftmost point
  EXPECT_EQ(StepsToEscape(3, 0, 1000), 1u);
  EXPECT_EQ(StepsToEscape(1, 0, 1000), 3u);  // 1, 2, 5
  EXPECT_EQ(StepsToEscape(1, 0, 2), 0u);
}

TEST(FractalTest, ColoursTellInsideFromOutside) {
  using Colour = std::array<std::uint8_t, kPixelBytes>;
  EXPECT_EQ(ColourOf(0), (Colour{0, 0, 0}));
  for (std::uint32_t steps = 1; steps < 2000; ++steps) {
    EXPECT_NE(ColourOf(steps), (Colour{0, 0, 0})) << steps;
  }
  EXPECT_NE(ColourOf(10), ColourOf(20));
}

TEST(FractalTest, ABandIsWhatTheDefinitionSays) {
  Frame frame;
  frame.width = 60;
  frame.height = 40;
  frame.iterations = 50;
  const std::vector<std::uint8_t> bytes = RenderBand(frame, {10, 20});
  ASSERT_EQ(bytes.size(), 20u * 60 * kPixelBytes);
  const double pixel = 3.0 / 60;
  for (std::uint32_t row = 0; row < 20; ++row) {
    for (std::uint32_t column = 0; column < 60; ++column) {
      const std::complex<double> c(
          -0.75 - 1.5 + (column + 0.5) * pixel,
          0 + pixel * 40 / 2 - (10 + row + 0.5) * pixel);
      std::complex<double> z = 0;
      std::uint32_t steps = 0;
      for (std::uint32_t step = 1; step <= 50 && steps == 0; ++step) {
        z = z * z + c;
        if (std::norm(z) > 4) steps = step;
      }
      const auto colour = ColourOf(steps);
      for (std::size_t i = 0; i < kPixelBytes; ++i) {
        ASSERT_EQ(bytes[(row * 60 + column) * kPixelBytes + i], colour[i])
            << row << ", " << column;
      }
    }
  }
}

TEST(FractalTest, BandsCoverEveryRowOnce) {
  for (const std::uint32_t height : {1u, 2u, 7u, 100u, 16384u}) {
    for (const std::uint32_t count : {1u, 2u, 3u, 64u, 4096u}) {
      Frame frame;
      frame.height = height;
      const std::vector<Band> bands = CutIntoBands(frame, count);
      EXPECT_EQ(bands.size(), std::min(count, height));
      std::uint32_t next = 0;
      for (const Band& band : bands) {
        EXPECT_EQ(band.first, next);
        EXPECT_GE(band.rows, height / bands.size());
        EXPECT_LE(band.rows, height / bands.size() + 1);
        next += band.rows;
      }
      EXPECT_EQ(next, height);
    }
  }
}

}  // namespace
}  // namespace mandelbrot
