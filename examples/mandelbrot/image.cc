#include "examples/mandelbrot/image.h"

namespace mandelbrot {
namespace {

void Add(std::uint64_t* sum, std::uint8_t byte) {
  *sum = (*sum ^ byte) * 0x100000001b3;
}

}  // namespace

std::uint64_t Checksum(const Image& image) {
  std::uint64_t sum = 0xcbf29ce484222325;
  for (const std::uint32_t side : {image.width, image.height}) {
    for (int shift = 0; shift < 32; shift += 8) {
      Add(&sum, static_cast<std::uint8_t>(side >> shift));
    }
  }
  for (const std::uint8_t byte : image.bytes) Add(&sum, byte);
  return sum;
}

}  // namespace mandelbrot
