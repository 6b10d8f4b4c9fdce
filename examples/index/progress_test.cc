#include "examples/index/progress.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <string>

namespace indexer {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Progress::Clock::time_point kStart(seconds(1000));

std::string Written(const std::function<void(std::FILE*)>& write) {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* stream = ::open_memstream(&text, &size);
  write(stream);
  std::fclose(stream);
  std::string written(text, size);
  std::free(text);
  return written;
}

TEST(ProgressTest, ATerminalGetsABarThatIsClearedInTheEnd) {
  const std::string written = Written([](std::FILE* stream) {
    Progress progress(stream, true, "files", 10, kStart);
    progress.Show(5, "3 MB/s", kStart + milliseconds(100));
  });
  const std::string bar = "[###############...............] 50% files  3 MB/s";
  EXPECT_EQ(written, "\r" + bar + "\r" + std::string(bar.size(), ' ') + "\r");
}

TEST(ProgressTest, ABarIsNotRedrawnTooOften) {
  const std::string written = Written([](std::FILE* stream) {
    Progress progress(stream, true, "files", 10, kStart);
    for (int i = 0; i < 10; ++i) {
      progress.Show(1, "", kStart + milliseconds(100 + i));
    }
  });
  EXPECT_EQ(written.find('['), written.rfind('['));
}

TEST(ProgressTest, AShorterBarCoversALongerOne) {
  const std::string written = Written([](std::FILE* stream) {
    Progress progress(stream, true, "files", 10, kStart);
    progress.Show(1, "long note", kStart + seconds(1));
    progress.Show(1, "", kStart + seconds(2));
  });
  EXPECT_NE(written.find("10% files           \r"), std::string::npos);
}

TEST(ProgressTest, AFileGetsALineNowAndThen) {
  const std::string written = Written([](std::FILE* stream) {
    Progress progress(stream, false, "files", 4, kStart);
    for (int i = 1; i <= 25; ++i) progress.Show(1, "x", kStart + seconds(i));
  });
  EXPECT_EQ(written, "files: 25%, x\nfiles: 25%, x\n");
}

TEST(ProgressTest, NothingToDoIsDone) {
  const std::string written = Written([](std::FILE* stream) {
    Progress progress(stream, false, "files", 0, kStart);
    progress.Show(0, "", kStart + seconds(10));
  });
  EXPECT_EQ(written, "files: 100%\n");
}

}  // namespace
}  // namespace indexer
