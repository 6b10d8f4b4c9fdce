// Detach runs something in a process of its own, which has a session and no
// terminal, and tells what that says until it serves.
//
//   caller --fork--> (goes) --fork--> body: stdout, stderr to a file
//      ^------------- one pipe -------'
// Threading: called by a process with one thread.
// Failure: no process or descriptor is said in `words`.
#ifndef MOBULA_CLI_NODES_DETACH_H_
#define MOBULA_CLI_NODES_DETACH_H_

#include <sys/types.h>

#include <functional>
#include <string>

#include "base/boot_time.h"
#include "base/unique_fd.h"

namespace mobula::cli {

struct DetachOptions {
  // Becomes stdout and stderr; opened in the new process.
  std::function<base::UniqueFd()> open_log;
  // A child of the caller, which ends (SIGTERM) when the caller does; else it
  // outlives the caller.
  bool foreground = false;
  base::BootTime deadline = base::BootTime::Never();
  std::string ready;  // the words that end the wait
};

struct Detached {
  pid_t pid = 0;         // 0: nothing was started
  base::UniqueFd pidfd;  // readable once it has ended
  bool serves = false;
  std::string words;  // what it said instead, all of it if it has ended
  bool timed_out = false;
};

// Never returns in the new process, where `body` gets the pipe to speak into
// and gives the exit code. When this returns and it does not serve, it has
// been left alone: the closed pipe says so to it.
Detached Detach(const DetachOptions& options,
                const std::function<int(base::UniqueFd speak)>& body);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_NODES_DETACH_H_
