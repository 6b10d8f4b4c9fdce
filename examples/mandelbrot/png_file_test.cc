#include "examples/mandelbrot/png_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace mandelbrot {
namespace {

namespace fs = std::filesystem;

class PngFileTest : public testing::Test {
 protected:
  PngFileTest() { fs::create_directories(folder_); }
  ~PngFileTest() override { fs::remove_all(folder_); }

  const fs::path folder_ = fs::path(testing::TempDir()) /
                           ("png_file_test_" + std::to_string(::getpid()));
};

Image Sample(std::uint32_t width, std::uint32_t height) {
  Image image{width, height, {}};
  for (std::uint32_t i = 0; i < width * height * kPixelBytes; ++i) {
    image.bytes.push_back(static_cast<std::uint8_t>(i * 7 + i / 251));
  }
  return image;
}

TEST_F(PngFileTest, WhatWasWrittenIsRead) {
  const std::string path = folder_ / "a.png";
  const Image image = Sample(37, 19);
  WritePng(path, image);
  EXPECT_EQ(ReadPng(path), image);
  WritePng(path, Sample(1, 1));  // over it
  EXPECT_EQ(ReadPng(path), Sample(1, 1));
  EXPECT_NE(Checksum(Sample(1, 1)), Checksum(image));
}

TEST_F(PngFileTest, AnImageOfAnotherSizeThanItSaysIsRefused) {
  Image image = Sample(4, 4);
  image.width = 5;
  EXPECT_THROW(WritePng(folder_ / "b.png", image), PngError);
  EXPECT_THROW(WritePng(folder_ / "b.png", Image()), PngError);
  EXPECT_FALSE(fs::exists(folder_ / "b.png"));
}

TEST_F(PngFileTest, ErrorsNameTheFile) {
  const std::string nowhere = folder_ / "no folder" / "c.png";
  const std::string damaged = folder_ / "d.png";
  WritePng(damaged, Sample(64, 64));
  fs::resize_file(damaged, 60);
  const std::string other = folder_ / "e.png";
  std::ofstream(other) << "not a picture";
  for (const std::string& path : {nowhere, damaged, other}) {
    try {
      ReadPng(path);
      ADD_FAILURE() << path << " was read";
    } catch (const PngError& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with(path + ": "))
          << error.what();
    }
  }
  EXPECT_THROW(WritePng(nowhere, Sample(2, 2)), PngError);
}

}  // namespace
}  // namespace mandelbrot
