// Image is a picture of three bytes a pixel: red, green, blue, row by row from
// the top.
// Threading: a value.
#ifndef MOBULA_EXAMPLES_MANDELBROT_IMAGE_H_
#define MOBULA_EXAMPLES_MANDELBROT_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mandelbrot {

inline constexpr std::size_t kPixelBytes = 3;

struct Image {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::vector<std::uint8_t> bytes;  // width * height * kPixelBytes

  friend bool operator==(const Image&, const Image&) = default;
};

// FNV-1a of size and bytes: equal images have equal ones.
std::uint64_t Checksum(const Image& image);

}  // namespace mandelbrot

#endif  // MOBULA_EXAMPLES_MANDELBROT_IMAGE_H_
