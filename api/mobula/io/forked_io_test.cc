// What becomes of programs and signals when the process that wanted them is
// gone, or is another one.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <string>
#include <utility>

#include "api/mobula/coro/block_on.h"
#include "api/mobula/io/signals.h"
#include "api/mobula/io/subprocess.h"
#include "base/unique_fd.h"

namespace mobula {
namespace {

using std::chrono::seconds;

// How a forked child that does so ends.
int StatusOf(const std::function<void()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);  // one that hangs is not left behind
    body();
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

// However its parent ends, kill -9 too.
TEST(Forked, NoProgramOutlivesItsParent) {
  int fds[2] = {-1, -1};
  ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
  const base::UniqueFd in(fds[0]);
  base::UniqueFd out(fds[1]);
  const int status = StatusOf([&out] {
    Subprocess program = BlockOn(Subprocess::Start({"sleep", "1000"}));
    const pid_t pid = program.pid();
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    EXPECT_GE(pidfd, 0);
    EXPECT_EQ(::write(out.get(), &pid, sizeof pid),
              static_cast<ssize_t>(sizeof pid));
    ::raise(SIGKILL);
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  pid_t pid = -1;
  ASSERT_EQ(::read(in.get(), &pid, sizeof pid),
            static_cast<ssize_t>(sizeof pid));
  const base::UniqueFd program(
      static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!program.valid()) return;  // it has ended
  pollfd ended{program.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 60'000), 1);
}

TEST(Forked, AChildDropsWhatItsParentStarted) {
  Subprocess program = BlockOn(Subprocess::Start({"cat"}));
  EXPECT_EQ(StatusOf([&program] {
              program = Subprocess();
              const ProgramResult own =
                  BlockOn(Subprocess::Run({"echo", "-n", "own"}));
              EXPECT_EQ(own.out, "own");
            }),
            0);
  EXPECT_EQ(BlockOn(program.Wait(seconds(60))).code, 0);
}

TEST(Forked, ASignalDoesAgainWhatItDid) {
  const int status = StatusOf([] {
    {
      Signals signals({SIGINT});
      ::raise(SIGINT);
      EXPECT_EQ(BlockOn(signals.Next(seconds(60))), SIGINT);
    }
    ::raise(SIGINT);
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}

}  // namespace
}  // namespace mobula
