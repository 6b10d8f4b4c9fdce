// Server is the raylet of one node: the core, the links to its driver and
// workers, and the worker processes.
//
//   driver's socket -> Link -> core -> Launcher -> workers -> Link -> core
//
// It ends when its driver is gone, when the janitor is gone or on SIGTERM; who
// runs it then kills what is left (spawn/janitor.h).
// Owner: RunRaylet.   Threading: everything on the strand's thread, which is
// the process's only one and starts the workers.
// Invariants: (1) all that a worker wrote before its end is passed on before
// its end is told; (2) effects are carried out in the order of the core.
// Failure: a worker that cannot be started is told to the core; a link between
// two processes that cannot be made ends the one that is a worker.
#ifndef MOBULA_RAYLET_SERVER_SERVER_H_
#define MOBULA_RAYLET_SERVER_SERVER_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/frames/link.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/strand.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"
#include "raylet/core/core.h"
#include "raylet/core/events.h"
#include "raylet/spawn/child_reaper.h"
#include "raylet/spawn/launcher.h"
#include "raylet/spawn/page_map.h"
#include "raylet/spawn/worker_output.h"

namespace mobula::raylet {

class Server {
 public:
  struct Options {
    Core::Options core;  // with `self`
    std::uint64_t id_maker = 0;
    std::string session;     // the mark of its processes
    base::UniqueFd driver;   // our end of the link
    pid_t driver_pid = 0;    // 0: not known
    base::UniqueFd program;  // what workers execute
    base::UniqueFd janitor;  // readable when it has ended
    rlimit open_files = {};  // what workers may have
  };

  Server(base::Strand& strand, Options options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  using ProcessId = base::ProcessId;
  struct WorkerProcess {
    pid_t pid = 0;
    base::JobId job;
    std::unique_ptr<WorkerOutput> output;
    std::optional<PageMap> page;
  };

  void OpenDriverLink(base::UniqueFd socket) MOBULA_REQUIRES(strand_);
  void OpenWorkerLink(ProcessId process, base::UniqueFd socket)
      MOBULA_REQUIRES(strand_);
  void WatchEnds() MOBULA_REQUIRES(strand_);
  void WatchOnce(int fd, void (Server::*then)()) MOBULA_REQUIRES(strand_);
  void OnMessage(ProcessId from, base::Message message)
      MOBULA_REQUIRES(strand_);
  void OnClosed(ProcessId process, const std::string& reason)
      MOBULA_REQUIRES(strand_);
  void OnDriverGone() MOBULA_REQUIRES(strand_);
  void OnChildEnded(pid_t pid, int status) MOBULA_REQUIRES(strand_);
  void StopNow() MOBULA_REQUIRES(strand_);
  void StopIfDone() MOBULA_REQUIRES(strand_);

  // The core: events run to quiescence, effects are carried out between them.
  void Handle(Event event) MOBULA_REQUIRES(strand_);
  void CarryOut(const Effect& effect) MOBULA_REQUIRES(strand_);
  void Start(const StartWorker& start) MOBULA_REQUIRES(strand_);
  void Kill(ProcessId process) MOBULA_REQUIRES(strand_);
  void ConnectPair(const Connect& connect) MOBULA_REQUIRES(strand_);
  void SetCoreTimer(base::BootTime at) MOBULA_REQUIRES(strand_);
  void DropLink(ProcessId process) MOBULA_REQUIRES(strand_);
  void SendTo(ProcessId process, const base::Message& message,
              base::UniqueFd fd = base::UniqueFd()) MOBULA_REQUIRES(strand_);

  [[nodiscard]] bool PassOn(ProcessId process, const OutputBatch& batch)
      MOBULA_REQUIRES(strand_);
  void SweepOrphans(pid_t ended, int rounds) MOBULA_REQUIRES(strand_);

  base::Strand& strand_;
  Options options_ MOBULA_GUARDED_BY(strand_);
  Core core_ MOBULA_GUARDED_BY(strand_);
  Launcher launcher_ MOBULA_GUARDED_BY(strand_);
  ChildReaper reaper_;
  base::UniqueFd signals_;
  base::UniqueFd driver_pidfd_;

  std::map<ProcessId, std::unique_ptr<base::Link>> links_
      MOBULA_GUARDED_BY(strand_);
  // The driver's, until its Hello has told who it is.
  std::unique_ptr<base::Link> new_link_ MOBULA_GUARDED_BY(strand_);
  ProcessId driver_ MOBULA_GUARDED_BY(strand_);  // nil before its Hello
  std::map<ProcessId, WorkerProcess> workers_ MOBULA_GUARDED_BY(strand_);
  std::map<pid_t, ProcessId> by_pid_ MOBULA_GUARDED_BY(strand_);
  std::deque<Event> events_ MOBULA_GUARDED_BY(strand_);
  bool handling_ MOBULA_GUARDED_BY(strand_) = false;
  bool driver_gone_ MOBULA_GUARDED_BY(strand_) = false;
  base::Strand::TimerId timer_ MOBULA_GUARDED_BY(strand_) = 0;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SERVER_SERVER_H_
