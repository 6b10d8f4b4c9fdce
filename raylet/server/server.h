// Server is the raylet of one node: the core, the links to its drivers and
// workers, the worker processes, the memory of large values and the line to the
// control store.
//
//   driver, tool -> FrontDoor -> core -> Launcher -> workers -> Link -> core
//   core -> ControlClient -> control store -> core
//   core -> ArenaShell -> core       from the first value on that needs it
//
// An embedded head serves the driver that started it and ends with it; it
// starts a control store of its own when the core needs one, or, told of one,
// joins that before it serves. A started node listens, follows the control
// store it was told of, and writes its NodeFile once it has joined. All end
// when the parent (janitor or keeper) is gone or on SIGTERM; who runs it then
// kills what is left (spawn/janitor.h).
// Owner: RunRaylet, RunNode.   Threading: everything on the strand's thread,
// which starts the workers, and which they do not outlive.
// Invariants: (1) all that a worker wrote or said before its end is passed on
// before its end is told; (2) effects are carried out in the order of the core;
// (3) the control store's absence ends nothing. Failure: a worker that cannot
// be started is told to the core; a link between two processes that cannot be
// made ends the one that is a worker; an arena that cannot be handed over is
// refused to who wanted it.
#ifndef MOBULA_RAYLET_SERVER_SERVER_H_
#define MOBULA_RAYLET_SERVER_SERVER_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_message.h"
#include "base/control/node_file.h"
#include "base/frames/link.h"
#include "base/frames/message.h"
#include "base/frames/node_message.h"
#include "base/ids.h"
#include "base/rpc/control_client.h"
#include "base/strand.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"
#include "raylet/arenas/arena_shell.h"
#include "raylet/channels/channels.h"
#include "raylet/core/core.h"
#include "raylet/core/events.h"
#include "raylet/lines/node_lines.h"
#include "raylet/output/old_logs.h"
#include "raylet/output/worker_log.h"
#include "raylet/output/worker_output.h"
#include "raylet/programs/program_fetch.h"
#include "raylet/programs/program_sender.h"
#include "raylet/server/front_door.h"
#include "raylet/spawn/child_reaper.h"
#include "raylet/spawn/embedded_store.h"
#include "raylet/spawn/launcher.h"
#include "raylet/spawn/page_map.h"
#include "raylet/spawn/program_store.h"

namespace mobula::raylet {

// The one that started an embedded head.
struct HeadDriver {
  base::UniqueFd socket;   // our end of the link
  pid_t pid = 0;           // 0: not known
  base::UniqueFd program;  // its executable
};

class Server {
 public:
  struct Options {
    Core::Options core;  // with `self`; `socket` where it listens
    std::uint64_t id_maker = 0;
    std::string session;                     // the mark of its processes
    std::string folder;                      // of the session
    std::string programs_folder;             // executables by hash
    std::vector<std::string> spill_folders;  // used in turn; may be none
    base::UniqueFd parent;                   // readable when it has ended
    rlimit open_files = {};                  // what workers may have
    std::optional<HeadDriver> driver;
    // How it reaches the control store of the cluster that it is to join, if
    // there is one, and what a started node writes down when it has (the
    // cluster comes with that).
    base::ControlClient::Options control;
    base::NodeFile node_file;
    NodeLines::Options lines;  // to other nodes; `door` with any port
    // Of a driver's own node, before it serves its driver.
    base::Duration join_patience = std::chrono::seconds(30);
  };

