// The user's process stays clean: a program that links Mobula needs no gRPC, no
// protobuf and no RocksDB, and its idle workers are small. Prints the figures.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <unistd.h>

#include <cstdio>
#include <sstream>
#include <string>

#include "tests/integration/programs.h"
#include "tests/process_tree/process_tree.h"

int Pid() { return static_cast<int>(getpid()); }

namespace mobula::test {
namespace {

TEST(CleanProcess, HelloNeedsNoHeavyLibrary) {
  const Ended ended = RunProgram(
      {"/usr/bin/readelf", "--dynamic", ProgramPath("examples/hello/hello")});
  ASSERT_EQ(ended.code, 0) << ended.output;
  std::istringstream lines(ended.output);
  std::string line;
  int needed = 0;
  while (std::getline(lines, line)) {
    if (line.find("(NEEDED)") == std::string::npos) continue;
    ++needed;
    std::printf("%s\n", line.c_str());
    for (const char* heavy : {"grpc", "protobuf", "rocksdb", "libgpr"}) {
      EXPECT_EQ(line.find(heavy), std::string::npos) << line;
    }
  }
  EXPECT_GT(needed, 0);  // else nothing was looked at
}

TEST(CleanProcess, NothingHeavyIsLoadedTransitively) {
  const Ended ended =
      RunProgram({"/usr/bin/ldd", ProgramPath("examples/hello/hello")});
  ASSERT_EQ(ended.code, 0) << ended.output;
  EXPECT_NE(ended.output.find("libc.so"), std::string::npos);
  for (const char* heavy : {"grpc", "protobuf", "rocksdb"}) {
    EXPECT_EQ(ended.output.find(heavy), std::string::npos) << ended.output;
  }
}

TEST(CleanProcess, NoThreadBeforeInitAndSmallIdleWorkers) {
  EXPECT_EQ(MemoryOf(getpid()).threads, 1);
  mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(1));
  const int pid = mobula::Get(mobula::Spawn<Pid>());
  ASSERT_NE(pid, getpid());
  const Memory worker = MemoryOf(pid);
  std::printf("idle worker: RSS %lld KiB, PSS %lld KiB, %d threads\n",
              static_cast<long long>(worker.rss_kib),
              static_cast<long long>(worker.pss_kib), worker.threads);
  EXPECT_GT(worker.rss_kib, 0);
  EXPECT_LE(worker.threads, 4);
}

}  // namespace
}  // namespace mobula::test
