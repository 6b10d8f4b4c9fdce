// What the control store knows, as plain aggregates: nodes, jobs, actors, keys.
//
// Records travel between raylets, tools and the control store and lie in its
// log (docs/formats/control_log.md); a new field goes at the end. Points in
// time in them are wall-clock milliseconds for people, never for decisions.
// Threading: values.
#ifndef MOBULA_BASE_CONTROL_RECORDS_H_
#define MOBULA_BASE_CONTROL_RECORDS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/scheduling/concurrency.h"
#include "base/scheduling/resource_vector.h"

namespace mobula::base {

class Reader;
class Writer;

// The label of a node that a driver started for itself alone, in a cluster that
// has no other one on its machine: the driver's pid. It ends with the driver
// and is given no detached actor. Users' own labels do not begin so.
inline constexpr char kOwnLabels[] = "mobula/";
inline constexpr char kDriverLabel[] = "mobula/driver";

// One life of one raylet. A dead id never returns.
enum class NodeState : std::uint8_t { kAlive = 1, kDead };
struct NodeRecord {
  NodeId node;
  std::int64_t incarnation = 0;  // given at its first joining, only grows
  ProcessId raylet;
  std::int32_t pid = 0;  // of the raylet
  std::string name;      // host name
  std::string socket;    // where drivers of its machine connect, "" if nowhere
  bool is_head = false;
  ResourceVector total;
  std::map<std::string, std::string> labels;
  NodeState state = NodeState::kAlive;
  std::string cause;  // of its death
  std::int64_t since_ms = 0;
  // Where its raylet waits for those of other nodes (a ControlAddress, of a
  // Unix socket or by TLS), "" if nowhere.
  std::string door;
  // The upper half of all ids that its raylet makes (base/ids.h); 0: not known.
  std::uint64_t maker = 0;

  // The last two may be missing: of a log that an earlier version wrote.
  void MobulaEncode(Writer& out) const;
  bool MobulaDecode(Reader& in);
};

// What of a node is free, as its raylet said last, for those who choose one.
struct NodeLoad {
  NodeId node;
  ResourceVector free;
  // Requests for leases that wait there.
  std::uint64_t waiting = 0;
};

enum class JobState : std::uint8_t { kRunning = 1, kEnded };
struct JobRecord {
  JobId job;
  ProcessId driver;
  NodeId node;           // of the driver
  std::int32_t pid = 0;  // of the driver
  std::string program;   // the executable's file name
  std::string ns;        // namespace of its actors' names
  std::int32_t weight = 1;
  JobState state = JobState::kRunning;
  std::string cause;  // of its end
  std::int64_t since_ms = 0;
};

// What a detached actor is made of, again after each death of its worker.
struct ActorSpec {
  FunctionId constructor;
  std::vector<Bytes> args;   // encoded values
  ResourceVector resources;  // held while it lives
  std::string program;       // content hash of its executable, hex
  Concurrency concurrency;   // of its calls
};

// kPending: registered, the first incarnation begins. kRestarting: the next one
// begins. kDead is final, and the name is free.
enum class ActorState : std::uint8_t {
  kPending = 1,
  kAlive,
  kRestarting,
  kDead
};
struct ActorRecord {
  ActorId actor;
  JobId job;
  ProcessId owner;  // decides its restarts; nil: the control store (detached)
  NodeId owner_node;
  std::string ns;
  std::string name;  // "" if none
  std::string class_name;
  bool detached = false;
  std::int32_t restarts_max = 0;  // -1: no limit
  std::int32_t restarts = 0;
  ActorState state = ActorState::kPending;
  std::int64_t incarnation = 1;  // the one that lives or comes next
  NodeId node;                   // where it lives or is to live, nil if nowhere
  ProcessId worker;              // while alive
  std::int32_t pid = 0;          // while alive
  Failure cause;  // of its death; else what ended its last life, if any
  std::optional<ActorSpec> spec;  // detached, and not dead
  std::int64_t since_ms = 0;
  // It lives with others in one worker.
  bool shared = false;
  // Its class has ended such a worker twice, and has workers of its own.
  bool separated = false;

  // The last two may be missing: of a log that an earlier version wrote.
  void MobulaEncode(Writer& out) const;
  bool MobulaDecode(Reader& in);
};

struct KeyRecord {
  Bytes value;
  std::uint64_t version = 0;  // from 1, grows with each change of the key
};

// What a raylet says of a worker and of a lease (a task as it sees it), for
// `mobula list`.
struct WorkerInfo {
  ProcessId process;
  NodeId node;
  std::int32_t pid = 0;
  JobId job;
  std::string state;     // starting, idle, leased, actor, ending
  std::string function;  // that runs, "" if none
  ActorId actor;         // detached, to which its job belongs; nil if none
};
// What a raylet says of the store of its node's large values.
struct StoreInfo {
  NodeId node;
  std::uint64_t bytes_max = 0;      // of memory; 0: there is no store
  std::uint64_t bytes_used = 0;     // of those, by values or kept ready
  std::uint64_t spilled_bytes = 0;  // of values that are on disk alone
  // Results whose bytes were lost and whose tasks ran again, and how many of
  // those gave something else than before; since the raylet began.
  std::uint64_t remade = 0;
  std::uint64_t differing = 0;
  std::uint64_t file_bytes = 0;  // that the files of spilled values take
  std::string disk_trouble;  // with spill folders that are left alone, "": none
};
struct TaskInfo {
  LeaseId lease;
  NodeId node;
  JobId job;
  std::string function;
  std::string state;  // queued, leased, blocked
  std::int32_t pid = 0;
  ResourceVector shape;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_CONTROL_RECORDS_H_
