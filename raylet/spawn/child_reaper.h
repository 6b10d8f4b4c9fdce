// ChildReaper takes the exit status of every child of this process that ends:
// workers, and orphans of theirs that we inherited as a subreaper.
//
// Until a child has been reaped its number is its own, so that what is sent to
// a worker's pid reaches that worker.
// Owner: Server.   Threading: the strand's thread; SIGCHLD must be blocked in
// every thread (Block, before there are more).
// Failure: no descriptor at construction is a CHECK.
#ifndef MOBULA_RAYLET_SPAWN_CHILD_REAPER_H_
#define MOBULA_RAYLET_SPAWN_CHILD_REAPER_H_

#include <sys/types.h>

#include <functional>

#include "base/strand.h"
#include "base/unique_fd.h"

namespace mobula::raylet {

class ChildReaper {
 public:
  // `status` as of waitpid.
  using EndedFn = std::function<void(pid_t pid, int status)>;

  static void Block();  // blocks SIGCHLD in the calling thread

  ChildReaper(base::Strand& strand, EndedFn ended);
  ~ChildReaper();
  ChildReaper(const ChildReaper&) = delete;
  ChildReaper& operator=(const ChildReaper&) = delete;

 private:
  void ReapAll();

  base::Strand& strand_;
  const EndedFn ended_;
  base::UniqueFd signals_;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SPAWN_CHILD_REAPER_H_
