// PNG files, by libpng.
// Threading: any.
// Failure: PngError, which names the file and says what libpng or the system
// says.
#ifndef MOBULA_EXAMPLES_MANDELBROT_PNG_FILE_H_
#define MOBULA_EXAMPLES_MANDELBROT_PNG_FILE_H_

#include <stdexcept>
#include <string>

#include "examples/mandelbrot/image.h"

namespace mandelbrot {

class PngError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

void WritePng(const std::string& path, const Image& image);

// Files of other kinds of pixels are turned into three bytes a pixel.
Image ReadPng(const std::string& path);

}  // namespace mandelbrot

#endif  // MOBULA_EXAMPLES_MANDELBROT_PNG_FILE_H_
