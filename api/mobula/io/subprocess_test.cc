#include "api/mobula/io/subprocess.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api/mobula/coro/block_on.h"
#include "api/mobula/coro/coro.h"
#include "api/mobula/coro/scope.h"
#include "api/mobula/coro/sleep.h"
#include "api/mobula/coro/task_group.h"
#include "api/mobula/coro/with_scope.h"
#include "api/mobula/error.h"
#include "api/mobula/io/subprocess_options.h"
#include "api/mobula/io/system_error.h"
#include "base/unique_fd.h"

namespace mobula {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

ProgramResult Shell(const std::string& script,
                    SubprocessOptions options = SubprocessOptions()) {
  return BlockOn(Subprocess::Run({"sh", "-c", script}, std::move(options)));
}

Subprocess StartShell(const std::string& script) {
  return BlockOn(Subprocess::Start(
      {"sh", "-c", script}, SubprocessOptions().StdIn(ProgramStream::kPipe)));
}

std::string Line(ByteStream& from) {
  std::optional<std::string> line =
      BlockOn(from.ReadUntil("\n", 1000, seconds(60)));
  if (!line) return "";
  line->pop_back();
  return *line;
}

// Who has this number now, to hear of its end.
base::UniqueFd Watch(const std::string& pid) {
  return base::UniqueFd(
      static_cast<int>(::syscall(SYS_pidfd_open, std::stoi(pid), 0)));
}
void ExpectEnds(const base::UniqueFd& process) {
  if (!process.valid()) return;  // it has
  pollfd ended{process.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 60'000), 1);
}
// Those that are destroyed are waited for a little later.
void ExpectNoChildren() {
  siginfo_t info{};
  while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
    BlockOn(SleepFor(milliseconds(1)));
  }
  EXPECT_EQ(errno, ECHILD);
}

template <class Act>
std::error_code ErrorOf(Act act) {
  try {
    act();
  } catch (const SubprocessError& error) {
    EXPECT_FALSE(error.program().empty());
    return error.error();
  }
  ADD_FAILURE() << "it threw nothing";
  return {};
}

// ---- Run --------------------------------------------------------------------

TEST(Run, GivesWhatItWroteAndHowItEnded) {
  const ProgramResult result = Shell("echo out; echo err >&2; exit 3");
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
  EXPECT_EQ(result.status.code, 3);
  EXPECT_FALSE(result.status.ok());
  EXPECT_TRUE(Shell("true").status.ok());
  const ProgramResult killed = Shell("kill -9 $$");
  EXPECT_EQ(killed.status.signal, SIGKILL);
  ExpectNoChildren();
}

TEST(Run, FeedsItAndReadsItAtOnce) {
  const std::string much(std::size_t{1} << 20, 'x');
  const ProgramResult result = BlockOn(Subprocess::Run(
      {"cat"},
      SubprocessOptions().Input(much).OutputMax(std::size_t{2} << 20)));
  EXPECT_EQ(result.out, much);
  EXPECT_FALSE(result.out_cut);
  // One that reads nothing of it.
  EXPECT_TRUE(
      BlockOn(Subprocess::Run({"true"}, SubprocessOptions().Input(much)))
          .status.ok());
  EXPECT_EQ(Shell("cat").out, "");
}

TEST(Run, KeepsNoMoreThanItMay) {
  const ProgramResult result = Shell("yes | head -c 300000; printf 123456 >&2",
                                     SubprocessOptions().OutputMax(6));
  EXPECT_EQ(result.out, "y\ny\ny\n");
  EXPECT_TRUE(result.out_cut);
  EXPECT_EQ(result.err, "123456");
  EXPECT_FALSE(result.err_cut);
}

TEST(Run, OptionsAreHeeded) {
  const ProgramResult here =
      Shell("pwd; echo $SUBPROCESS_TEST$HOME; echo e >&2",
            SubprocessOptions()
                .Folder("/")
                .ClearEnv()
                .Env("SUBPROCESS_TEST", "a b")
                .StdErr(ProgramStream::kOutput));
  EXPECT_EQ(here.out, "/\na b\ne\n");
  EXPECT_EQ(here.err, "");
  ::setenv("SUBPROCESS_TEST", "ours", 1);
  EXPECT_EQ(Shell("echo $SUBPROCESS_TEST").out, "ours\n");
  EXPECT_EQ(Shell("echo $SUBPROCESS_TEST",
                  SubprocessOptions().Env("SUBPROCESS_TEST", "x"))
                .out,
            "x\n");
  EXPECT_EQ(Shell("echo x; echo y >&2", SubprocessOptions()
                                            .StdOut(ProgramStream::kNull)
                                            .StdErr(ProgramStream::kNull))
                .out,
            "");
  // Nothing reads the arguments.
  EXPECT_EQ(BlockOn(Subprocess::Run({"echo", "$HOME", "; echo 2", ""})).out,
            "$HOME ; echo 2 \n");
}

TEST(Run, ItHasNothingOfOurs) {
  // One that a careless library left open.
  const base::UniqueFd left(::open("/dev/null", O_RDONLY));
  ASSERT_TRUE(left.valid());
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigset_t were;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &were);
  const ProgramResult result =
      Shell("[ -e /proc/$$/fd/" + std::to_string(left.get()) +
            " ] && echo open;"
            "grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -f2");
  ::pthread_sigmask(SIG_SETMASK, &were, nullptr);
  ::signal(SIGPIPE, before);
  const std::string none = "0000000000000000\n";
  EXPECT_EQ(result.out, none + none);
}

