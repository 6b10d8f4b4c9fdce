#include "runtime/process/worker_output.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace mobula::runtime {
namespace {

base::WorkerOutput Output() {
  base::WorkerOutput output;
  output.pid = 12;
  output.function = "Index::Add";
  output.lines = {"one", "", "three"};
  return output;
}

TEST(WorkerOutput, EveryLineHasThePrefix) {
  EXPECT_EQ(FormatWorkerOutput(Output()),
            "(Index::Add pid=12) one\n"
            "(Index::Add pid=12) \n"
            "(Index::Add pid=12) three\n");
}

TEST(WorkerOutput, SaysWhatWasLeftOutAndNamesNoFunctionWhereNoneRan) {
  base::WorkerOutput output = Output();
  output.function = "";
  output.lines = {"last"};
  output.omitted = 1;
  EXPECT_EQ(FormatWorkerOutput(output),
            "(pid=12) [1 line left out]\n(pid=12) last\n");
  output.omitted = 20;
  EXPECT_EQ(FormatWorkerOutput(output),
            "(pid=12) [20 lines left out]\n(pid=12) last\n");
}

TEST(WorkerOutput, GoesToTheStreamItCameFrom) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  base::WorkerOutput output = Output();
  output.lines = {"out"};
  PrintWorkerOutput(output);
  output.is_stderr = true;
  output.lines = {"error"};
  PrintWorkerOutput(output);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(),
            "(Index::Add pid=12) out\n");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "(Index::Add pid=12) error\n");
}

// In a process of its own, whose standard output nobody reads.
TEST(WorkerOutputDeathTest, AReaderThatIsGoneEndsNothing) {
  EXPECT_EXIT(
      {
        int ends[2];
        if (::pipe(ends) != 0 || ::dup2(ends[1], STDOUT_FILENO) < 0) _exit(1);
        ::close(ends[0]);
        ::signal(SIGPIPE, SIG_DFL);
        PrintWorkerOutput(Output());
        sigset_t pending;
        ::sigpending(&pending);
        _exit(::sigismember(&pending, SIGPIPE) == 0 ? 7 : 1);
      },
      ::testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace mobula::runtime
