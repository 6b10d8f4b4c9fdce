// Render draws a frame on worker processes, band by band.
//
// A worker that dies costs nothing but time: its band is drawn again.
// Threading: any.
// Failure: what Spawn and Get throw.
#ifndef MOBULA_EXAMPLES_MANDELBROT_RENDER_H_
#define MOBULA_EXAMPLES_MANDELBROT_RENDER_H_

#include <cstdint>

#include "examples/mandelbrot/fractal.h"
#include "examples/mandelbrot/image.h"

namespace mandelbrot {

inline constexpr std::uint32_t kTasksMax = 4096;

// In `tasks` bands, or one for each row if that is fewer. tasks >= 1.
Image Render(const Frame& frame, std::uint32_t tasks);

}  // namespace mandelbrot

#endif  // MOBULA_EXAMPLES_MANDELBROT_RENDER_H_
