// mandelbrot: the Mandelbrot set as a PNG, drawn by worker processes. See
// README.md beside it.
#include <mobula/mobula.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>

#include "examples/flags/flags.h"
#include "examples/flags/run_example.h"
#include "examples/mandelbrot/fractal.h"
#include "examples/mandelbrot/image.h"
#include "examples/mandelbrot/png_file.h"
#include "examples/mandelbrot/render.h"

namespace mandelbrot {
namespace {

using examples::ExitCode;
using examples::kRight;
using examples::kWrong;

struct Options {
  Frame frame;
  std::string out = "mandelbrot.png";
  std::uint32_t tasks = 64;
  std::uint32_t workers = 0;
  bool verify = false;
};

examples::Flags FlagsFor(Options* options) {
  examples::Flags flags("mandelbrot",
                        "Draws the Mandelbrot set on worker processes.");
  Frame& frame = options->frame;
  flags.Text("--out", &options->out, "the PNG to write");
  flags.Number("--width", &frame.width, 1, 16384, "pixels in a row");
  flags.Number("--height", &frame.height, 1, 16384, "rows of pixels");
  flags.Number("--iterations", &frame.iterations, 1, 1'000'000,
               "steps before a point counts as inside");
  flags.Number("--x", &frame.center_x, -4, 4, "middle of the picture");
  flags.Number("--y", &frame.center_y, -4, 4, "the same, upward");
  flags.Number("--span", &frame.span, 1e-12, 8,
               "of the plane, from left to right");
  flags.Number("--tasks", &options->tasks, 1, kTasksMax,
               "bands of rows, each a task");
  flags.Number("--workers", &options->workers, 0, 1024,
               "processors to use, 0 for all");
  flags.Switch("--verify", &options->verify,
               "draw it again in one thread and compare");
  return flags;
}

ExitCode Draw(const Options& options, double workers) {
  const Image image = Render(options.frame, options.tasks);
  WritePng(options.out, image);
  std::string verdict;
  if (options.verify) {
    const Band all{0, options.frame.height};
    if (RenderBand(options.frame, all) != image.bytes) {
      std::printf("WRONG: one thread draws another picture\n");
      return kWrong;
    }
    if (ReadPng(options.out) != image) {
      std::printf("WRONG: the file holds another picture\n");
      return kWrong;
    }
    verdict = ", verified";
  }
  std::printf("mandelbrot: %ux%u, %u tasks, %g workers, checksum %016" PRIx64
              ", %s%s\n",
              image.width, image.height, options.tasks, workers,
              Checksum(image), options.out.c_str(), verdict.c_str());
  return kRight;
}

}  // namespace
}  // namespace mandelbrot

int main(int argc, char** argv) {
  mandelbrot::Options options;
  return examples::RunExample(
      argc, argv, mandelbrot::FlagsFor(&options), options.workers,
      [&](double workers) { return mandelbrot::Draw(options, workers); });
}