  Server(base::Strand& strand, Options options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Why it has stopped, "" if in order.
  [[nodiscard]] const std::string& why() const { return why_; }
  // The control store has refused the node.
  [[nodiscard]] bool refused() const { return refused_; }

 private:
  using ProcessId = base::ProcessId;
  // Output that the driver does not take waits up to here, then is left out.
  static constexpr std::size_t kOutputQueuedMax = std::size_t{8} << 20;
  struct WorkerProcess {
    pid_t pid = 0;
    ProcessId driver;          // that sees its output, nil if none
    base::NodeId driver_node;  // where that is, nil: here
    bool is_detached = false;  // it is of no driver's job
    std::unique_ptr<WorkerOutput> output;
    std::unique_ptr<WorkerLog> log;
    std::optional<PageMap> page;
  };
  struct DriverProcess {
    base::JobId job;
    base::UniqueFd program;
  };

  [[nodiscard]] bool IsEmbedded() const MOBULA_REQUIRES(strand_) {
    return options_.driver.has_value();
  }
  // It joins a control store that is not its own.
  [[nodiscard]] bool IsOfCluster() const MOBULA_REQUIRES(strand_) {
    return options_.control.connect != nullptr;
  }
  FrontDoor::Callbacks DoorCallbacks();
  void OpenWorkerLink(ProcessId process, base::UniqueFd socket)
      MOBULA_REQUIRES(strand_);
  void WatchEnds() MOBULA_REQUIRES(strand_);
  void WatchOnce(int fd, void (Server::*then)()) MOBULA_REQUIRES(strand_);
  void OnGuest(ProcessId guest, base::Message message, base::UniqueFd fd)
      MOBULA_REQUIRES(strand_);
  void OnGuestGone(ProcessId guest, const std::string& reason)
      MOBULA_REQUIRES(strand_);
  void OnWorkerLinkClosed(ProcessId process, const std::string& reason)
      MOBULA_REQUIRES(strand_);
  void OnDriverGone() MOBULA_REQUIRES(strand_);
  void OnChildEnded(pid_t pid, int status) MOBULA_REQUIRES(strand_);
  void Leave() MOBULA_REQUIRES(strand_);
  void GiveUpJoining(const std::string& why) MOBULA_REQUIRES(strand_);
  void StopNow() MOBULA_REQUIRES(strand_);
  void StopIfDone() MOBULA_REQUIRES(strand_);

  // The core: events run to quiescence, effects are carried out between them.
  void Handle(Event event) MOBULA_REQUIRES(strand_);
  void CarryOut(Effect& effect) MOBULA_REQUIRES(strand_);
  bool CarryOutControl(Effect& effect) MOBULA_REQUIRES(strand_);
  void Start(const StartWorker& start) MOBULA_REQUIRES(strand_);
  // Of the driver of the job.
  [[nodiscard]] base::UniqueFd ProgramOf(base::JobId job, std::string* error)
      MOBULA_REQUIRES(strand_);
  void Launch(const StartWorker& start, const ProgramStore::Opened& opened)
      MOBULA_REQUIRES(strand_);
  void Kill(ProcessId process) MOBULA_REQUIRES(strand_);
  void ConnectPair(const Connect& connect) MOBULA_REQUIRES(strand_);
  void SetCoreTimer(base::BootTime at) MOBULA_REQUIRES(strand_);
  void DropLink(ProcessId process) MOBULA_REQUIRES(strand_);
  void HearLastWords(ProcessId process) MOBULA_REQUIRES(strand_);
  void SendTo(ProcessId process, const base::Message& message,
              base::UniqueFd fd = base::UniqueFd()) MOBULA_REQUIRES(strand_);

  // server_control.cc
  void OpenControl() MOBULA_REQUIRES(strand_);
  // Starts the embedded control store.
  base::UniqueFd ConnectStore(std::string* error) MOBULA_REQUIRES(strand_);
  void OnStoreFailed(const std::string& why) MOBULA_REQUIRES(strand_);
  void OnStoreAway(const std::string& reason) MOBULA_REQUIRES(strand_);
  void OnRefused(const std::string& reason) MOBULA_REQUIRES(strand_);
  void OnControlSaid(base::ControlMessage message) MOBULA_REQUIRES(strand_);
  void OnJoined(const base::NodeJoined& joined) MOBULA_REQUIRES(strand_);
  void Keep(const KeepProgram& keep) MOBULA_REQUIRES(strand_);
  void FillListing(base::LocalListing& listing) MOBULA_REQUIRES(strand_);

  // server_nodes.cc
  // What the core is told of this node, with its door, where it has one now.
  Core::Options OpenDoor() MOBULA_REQUIRES(strand_);
  Channels::Callbacks ChannelCallbacks();
  ProgramSender::Callbacks SenderCallbacks();
  // Says something to the raylet of a node, where there are lines.
  std::function<void(base::NodeId, const base::NodeMessage&)> TellFn();
  void OnNodeMessage(base::NodeId from, base::NodeMessage message)
      MOBULA_REQUIRES(strand_);
  void EndNode(base::NodeId node) MOBULA_REQUIRES(strand_);
  bool CarryOutNodes(const Effect& effect) MOBULA_REQUIRES(strand_);
  void OpenChannelTo(const MakeChannel& make) MOBULA_REQUIRES(strand_);
  // Launches it, with the program from here, else from the nodes that are named
  // from `source` on.
  void OpenProgram(const StartWorker& start, std::size_t source)
      MOBULA_REQUIRES(strand_);
  void Bring(const StartWorker& start, std::size_t source,
             const std::string& why) MOBULA_REQUIRES(strand_);
  // To the driver on another node; false: not now.
  [[nodiscard]] bool PassOnAfar(const WorkerProcess& worker,
                                const base::WorkerOutput& output)
      MOBULA_REQUIRES(strand_);

  // server_store.cc
  bool CarryOutStore(const Effect& effect) MOBULA_REQUIRES(strand_);
  void HandOver(const SendWithArena& send) MOBULA_REQUIRES(strand_);
  void SendPart(const SendExtentPart& part) MOBULA_REQUIRES(strand_);

  [[nodiscard]] bool PassOn(ProcessId process, const OutputBatch& batch)
      MOBULA_REQUIRES(strand_);
  void SweepOrphans(pid_t ended, int rounds) MOBULA_REQUIRES(strand_);

  base::Strand& strand_;
  Options options_ MOBULA_GUARDED_BY(strand_);
  std::string why_;
  // To other nodes; null where there can be none.
  std::unique_ptr<NodeLines> lines_ MOBULA_GUARDED_BY(strand_);
  Core core_ MOBULA_GUARDED_BY(strand_);
  Launcher launcher_ MOBULA_GUARDED_BY(strand_);
  ProgramStore programs_ MOBULA_GUARDED_BY(strand_);
  Channels channels_ MOBULA_GUARDED_BY(strand_);
  ProgramFetch fetch_ MOBULA_GUARDED_BY(strand_);
  ProgramSender sender_ MOBULA_GUARDED_BY(strand_);
  ChildReaper reaper_;
  base::UniqueFd signals_;
  base::UniqueFd driver_pidfd_;

  FrontDoor door_ MOBULA_GUARDED_BY(strand_);  // drivers and tools
  std::map<ProcessId, DriverProcess> drivers_ MOBULA_GUARDED_BY(strand_);
  std::map<ProcessId, std::unique_ptr<base::Link>> links_
      MOBULA_GUARDED_BY(strand_);  // of workers
  std::map<ProcessId, WorkerProcess> workers_ MOBULA_GUARDED_BY(strand_);
  // Whose programs are being read before they are started.
  std::set<ProcessId> awaiting_program_ MOBULA_GUARDED_BY(strand_);
  std::map<pid_t, ProcessId> by_pid_ MOBULA_GUARDED_BY(strand_);
  OldLogs old_logs_ MOBULA_GUARDED_BY(strand_);
  std::unique_ptr<ArenaShell> arenas_ MOBULA_GUARDED_BY(strand_);
  // The embedded control store, and the line to whichever it is.
  std::optional<EmbeddedStore> store_ MOBULA_GUARDED_BY(strand_);
  int store_failures_ MOBULA_GUARDED_BY(strand_) = 0;  // since it served
  base::BootTime store_failed_at_ MOBULA_GUARDED_BY(strand_);  // the first
  std::unique_ptr<base::ControlClient> control_ MOBULA_GUARDED_BY(strand_);
  bool has_joined_ MOBULA_GUARDED_BY(strand_) = false;
  bool wrote_node_file_ MOBULA_GUARDED_BY(strand_) = false;
  std::string refusal_ MOBULA_GUARDED_BY(strand_);  // the last one logged
  std::string away_ MOBULA_GUARDED_BY(strand_);     // the same, before it joins
  std::deque<Event> events_ MOBULA_GUARDED_BY(strand_);
  bool handling_ MOBULA_GUARDED_BY(strand_) = false;
  bool driver_gone_ MOBULA_GUARDED_BY(strand_) = false;
  bool leaving_ MOBULA_GUARDED_BY(strand_) = false;
  bool refused_ = false;
  base::Strand::TimerId timer_ MOBULA_GUARDED_BY(strand_) = 0;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SERVER_SERVER_H_
