// Subprocess is a program that runs as a child of this process. Run waits for
// its end and gives what it wrote:
//
//   auto run = mobula::Subprocess::Run({"git", "rev-parse", "HEAD"});
//   mobula::ProgramResult head = co_await run;
//   if (!head.status.ok()) throw std::runtime_error(head.err);
//
// and Start gives its pipes:
//
//   auto start = mobula::Subprocess::Start(
//       {"bc"},
//       mobula::SubprocessOptions().StdIn(mobula::ProgramStream::kPipe));
//   mobula::Subprocess bc = co_await start;
//   co_await bc.in().WriteAll("2 + 3\n");
//   std::optional<std::string> five = co_await bc.out().ReadUntil("\n", 100);
//   bc.in().Close();
//   mobula::ExitStatus status = co_await bc.Wait(5s);
//
// No shell reads the arguments. A program without "/" is looked for on the PATH
// of its environment. It leads a process group of its own; who its own children
// are matters nobody: a signal goes to the whole group, and what is left of the
// group when the program has ended is killed. It blocks and ignores no signal,
// and has no descriptor of ours but the three that it is given.
//
// Nothing is left behind: where the scope is stopped while Run waits, the group
// gets SIGTERM, after the grace SIGKILL, and Run ends when it has ended. A
// Subprocess that is destroyed kills what still runs, and does not wait. When
// this process ends, however it does, kill -9 too, the kernel kills the program
// (PR_SET_PDEATHSIG); in a worker, and in a raylet's other children, the node
// then ends what it has started itself as well, while of a driver that was
// killed that way the program's own children may go on. Each that ends is
// waited for: there are no zombies. Who calls wait(-1), or ignores SIGCHLD,
// takes the status of ours away: SubprocessError, std::errc::no_child_process.
//
// Threading: any thread or coroutine; Wait by any number. A Subprocess is of
// the process that started it; a forked child drops it. Errors: SubprocessError
// where it cannot be started (no such program, no such folder); BadArgument;
// what the scope throws.
#ifndef MOBULA_API_MOBULA_IO_SUBPROCESS_H_
#define MOBULA_API_MOBULA_IO_SUBPROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/mobula/coro/coro.h"
#include "api/mobula/coro/detail/io_wait.h"
#include "api/mobula/io/byte_stream.h"
#include "api/mobula/io/subprocess_options.h"
#include "api/mobula/timeout.h"

namespace mobula {

// How a program ended.
struct ExitStatus {
  int code = 0;    // where signal is 0
  int signal = 0;  // that ended it, 0 if none

  [[nodiscard]] bool ok() const { return code == 0 && signal == 0; }
  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

struct ProgramResult {
  ExitStatus status;
  std::string out;
  std::string err;
  // There was more of it than OutputMax.
  bool out_cut = false;
  bool err_cut = false;
};

namespace detail {

struct ProcessState;
using ProcessPtr = std::shared_ptr<ProcessState>;

class ExitWait final : public IoWait {
 public:
  ExitWait(ProcessPtr process, Timeout timeout);
  ExitStatus await_resume();

 private:
  Attempt Try() noexcept override;

  const ProcessPtr process_;
};

}  // namespace detail

class Subprocess {
 public:
  Subprocess() = default;  // none
  Subprocess(Subprocess&&) noexcept = default;
  Subprocess& operator=(Subprocess&& other) noexcept;
  // Kills what still runs.
  ~Subprocess();

  // Starts it, waits for its end, gives what it wrote.
  [[nodiscard]] static Coro<ProgramResult> Run(
      std::vector<std::string> argv,
      SubprocessOptions options = SubprocessOptions());

  [[nodiscard]] static Coro<Subprocess> Start(
      std::vector<std::string> argv,
      SubprocessOptions options = SubprocessOptions());

  // 0 if there is none.
  [[nodiscard]] pid_t pid() const;
  // Its pipes; closed where it has none. Read what it writes, or it waits.
  [[nodiscard]] ByteStream& in() { return in_; }
  [[nodiscard]] ByteStream& out() { return out_; }
  [[nodiscard]] ByteStream& err() { return err_; }

  // co_await it, or BlockOn it: gives how it ended; also afterwards.
  [[nodiscard]] auto Wait(Timeout timeout = {}) {
    return detail::ExitWait(process_, timeout);
  }
  // To its process group; nothing once it has ended.
  void Signal(int signal);
  // SIGTERM, and SIGKILL if it runs after `grace`. Gives how it ended. in() is
  // closed first; out() and err() stay open, so that it can say what it has to,
  // but who writes more than a pipe holds (64 KiB) and is not read is killed.
  [[nodiscard]] Coro<ExitStatus> Stop(Timeout grace = std::chrono::seconds(2));

 private:
  void Kill();

  detail::ProcessPtr process_;
  ByteStream in_;
  ByteStream out_;
  ByteStream err_;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_IO_SUBPROCESS_H_