TEST(Run, SaysWhyItCannotStart) {
  EXPECT_EQ(ErrorOf([] {
              (void)BlockOn(Subprocess::Run({"no-such-program-anywhere"}));
            }),
            std::errc::no_such_file_or_directory);
  EXPECT_EQ(
      ErrorOf([] { (void)BlockOn(Subprocess::Run({"/no/such/program"})); }),
      std::errc::no_such_file_or_directory);
  EXPECT_EQ(ErrorOf([] { (void)BlockOn(Subprocess::Run({"/etc/passwd"})); }),
            std::errc::permission_denied);
  try {
    (void)Shell("true", SubprocessOptions().Folder("/no/such/folder"));
    FAIL();
  } catch (const SubprocessError& error) {
    EXPECT_NE(std::string(error.what()).find("/no/such/folder"),
              std::string::npos);
  }
  const auto run = [](std::vector<std::string> argv,
                      SubprocessOptions options = SubprocessOptions()) {
    (void)BlockOn(Subprocess::Run(std::move(argv), std::move(options)));
  };
  EXPECT_THROW(run({}), BadArgument);
  EXPECT_THROW(run({"echo", std::string("a\0b", 3)}), BadArgument);
  EXPECT_THROW(run({"echo"}, SubprocessOptions().Env("A=B", "")), BadArgument);
  EXPECT_THROW(run({"echo"}, SubprocessOptions().StdIn(ProgramStream::kPipe)),
               BadArgument);
  EXPECT_THROW(
      (void)BlockOn(Subprocess::Start({"cat"}, SubprocessOptions().Input("x"))),
      BadArgument);
  ExpectNoChildren();
}

TEST(Run, ManyAtOnce) {
  TaskGroup group;
  const auto run = [](int n) -> Coro<> {
    const std::string text = std::to_string(n);
    Coro<ProgramResult> begun = Subprocess::Run({"echo", "-n", text});
    const ProgramResult result = co_await begun;
    EXPECT_EQ(result.out, text);
  };
  for (int i = 0; i < 30; ++i) group.Start(run(i));
  BlockOn(group.Wait());
  ExpectNoChildren();
}

// ---- what ends it -----------------------------------------------------------

