// Spawner starts programs.
//
//   SpawnJob job;
//   job.program = "/bin/ls";
//   job.argv = {"ls", "-l"};
//   job.done = ...;
//   spawner.Start(&job);          // later: job.done(&job), with pid or error
//
// All are started by one thread, which the first one starts and which lives as
// long as the process: the kernel ends a child by SIGKILL when the thread that
// made it has ended (PR_SET_PDEATHSIG), so however this process ends, no child
// is left. The child shares our memory until it has become the program
// (CLONE_VM), so that starting costs the same however large this process is,
// and it calls nothing but the system until then.
// The child leads a process group of its own, blocks no signals, has the three
// descriptors given and no others.
// Owner: the process, for good: it has no end. Threading: Start from any
// thread; `done` on the spawner's, must not wait.
// Failure: an error number, and what failed: "start", "enter its folder".
#ifndef MOBULA_RUNTIME_EXECUTOR_SPAWNER_H_
#define MOBULA_RUNTIME_EXECUTOR_SPAWNER_H_

#include <sys/types.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"

namespace mobula::runtime {

struct SpawnJob {
  using DoneFn = void (*)(SpawnJob* job) noexcept;

  std::string program;  // a path
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // "NAME=value"
  std::string folder;                    // "": as it is
  std::array<int, 3> fds{-1, -1, -1};    // to be its 0, 1, 2; the caller's
  DoneFn done = nullptr;

  // Afterwards.
  pid_t pid = -1;
  base::UniqueFd pidfd;
  int error = 0;
  const char* failed = "";

  SpawnJob* next = nullptr;  // the spawner's
};

class Spawner {
 public:
  Spawner() = default;
  // Of one that has started nothing.
  ~Spawner();
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  // `job` stays until it is done.
  void Start(SpawnJob* job) MOBULA_EXCLUDES(mutex_);

 private:
  void Run() MOBULA_EXCLUDES(mutex_);

  base::Mutex mutex_;
  base::CondVar changed_;
  SpawnJob* first_ MOBULA_GUARDED_BY(mutex_) = nullptr;
  SpawnJob* last_ MOBULA_GUARDED_BY(mutex_) = nullptr;
  bool has_thread_ MOBULA_GUARDED_BY(mutex_) = false;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_SPAWNER_H_
