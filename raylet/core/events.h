// What happens to a raylet's core, and what it wants done.
//
// The shell (raylet/server, or the simulator) turns sockets, processes and
// clocks into Events and carries Effects out in the order given.
// Threading: values.
#ifndef MOBULA_RAYLET_CORE_EVENTS_H_
#define MOBULA_RAYLET_CORE_EVENTS_H_

#include <cstdint>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/control/control_message.h"
#include "base/control/records.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/frames/node_message.h"
#include "base/ids.h"
#include "base/value.h"

namespace mobula::raylet {

// ---- events ----------------------------------------------------------------

// `from` said something.
struct Received {
  base::ProcessId from;
  base::Message message;
};

// The link to a process ended. A driver that is lost ends its job.
struct PeerLost {
  base::ProcessId process;
};

// A worker that StartWorker asked for runs (it has not registered yet).
struct WorkerStarted {
  base::ProcessId process;
  std::int32_t pid = 0;
};

// It could not even be started: no memory, no descriptors, no executable.
struct WorkerStartFailed {
  base::ProcessId process;
  std::string reason;
  // The node does not keep the program that StartWorker named: no other start
  // will do better.
  bool is_program_lacking = false;
};

// A worker's process ended and all that it wrote has been read. `failure` has
// code kWorkerDied, pid, signal, exit_code and log_tail.
struct WorkerExited {
  base::ProcessId process;
  base::Failure failure;
  // The shared actor by whose doing, as far as the worker could say.
  base::ActorId charged = {};
};

// Time passed; sent at the moment the last SetTimer asked for, or later.
struct Tick {
  // Workers in which a function runs, or waits: seen from outside.
  std::vector<base::ProcessId> at_work;
};

// There is a session with the control store, a new one each time: what was sent
// on an earlier one and not answered is to be sent again.
struct ControlUp {
  std::uint64_t epoch = 0;
};
// That session has ended.
struct ControlDown {};
// No session will come soon, and why: what waits for one is to be told.
struct ControlFailed {
  std::string reason;
};
// The control store said something.
struct ControlSaid {
  base::ControlMessage message;
};

// What KeepProgram asked for: the content hash of the executable, hex; "", and
// why, where it cannot be kept.
struct ProgramKept {
  base::JobId job;
  std::string program;
  std::string reason;
};

// The arena that MakeArena asked for is there, whole in memory.
struct ArenaMade {
  base::ArenaId arena;
};
// It could not be made; it does not exist.
struct ArenaFailed {
  base::ArenaId arena;
  base::Failure failure;
};

// What SpillArena named is on disk, and its memory has gone.
struct Spilled {
  base::ArenaId arena;
};
// It is in memory as before.
struct SpillFailed {
  base::ArenaId arena;
  base::Failure failure;
};

// A spilled arena is in memory again, but for these extents, whose bytes did
// not match their checksum.
struct Restored {
  base::ArenaId arena;
  std::vector<base::Extent> lost;
};
// It is on disk as before.
struct RestoreFailed {
  base::ArenaId arena;
  base::Failure failure;
};

// What the disks for spilled values say: before each Spilled and SpillFailed,
// when something there was given back, and as the answer to LookAtDisks.
struct SpillDisks {
  std::uint64_t room_bytes = 0;  // left in the folder that has most
  std::uint64_t file_bytes = 0;  // that the store's files take
  std::string wrong;  // with folders that are left alone; "": with none
};

// The raylet of another node said something; what was KnowNode.
struct NodeSaid {
  base::NodeId node;
  base::NodeMessage message;
};
// The line to it was given up: nothing of what was there can be relied on, and
// nothing more of it comes. All channels to it are closed.
struct NodeLost {
  base::NodeId node;
  std::string reason;
};
// What MakeChannel made has ended.
struct ChannelClosed {
  base::ProcessId local;
  base::ProcessId afar;
};

// The extent of which SendExtentPart wanted a part is not in the arena any
// more.
struct ExtentPartLost {
  base::NodeId node;
  std::uint64_t want = 0;
};

using Event =
    std::variant<Received, PeerLost, WorkerStarted, WorkerStartFailed,
                 WorkerExited, Tick, ControlUp, ControlDown, ControlFailed,
                 ControlSaid, ProgramKept, ArenaMade, ArenaFailed, Spilled,
                 SpillFailed, Restored, RestoreFailed, SpillDisks, NodeSaid,
                 NodeLost, ChannelClosed, ExtentPartLost>;

// ---- effects ---------------------------------------------------------------

struct Send {
  base::ProcessId to;
  base::Message message;
};

// Makes a link between two registered processes and sends Attach to both.
// Precedes every message that needs it; asked once for each pair.
struct Connect {
  base::ProcessId a;
  base::ProcessId b;
};

// Starts a worker process for the job under a new id. `program` is the content
// hash of the executable; "": the one that the job's driver gave.
struct StartWorker {
  base::ProcessId process;
  base::JobId job;
  std::string program;
  base::ProcessId driver;    // that sees its output, nil if none does
  base::NodeId driver_node;  // where that is, nil: here
  // Who may have the program where this node has not, in this order.
  std::vector<base::NodeId> sources;
};

// Ends a worker at once (SIGKILL); WorkerExited follows.
struct KillWorker {
  base::ProcessId process;
};

// Replaces the timer: Tick at `at`, never if IsNever.
struct SetTimer {
  base::BootTime at;
};

// Forgets the link to a process.
struct ClosePeer {
  base::ProcessId process;
};

// For the control store. Dropped by the shell where there is no session.
struct TellControl {
  base::ControlMessage message;
};

// The control store is needed from now on: the shell connects, and an embedded
// head starts one. Asked once.
struct NeedControl {};

// The control store has refused this node: it must end, and all that is on it.
struct LeaveCluster {
  std::string reason;
};

// A detached actor is to be made of the executable of the job's driver: keeps a
// copy of it, beyond the driver's life, under its content hash. Asked once a
// job; ProgramKept answers.
struct KeepProgram {
  base::JobId job;
};

// Of the programs that were kept nobody needs any but these.
struct ForgetPrograms {
  std::set<std::string> needed;
};

// Makes the memory of an arena: ArenaMade or ArenaFailed answers.
struct MakeArena {
  base::ArenaId arena;
  std::uint64_t byte_count = 0;
};

// What was `arena` is `as` from now on: another writer gets its memory, and no
// extent of the earlier one may mean anything there.
struct RenameArena {
  base::ArenaId arena;
  base::ArenaId as;
};

// A message with a descriptor of an arena beside it: one through which it can
// be written, or one that can only be read, before which it is sealed against
// being written by anyone who does not map it yet.
struct SendWithArena {
  base::ProcessId to;
  base::Message message;  // ArenaLeased, ArenaOpened
  base::ArenaId arena;
  bool is_writable = false;
};

// Writes the extents to a file, unless it came from one, and gives the memory
// back. Nobody maps it. Spilled or SpillFailed answers.
struct SpillArena {
  base::ArenaId arena;
  std::vector<base::Extent> extents;
};

// Brings these extents back to where they were; Restored or RestoreFailed
// answers.
struct RestoreArena {
  base::ArenaId arena;
  std::vector<base::Extent> extents;
};

// Of what SpillArena wrote, or is writing, these are free: what they take on
// disk goes back.
struct FreeOnDisk {
  base::ArenaId arena;
  std::vector<base::Extent> extents;
};

// Says anew what the disks say: SpillDisks answers.
struct LookAtDisks {};

// Gives an arena's memory and file back, whichever there are.
struct DropArena {
  base::ArenaId arena;
};

// Another node lives, and its raylet waits at `node.door`; said again where
// that is another one.
struct KnowNode {
  base::NodeRecord node;
};
// It is dead: its line and all channels to it end.
struct ForgetNode {
  base::NodeId node;
};
// Says something to its raylet, in the order of these effects.
struct TellNode {
  base::NodeId node;
  base::NodeMessage message;
};
// Makes this node's end of a channel and sends Attach to `local`, before
// anything that is told to either afterwards.
struct MakeChannel {
  base::NodeId node;
  base::ProcessId local;
  base::ProcessId afar;
};

// Reads so many bytes of a value, from `offset` in it, out of an arena that is
// in memory, and tells the node (ExtentPart); ExtentPartLost where the extent
// is not there (any more).
struct SendExtentPart {
  base::NodeId node;
  std::uint64_t want = 0;
  base::Extent extent;
  std::uint64_t offset = 0;
  std::uint64_t byte_count = 0;
};

// Puts bytes into an arena that only the raylet has had so far.
struct WriteArena {
  base::ArenaId arena;
  std::uint64_t offset = 0;  // from the arena's start
  base::Bytes bytes;
};

// All bytes of the extent have been written: makes it one that readers find.
struct FinishExtent {
  base::Extent extent;
};

using Effect =
    std::variant<Send, Connect, StartWorker, KillWorker, SetTimer, ClosePeer,
                 TellControl, NeedControl, LeaveCluster, KeepProgram,
                 ForgetPrograms, MakeArena, RenameArena, SendWithArena,
                 SpillArena, RestoreArena, FreeOnDisk, LookAtDisks, DropArena,
                 KnowNode, ForgetNode, TellNode, MakeChannel, SendExtentPart,
                 WriteArena, FinishExtent>;
using Effects = std::vector<Effect>;

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_CORE_EVENTS_H_
