// The Mandelbrot set: the points c of the plane for which z = z * z + c, begun
// at 0, stays near 0. A pixel's colour says after how many steps it left.
// Threading: pure functions.
#ifndef MOBULA_EXAMPLES_MANDELBROT_FRACTAL_H_
#define MOBULA_EXAMPLES_MANDELBROT_FRACTAL_H_

#include <array>
#include <cstdint>
#include <vector>

#include "examples/mandelbrot/image.h"

namespace mandelbrot {

// Which part of the plane is drawn, and how finely.
struct Frame {
  std::uint32_t width = 1200;  // pixels
  std::uint32_t height = 800;
  std::uint32_t iterations = 500;
  double center_x = -0.75;
  double center_y = 0;
  double span = 3;  // of the plane, from the left edge to the right
};

// Rows of a frame, counted from the top.
struct Band {
  std::uint32_t first = 0;
  std::uint32_t rows = 0;
};

// Steps after which |z| > 2, from 1; 0 if it did not within `iterations`.
std::uint32_t StepsToEscape(double x, double y, std::uint32_t iterations);

// Black for 0, and for nothing else.
std::array<std::uint8_t, kPixelBytes> ColourOf(std::uint32_t steps);

// The bytes of those rows. This is what runs on workers.
std::vector<std::uint8_t> RenderBand(const Frame& frame, const Band& band);

// Cuts a frame into `count` bands, or one for each row if that is fewer, whose
// heights differ by at most one row. count >= 1.
std::vector<Band> CutIntoBands(const Frame& frame, std::uint32_t count);

}  // namespace mandelbrot

#endif  // MOBULA_EXAMPLES_MANDELBROT_FRACTAL_H_
