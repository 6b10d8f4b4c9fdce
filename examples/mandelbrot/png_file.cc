#include "examples/mandelbrot/png_file.h"

#include <png.h>

#include <memory>

namespace mandelbrot {
namespace {

// Lets go of what libpng keeps between two calls.
struct FreePng {
  void operator()(png_image* png) const { png_image_free(png); }
};
using PngGuard = std::unique_ptr<png_image, FreePng>;

png_image NewPng() {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.format = PNG_FORMAT_RGB;
  return png;
}

[[noreturn]] void Fail(const std::string& path, const png_image& png) {
  throw PngError(path + ": " + png.message);
}

}  // namespace

void WritePng(const std::string& path, const Image& image) {
  if (image.bytes.empty() || image.bytes.size() != std::size_t{image.width} *
                                                       image.height *
                                                       kPixelBytes) {
    throw PngError(path + ": the image has not three bytes for each pixel");
  }
  png_image png = NewPng();
  const PngGuard guard(&png);
  png.width = image.width;
  png.height = image.height;
  if (png_image_write_to_file(&png, path.c_str(), 0, image.bytes.data(), 0,
                              nullptr) == 0) {
    Fail(path, png);
  }
}

Image ReadPng(const std::string& path) {
  png_image png = NewPng();
  const PngGuard guard(&png);
  if (png_image_begin_read_from_file(&png, path.c_str()) == 0) Fail(path, png);
  png.format = PNG_FORMAT_RGB;
  Image image{png.width, png.height, {}};
  image.bytes.resize(PNG_IMAGE_SIZE(png));
  if (png_image_finish_read(&png, nullptr, image.bytes.data(), 0, nullptr) ==
      0) {
    Fail(path, png);
  }
  return image;
}

}  // namespace mandelbrot