TEST(Run, ItsScopeEndsIt) {
  EXPECT_THROW((void)BlockOn(WithTimeout(milliseconds(50),
                                         Subprocess::Run({"sleep", "1000"}))),
               TimeoutError);
  ExpectNoChildren();
  std::stop_source source;
  std::jthread stopper([&source] { source.request_stop(); });
  const Scope scope(ScopeOptions().Stop(source.get_token()));
  EXPECT_THROW((void)BlockOn(Subprocess::Run({"sleep", "1000"})), Cancelled);
  ExpectNoChildren();
}

TEST(Run, OneThatDoesNotHeedTheSignalIsKilled) {
  const auto run = [] {
    return Subprocess::Run(
        {"sh", "-c", "trap '' TERM; while :; do sleep 0.02; done"},
        SubprocessOptions().Grace(milliseconds(50)));
  };
  EXPECT_THROW((void)BlockOn(WithTimeout(milliseconds(100), run())),
               TimeoutError);
  ExpectNoChildren();
}

// What it writes as it ends neither stops it nor ends it otherwise.
TEST(Run, OneThatIsStoppedMaySayWhatItLikes) {
  std::string folder = "/tmp/mobula-run-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string ready = folder + "/ready";
  const std::string done = folder + "/done";
  ASSERT_EQ(::mkfifo(ready.c_str(), 0600), 0);
  std::stop_source source;
  std::jthread stopper([&] {
    const base::UniqueFd told(::open(ready.c_str(), O_RDONLY | O_CLOEXEC));
    source.request_stop();
  });
  {
    const Scope scope(ScopeOptions().Stop(source.get_token()));
    EXPECT_THROW((void)Shell("trap 'yes | head -c 300000 >&2; : > " + done +
                                 "; exit 0' TERM; : > " + ready +
                                 "; while :; do sleep 0.01; done",
                             SubprocessOptions().Grace(seconds(60))),
                 Cancelled);
  }
  EXPECT_EQ(::unlink(done.c_str()), 0);
  ::unlink(ready.c_str());
  ::rmdir(folder.c_str());
}

// Its last words are no broken pipe.
TEST(Subprocess, StopLetsItSpeak) {
  Subprocess program = StartShell(
      "trap 'echo bye; exit 6' TERM; echo ready; while :; do sleep 0.01; done");
  EXPECT_EQ(Line(program.out()), "ready");
  EXPECT_EQ(BlockOn(program.Stop(seconds(60))).code, 6);
  EXPECT_EQ(Line(program.out()), "bye");
}

TEST(Subprocess, StopGivesItTimeToCleanUp) {
  Subprocess program = StartShell(
      "trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done");
  EXPECT_EQ(Line(program.out()), "ready");
  const ExitStatus status = BlockOn(program.Stop(seconds(60)));
  EXPECT_EQ(status.code, 5) << status.signal;
  EXPECT_EQ(status, BlockOn(program.Wait()));
  program.Signal(SIGTERM);  // nothing
  Subprocess deaf =
      StartShell("trap '' TERM; echo ready; while :; do sleep 0.01; done");
  EXPECT_EQ(Line(deaf.out()), "ready");
  EXPECT_EQ(BlockOn(deaf.Stop(milliseconds(20))).signal, SIGKILL);
  ExpectNoChildren();
}

TEST(Subprocess, ItsChildrenEndWithIt) {
  Subprocess program = StartShell("sleep 1000 & echo $!; wait");
  const base::UniqueFd child = Watch(Line(program.out()));
  BlockOn(program.Stop(seconds(60)));
  ExpectEnds(child);
  // Also where it ends by itself.
  const ProgramResult left = Shell("sleep 1000 & echo $!");
  EXPECT_TRUE(left.status.ok());
  ExpectEnds(Watch(left.out));
  {
    Subprocess dropped = StartShell("sleep 1000 & echo $!; wait");
    const base::UniqueFd own = Watch(std::to_string(dropped.pid()));
    const base::UniqueFd of_it = Watch(Line(dropped.out()));
    dropped = Subprocess();
    ExpectEnds(own);
    ExpectEnds(of_it);
  }
  ExpectNoChildren();
}

