#include "examples/index/read_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace indexer {
namespace {

class ReadFileTest : public testing::Test {
 protected:
  ReadFileTest() { std::filesystem::create_directories(folder_); }
  ~ReadFileTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, std::string_view bytes) {
    const std::string path = folder_ / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

  static std::string Gzip(std::string_view text) {
    std::string packed(::compressBound(text.size()) + 64, '\0');
    z_stream stream{};
    ::deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed.resize(stream.total_out);
    ::deflateEnd(&stream);
    return packed;
  }

  const std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) /
      ("read_file_test_" + std::to_string(::getpid()));
};

TEST_F(ReadFileTest, ReadsPlainText) {
  const std::string large(300'000, 'x');
  EXPECT_EQ(ReadText(Write("a", "some text\n")).text, "some text\n");
  EXPECT_EQ(ReadText(Write("empty", "")).text, "");
  EXPECT_EQ(ReadText(Write("empty", "")).problem, Problem::kNone);
  EXPECT_EQ(ReadText(Write("large", large)).text, large);
}

TEST_F(ReadFileTest, UnpacksGzipWhateverItsName) {
  const std::string large(3'000'000, 'y');
  EXPECT_EQ(ReadText(Write("a.gz", Gzip("packed"))).text, "packed");
  EXPECT_EQ(ReadText(Write("a.txt", Gzip(large))).text, large);
  EXPECT_EQ(ReadText(Write("two", Gzip("one ") + Gzip("two"))).text, "one two");
  EXPECT_EQ(ReadText(Write("padded", Gzip("one") + std::string(9, '\0'))).text,
            "one");
  EXPECT_EQ(ReadText(Write("plain.gz", "not packed")).text, "not packed");
  EXPECT_EQ(ReadText(Write("none.gz", Gzip(""))).problem, Problem::kNone);
}

TEST_F(ReadFileTest, DamagedGzipIsToldApart) {
  const std::string packed = Gzip(std::string(10'000, 'a') + "bcd");
  EXPECT_EQ(ReadText(Write("cut", packed.substr(0, 20))).problem,
            Problem::kDamaged);
  std::string flipped = packed;
  flipped[packed.size() - 6] ^= 1;
  EXPECT_EQ(ReadText(Write("flipped", flipped)).problem, Problem::kDamaged);
  EXPECT_EQ(ReadText(Write("cut", packed.substr(0, 20))).text, "");
}

TEST_F(ReadFileTest, BinaryFilesAreToldApart) {
  EXPECT_EQ(ReadText(Write("nul", std::string_view("a\0b", 3))).problem,
            Problem::kBinary);
  EXPECT_EQ(ReadText(Write("controls", "\1\2\3\4abc")).problem,
            Problem::kBinary);
  EXPECT_EQ(ReadText(Write("packed", Gzip(std::string(99, '\0')))).problem,
            Problem::kBinary);
  EXPECT_EQ(ReadText(Write("tabs", "\ta\r\n\f\v\x1b[1m")).problem,
            Problem::kNone);
  EXPECT_EQ(ReadText(Write("latin", "caf\xe9 \xfc")).problem, Problem::kNone);
}

TEST_F(ReadFileTest, UnreadableFilesHaveAReason) {
  const FileText missing = ReadText(folder_ / "missing");
  EXPECT_EQ(missing.problem, Problem::kUnreadable);
  EXPECT_EQ(missing.reason, "No such file or directory");
  EXPECT_EQ(ReadText(folder_).problem, Problem::kUnreadable);
  const std::string fifo = folder_ / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(ReadText(fifo).reason, "not a regular file");
}

TEST_F(ReadFileTest, SizesAreBoundedPackedAndUnpacked) {
  EXPECT_EQ(ReadText(Write("ten", "0123456789"), 10).problem, Problem::kNone);
  EXPECT_EQ(ReadText(Write("ten", "0123456789"), 9).problem,
            Problem::kTooLarge);
  const std::string bomb = Gzip(std::string(5'000'000, 'z'));
  EXPECT_EQ(ReadText(Write("bomb", bomb), 100'000).problem, Problem::kTooLarge);
}

}  // namespace
}  // namespace indexer
