#include "examples/mandelbrot/render.h"

#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "examples/mandelbrot/fractal.h"
#include "examples/mandelbrot/image.h"
#include "examples/mandelbrot/png_file.h"

namespace mandelbrot {
namespace {

Frame SmallFrame() {
  Frame frame;
  frame.width = 301;
  frame.height = 200;
  frame.iterations = 100;
  return frame;
}

// The same in this thread.
Image Reference(const Frame& frame) {
  return {frame.width, frame.height, RenderBand(frame, {0, frame.height})};
}

TEST(RenderTest, LocalModeDrawsWhatOneThreadDraws) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Local());
  for (const std::uint32_t tasks : {1u, 7u, 200u, 1000u}) {
    EXPECT_EQ(Checksum(Render(SmallFrame(), tasks)),
              Checksum(Reference(SmallFrame())))
        << tasks;
  }
}

TEST(RenderTest, WorkersDrawWhatOneThreadDraws) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(2));
  const Image reference = Reference(SmallFrame());
  for (const std::uint32_t tasks : {1u, 7u, 200u}) {
    const Image image = Render(SmallFrame(), tasks);
    EXPECT_EQ(Checksum(image), Checksum(reference)) << tasks;
    EXPECT_EQ(image, reference) << tasks;
  }
}

TEST(RenderTest, TheFileHoldsWhatWorkersDrew) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(2));
  const std::string path = testing::TempDir() + "/render_test_" +
                           std::to_string(::getpid()) + ".png";
  const Image image = Render(SmallFrame(), 16);
  WritePng(path, image);
  EXPECT_EQ(Checksum(ReadPng(path)), Checksum(Reference(SmallFrame())));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace mandelbrot