// One that has left the group keeps the pipe: nobody waits for that.
TEST(Run, DoesNotWaitForOneWhoHasLeft) {
  const ProgramResult result =
      Shell("exec 3>&1; echo $(setsid sh -c 'sleep 1000 >&3 & echo $!')");
  EXPECT_TRUE(result.status.ok());
  EXPECT_EQ(::kill(std::stoi(result.out), SIGKILL), 0);
}

// ---- its pipes --------------------------------------------------------------

TEST(Subprocess, TalksThroughItsPipes) {
  Subprocess program =
      StartShell("while read line; do echo \"got $line\"; done; exit 4");
  for (int i = 0; i < 5; ++i) {
    BlockOn(program.in().WriteAll(std::to_string(i) + "\n"));
    EXPECT_EQ(Line(program.out()), "got " + std::to_string(i));
  }
  EXPECT_THROW((void)BlockOn(program.Wait(milliseconds(10))), TimeoutError);
  std::array<char, 1> one{};
  EXPECT_THROW((void)BlockOn(program.out().Read(one, milliseconds(10))),
               TimeoutError);
  program.in().Close();
  EXPECT_EQ(BlockOn(program.out().ReadAll(10)), "");
  EXPECT_EQ(BlockOn(program.err().ReadAll(10)), "");
  EXPECT_EQ(BlockOn(program.Wait(seconds(60))).code, 4);
  EXPECT_EQ(BlockOn(program.Wait(milliseconds(0))).code, 4);
}

TEST(Subprocess, OneThatReadsNoMoreIsABrokenPipe) {
  Subprocess program = StartShell("exec 0<&-; echo closed; sleep 1000");
  EXPECT_EQ(Line(program.out()), "closed");
  try {
    BlockOn(program.in().WriteAll("x"));
    FAIL();
  } catch (const NetworkError& error) {
    EXPECT_EQ(error.error(), std::errc::broken_pipe);
  }
}

TEST(Subprocess, SignalsReachIt) {
  Subprocess program = StartShell(
      "trap 'echo usr1' USR1; echo ready; while :; do sleep 0.01; done");
  EXPECT_EQ(Line(program.out()), "ready");
  program.Signal(SIGUSR1);
  EXPECT_EQ(Line(program.out()), "usr1");
  EXPECT_THROW(program.Signal(0), BadArgument);
  EXPECT_THROW(program.Signal(65), BadArgument);
}

TEST(Subprocess, SeveralWaitForOne) {
  Subprocess program = StartShell("read line; exit 7");
  TaskGroup group;
  const auto wait = [&]() -> Coro<> {
    const ExitStatus status = co_await program.Wait();
    EXPECT_EQ(status.code, 7);
  };
  for (int i = 0; i < 8; ++i) group.Start(wait());
  std::jthread thread(
      [&program] { EXPECT_EQ(BlockOn(program.Wait()).code, 7); });
  BlockOn(program.in().WriteAll("\n"));
  BlockOn(group.Wait());
}

TEST(Subprocess, NoneIsBadArgument) {
  Subprocess none;
  EXPECT_EQ(none.pid(), 0);
  EXPECT_THROW((void)BlockOn(none.Wait()), BadArgument);
  EXPECT_THROW((void)BlockOn(none.Stop()), BadArgument);
  none.Signal(SIGTERM);
}

// Who waits for all children takes ours away.
TEST(Subprocess, AStatusThatIsTakenAwayIsSaid) {
  Subprocess program = StartShell("read line");
  const pid_t pid = program.pid();
  program.Signal(SIGKILL);
  // The loop does not look at it before somebody waits.
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
  EXPECT_EQ(ErrorOf([&program] { (void)BlockOn(program.Wait()); }),
            std::errc::no_child_process);
}

}  // namespace
}  // namespace mobula
