// Launcher executes a program as a worker process.
//
// The worker has: fd 0 /dev/null, 1 and 2 pipes to us, 3 a socket to us, 4 its
// WorkerPage, no other; a session of its own; every signal unblocked and at its
// default; MOBULA_WORKER and the session's mark in its environment; our
// working directory; SIGKILL when the calling thread ends. Between vfork and
// exec only system calls are made.
// Owner: Server.   Threading: one thread, which must live as long as the
// workers (the kernel ends them with it).
// Failure: a sentence; nothing is left behind.
#ifndef MOBULA_RAYLET_SPAWN_LAUNCHER_H_
#define MOBULA_RAYLET_SPAWN_LAUNCHER_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/unique_fd.h"
#include "raylet/spawn/page_map.h"

namespace mobula::raylet {

// Which worker a process comes from: set for it and what it starts.
inline constexpr char kOriginMark[] = "MOBULA_ORIGIN";

struct LaunchedWorker {
  pid_t pid = 0;
  base::UniqueFd socket;
  base::UniqueFd out;
  base::UniqueFd err;
  PageMap page;
};

class Launcher {
 public:
  struct Options {
    std::string session;  // the mark
    base::ProcessId raylet;
    rlimit open_files = {};  // what the worker may have; {0, 0}: as we have
  };

  explicit Launcher(Options options);

  std::variant<LaunchedWorker, std::string> Launch(
      base::ProcessId process, base::JobId job, const base::UniqueFd& program);

 private:
  const Options options_;
  base::UniqueFd null_;
  std::vector<std::string> environment_;  // without what is a worker's own
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SPAWN_LAUNCHER_H_
