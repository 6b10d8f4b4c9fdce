#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "base/shm/arena_file.h"
#include "base/shm/arena_map.h"

namespace mobula::base {
namespace {

constexpr std::uint64_t kBytes = 64 * 1024;

ArenaFile NewArena(std::uint64_t byte_count = kBytes) {
  std::string error;
  auto file = ArenaFile::Make(byte_count, &error);
  EXPECT_TRUE(file.has_value()) << error;
  return std::move(*file);
}

std::unique_ptr<ArenaMap> MapToWrite(const ArenaFile& file) {
  std::string error;
  auto map = ArenaMap::Open(file.Writable(&error), file.byte_count(),
                            ArenaMap::Access::kWrite, &error);
  EXPECT_NE(map, nullptr) << error;
  return map;
}

std::unique_ptr<ArenaMap> MapToRead(ArenaFile& file) {
  std::string error;
  auto map = ArenaMap::Open(file.ReadOnly(&error), file.byte_count(),
                            ArenaMap::Access::kRead, &error);
  EXPECT_NE(map, nullptr) << error;
  return map;
}

// The signal that ends a child which does `what`, 0 if none does.
template <class What>
int SignalOf(What what) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGSEGV, SIG_DFL);  // sanitizers catch it
    what();
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(Arena, IsWholePagesAndNought) {
  ArenaFile file = NewArena(5000);
  EXPECT_EQ(file.byte_count(), 8192u);
  EXPECT_EQ(MapToRead(file)->view(), std::string(8192, '\0'));
}

TEST(Arena, WhatTheWriterWritesTheReaderReadsAlsoAfterTheSeal) {
  ArenaFile file = NewArena();
  std::string error;
  ASSERT_TRUE(file.Prefault(&error)) << error;
  const auto writer = MapToWrite(file);
  writer->writable()[0] = 'a';
  EXPECT_FALSE(file.is_sealed());
  const auto reader = MapToRead(file);
  EXPECT_TRUE(file.is_sealed());
  writer->writable()[kBytes - 1] = 'z';
  EXPECT_EQ(reader->view().front(), 'a');
  EXPECT_EQ(reader->view().back(), 'z');
}

// The system writes there as this process can, and says so.
bool CanWrite(char* at) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  EXPECT_EQ(::write(ends[1], "w", 1), 1);
  const bool can = ::read(ends[0], at, 1) == 1;
  ::close(ends[0]);
  ::close(ends[1]);
  return can;
}

TEST(Arena, AWriterCanGiveUpWholePagesAndHaveThemBack) {
  ArenaFile file = NewArena();
  const auto writer = MapToWrite(file);
  char* const memory = writer->writable().data();
  const auto reader = MapToRead(file);  // from here on nobody else can write
  EXPECT_TRUE(writer->SetWritable(100, 3 * 4096, false));
  EXPECT_TRUE(CanWrite(memory + 4095));
  EXPECT_FALSE(CanWrite(memory + 4096));
  EXPECT_FALSE(CanWrite(memory + 3 * 4096 - 1));
  EXPECT_TRUE(CanWrite(memory + 3 * 4096));
  EXPECT_TRUE(writer->SetWritable(100, 3 * 4096, true));
  EXPECT_TRUE(CanWrite(memory + 4096));
  EXPECT_EQ(reader->view()[4096], 'w');
  // No page is whole in there.
  EXPECT_TRUE(writer->SetWritable(100, 5000, false));
  EXPECT_TRUE(CanWrite(memory + 4096));
}

TEST(Arena, OpenMemoryServesTheNextWriter) {
  const ArenaFile file = NewArena();
  MapToWrite(file)->writable()[5] = 'x';
  EXPECT_EQ(MapToWrite(file)->writable()[5], 'x');
}

TEST(Arena, IsFilledBeforeItIsSealed) {
  ArenaFile file = NewArena();
  std::string error;
  ASSERT_TRUE(file.Write(kBytes - 3, "end", &error)) << error;
  EXPECT_EQ(MapToRead(file)->view().substr(kBytes - 3), "end");
}

TEST(Arena, IsReadByItsMakerAlsoWhenItIsSealed) {
  ArenaFile file = NewArena();
  std::string error;
  ASSERT_TRUE(file.Write(100, "some bytes", &error)) << error;
  EXPECT_EQ(file.Read(100, 10, &error), "some bytes");
  EXPECT_TRUE(file.ReadOnly(&error).valid());
  EXPECT_EQ(file.Read(105, 5, &error), "bytes");
  EXPECT_EQ(file.Read(kBytes, 0, &error), "");
}

TEST(Arena, NobodyMapsASealedOneToWrite) {
  ArenaFile file = NewArena();
  std::string error;
  const UniqueFd kept = file.Writable(&error);
  const UniqueFd reader = file.ReadOnly(&error);
  ASSERT_TRUE(reader.valid());
  for (const UniqueFd* fd : {&kept, &reader}) {
    error.clear();
    EXPECT_EQ(ArenaMap::Open(*fd, kBytes, ArenaMap::Access::kWrite, &error),
              nullptr);
    EXPECT_NE(error, "");
  }
  const std::string path = "/proc/self/fd/" + std::to_string(reader.get());
  const UniqueFd again(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (again.valid()) {  // root may open it, and still not write
    EXPECT_EQ(::pwrite(again.get(), "x", 1, 0), -1);
  }
}

TEST(Arena, ItsSizeNeverChanges) {
  const ArenaFile file = NewArena();
  std::string error;
  const UniqueFd fd = file.Writable(&error);
  EXPECT_EQ(::ftruncate(fd.get(), 4096), -1);
  EXPECT_EQ(::ftruncate(fd.get(), 1 << 20), -1);
}

TEST(Arena, AReaderThatWritesIsEnded) {
  ArenaFile file = NewArena();
  const auto reader = MapToRead(file);
  EXPECT_EQ(SignalOf([&reader] {
              *const_cast<volatile char*>(reader->view().data()) = 'x';
            }),
            SIGSEGV);
  EXPECT_EQ(SignalOf([] {}), 0);
}

TEST(Arena, AForkedChildHasNoWritersMapping) {
  const ArenaFile file = NewArena();
  const auto writer = MapToWrite(file);
  EXPECT_EQ(SignalOf([&writer] {
              *static_cast<volatile char*>(writer->writable().data()) = 'x';
            }),
            SIGSEGV);
  EXPECT_EQ(writer->writable()[0], '\0');
}

TEST(Arena, AMapTrustsNoSizeThatItIsTold) {
  ArenaFile file = NewArena();
  std::string error;
  const UniqueFd fd = file.ReadOnly(&error);
  for (const std::uint64_t size :
       {std::uint64_t{0}, kBytes + 4096, kBytes - 4096, ~std::uint64_t{0}}) {
    EXPECT_EQ(ArenaMap::Open(fd, size, ArenaMap::Access::kRead, &error),
              nullptr)
        << size;
  }
  EXPECT_EQ(ArenaMap::Open(UniqueFd(), kBytes, ArenaMap::Access::kRead, &error),
            nullptr);
  EXPECT_NE(error.find("did not arrive"), std::string::npos);
}

}  // namespace
}  // namespace mobula::base
