// The vocabulary between a raylet (or a tool) and the control store.
//
// Messages arrive in order, once, or not at all when one of the two is gone
// (base/session); a raylet that has a new session, since either was away, joins
// again and says all that it knows (JoinNode). A new kind goes at the end.
//
//   raylet -> store   JoinPart..., JoinNode (answered by NodeJoined |
//                     NodeRefused), RenewNode (NodeRenewed), LeaveNode,
//                     JobBegan, JobOver, ActorReport, FollowTable, ControlCall,
//                     NodeObjects, KeptObjects, NodeLoad
//   tool   -> store   ControlCall
//   store  -> raylet  HostActor, StopActor, StopJob, TableListing,
//                     TableChanges, ControlAnswer, DropKept
// Threading: values.
#ifndef MOBULA_BASE_CONTROL_CONTROL_MESSAGE_H_
#define MOBULA_BASE_CONTROL_CONTROL_MESSAGE_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/control/control_request.h"
#include "base/control/object_records.h"
#include "base/control/records.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/session/cursor.h"

namespace mobula::base {

// ---- raylet -> control store ------------------------------------------------

// How an actor does, said by its owner (through the owner's raylet) or, if it
// is detached, by the raylet that hosts it. One of an earlier incarnation than
// is known is ignored. kRestarting or kDead with `cause`: what the worker died
// of; of a detached actor the store decides what becomes of it.
struct ActorReport {
  ActorId actor;
  std::int64_t incarnation = 0;
  ActorState state = ActorState::kAlive;
  NodeId node;
  ProcessId worker;
  std::int32_t pid = 0;
  std::int32_t restarts = 0;
  Failure cause;
  // Of an actor that was never registered (it has no name and is not
  // detached), so that it is known from its first report on.
  JobId job;
  ProcessId owner;
  std::string class_name;
  std::int32_t restarts_max = 0;
  bool shared = false;     // as of ActorRecord
  bool separated = false;  // as of ActorRecord
};

// First on every session, after the JoinParts of what does not fit into it. The
// store compares all of it with what it knows: jobs and actors that it believes
// here and that are not named have ended; detached actors that should be here
// and are not are sent by HostActor.
struct JoinNode {
  NodeRecord node;
  std::vector<JobRecord> jobs;
  std::vector<ActorReport> actors;
};
// More of what the JoinNode says that comes after it on the same session, and
// nothing without that.
struct JoinPart {
  NodeId node;
  std::vector<JobRecord> jobs;
  std::vector<ActorReport> actors;
};
// At least each third of the lease; `sequence` grows.
struct RenewNode {
  NodeId node;
  std::uint64_t sequence = 0;
};
// The node ends in order.
struct LeaveNode {
  NodeId node;
};
struct JobBegan {
  JobRecord job;
};
struct JobOver {
  JobId job;
  std::string cause;
};
// Wants the table from the cursor on (from its listing, if that is not to be
// had). `table`: "nodes", "loads" (a NodeLoad of each that lives and has told
// one; never durable) or "actors" (the living with a name or detached, and
// their deaths).
struct FollowTable {
  std::string table;
  Cursor after;
};
// What has changed in the node's store since this was said last: an object that
// came and went in between is not told. Said at most ten times a second, and
// only once the store was used. `begins`: what the control store knows of the
// node is doubtful until it is said again, and goes with `ends`.
struct NodeObjects {
  NodeId node;
  bool begins = false;
  bool ends = false;
  std::vector<ObjectAt> there;
  std::vector<ObjectId> gone;
  // All that are there now, told by name or not.
  std::uint64_t count = 0;
  std::uint64_t byte_count = 0;
};

// The published values that the node keeps, or asks a name for; said after
// joining, where there are any, and when one was lost.
struct KeptObjects {
  NodeId node;
  std::vector<ObjectId> objects;
};

// ---- control store -> raylet ------------------------------------------------

struct NodeJoined {
  ClusterId cluster;
  std::uint64_t epoch = 0;
  std::int64_t incarnation = 0;
  std::int64_t lease_ms = 0;
};
// This node was declared dead, or is of another cluster: it must end.
struct NodeRefused {
  std::string reason;
};
struct NodeRenewed {
  std::uint64_t sequence = 0;
};
// The raylet is to see to it that this incarnation of a detached actor runs
// here; said again after each JoinNode that does not name it.
struct HostActor {
  ActorRecord actor;  // with spec
};
// It must not run here (any more). An owned actor's is passed on to its owner.
struct StopActor {
  ActorId actor;
  std::int64_t incarnation = 0;
  bool restart = false;  // owned actors only
  ProcessId owner;       // nil: detached
};
struct StopJob {
  JobId job;
  std::string cause;
};
// These have no name (any more): nobody needs to keep them.
struct DropKept {
  std::vector<ObjectId> objects;
};
struct TableListing {
  std::string table;
  // Values are encoded records, keys their ids as ToString prints them. A large
  // listing comes in parts, one after the other.
  Listing listing;
  bool more = false;  // this is not the last part
};
struct TableChanges {
  std::string table;
  std::uint64_t life = 0;
  std::vector<Change> changes;
};

using ControlMessage =
    std::variant<ActorReport, JoinNode, RenewNode, LeaveNode, JobBegan, JobOver,
                 FollowTable, ControlCall, NodeJoined, NodeRefused, NodeRenewed,
                 HostActor, StopActor, StopJob, TableListing, TableChanges,
                 ControlAnswer, JoinPart, NodeObjects, KeptObjects, DropKept,
                 NodeLoad>;

inline constexpr std::uint64_t kControlMessageBytesMax = 16ull << 20;

}  // namespace mobula::base

#endif  // MOBULA_BASE_CONTROL_CONTROL_MESSAGE_H_
