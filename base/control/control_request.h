// What processes and tools ask of the control store, and what it answers.
//
// Each request has an id. A mutation with the id of one that was done is
// answered again, not done again, also after the control store was killed in
// between: the answer is written with the change. `done_below` says which
// answers its process has had (all ids with a lower `lo`), so that they can be
// forgotten.
// Threading: values.
#ifndef MOBULA_BASE_CONTROL_CONTROL_REQUEST_H_
#define MOBULA_BASE_CONTROL_CONTROL_REQUEST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/control/object_records.h"
#include "base/control/records.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/value.h"

namespace mobula::base {

// ---- mutations --------------------------------------------------------------

// An actor with a name, or a detached one. Of the record the control store sets
// state, incarnation, node, worker, restarts. Answered, once durable, by
// ActorAnswer, or kNameTaken, which names the holder. On its way the raylet of
// who asks fills in what that leaves empty: the namespace of the job, the
// owner's node, and the spec's program, of which it keeps a copy.
struct RegisterActor {
  ActorRecord actor;
  bool get_if_exists = false;  // then the holder of the name is the answer
};

// Ends an actor for good, or lets its restarts_max apply.
struct EndActor {
  ActorId actor;
  bool restart = false;
};

// Ends a job: its driver is told, its workers end.
struct EndJobNow {
  JobId job;
};

// The janitor of a node says that the raylet is dead.
struct ReportNodeDead {
  NodeId node;
  std::string cause;
};

// `expected`: the version that the key must be at (0: absent), else kConflict.
struct PutKey {
  std::string ns;
  std::string key;
  Bytes value;
  std::optional<std::uint64_t> expected;
};
struct DeleteKey {
  std::string ns;
  std::string key;
  std::optional<std::uint64_t> expected;
};

// Gives a value a name, for as long as nobody takes it away. Answered by Done,
// once durable; kNameTaken if a value has the name and `replace` is not set. Of
// the record the control store sets since_ms; the raylet of who asks sets the
// job and, where it is empty, the namespace.
struct PublishValue {
  PublishedRecord value;
  bool replace = false;
  // From a process to its raylet, of a value in the node's store: it keeps that
  // under an object of its own, which it names to the control store instead.
  Extent extent;
};
// Answered by PublishedAnswer, of what had the name, or kNoSuchObject.
struct UnpublishValue {
  std::string ns;
  std::string name;
};

// ---- questions --------------------------------------------------------------

struct GetKey {
  std::string ns;
  std::string key;
};
// In order of the key, beginning after `after`.
struct ListKeys {
  std::string ns;
  std::string prefix;
  std::string after;
  std::uint32_t count_max = 1000;
};
// By name, or by id where the name is empty. Dead ones only by id.
struct FindActor {
  std::string ns;
  std::string name;
  ActorId actor;
};
struct ListNodes {};
struct ListJobs {};
// In order of the id, beginning after `after`.
struct ListActors {
  ActorId after;
  std::uint32_t count_max = 1000;
  bool with_dead = false;
};
struct GetStatus {};
// What lies in nodes' stores, in order of the id, beginning after `after`.
struct ListObjects {
  ObjectId after;
  std::uint32_t count_max = 1000;
};
// Answered by PublishedAnswer; kNoSuchObject, or kObjectLost, which says why.
struct FindPublished {
  std::string ns;
  std::string name;
};
// Of all namespaces, in order of namespace and name, beginning after these.
struct ListPublished {
  std::string after_ns;
  std::string after_name;
  std::uint32_t count_max = 1000;
};

using ControlRequest =
    std::variant<RegisterActor, EndActor, EndJobNow, ReportNodeDead, PutKey,
                 DeleteKey, GetKey, ListKeys, FindActor, ListNodes, ListJobs,
                 ListActors, GetStatus, PublishValue, UnpublishValue,
                 ListObjects, FindPublished, ListPublished>;

// ---- answers ----------------------------------------------------------------

struct Done {};
struct ActorAnswer {
  ActorRecord actor;  // without args
  bool existed = false;
};
struct KeyAnswer {
  std::optional<Bytes> value;  // GetKey
  std::uint64_t version = 0;   // 0: absent
};
struct KeysAnswer {
  std::vector<std::string> keys;
  bool more = false;
};
struct NodesAnswer {
  std::vector<NodeRecord> nodes;
};
struct JobsAnswer {
  std::vector<JobRecord> jobs;
};
struct ActorsAnswer {
  std::vector<ActorRecord> actors;  // without args
  bool more = false;
};
struct StatusAnswer {
  ClusterId cluster;
  std::uint64_t epoch = 0;  // grows by one each time it starts
  std::int32_t pid = 0;
  std::int64_t up_ms = 0;
  std::uint64_t nodes_alive = 0;
  std::uint64_t nodes_dead = 0;
  std::uint64_t jobs_running = 0;
  std::uint64_t actors_alive = 0;
  std::uint64_t actors_starting = 0;  // pending and restarting
  std::uint64_t actors_dead = 0;      // remembered
  std::uint64_t keys = 0;
  std::uint64_t log_number = 0;  // batches made durable since it started
  bool disk_full = false;
  std::int64_t disk_free_bytes = 0;
  ResourceVector total;  // of living nodes
};
struct ObjectsAnswer {
  std::vector<ObjectRecord> objects;
  bool more = false;
  std::uint64_t named = 0;  // that the control store knows by name
  // That raylets have counted beside those: too many, or not told yet.
  std::uint64_t unnamed = 0;
};
struct PublishedAnswer {
  PublishedRecord value;  // of UnpublishValue and ListPublished without bytes
};
struct PublishedListAnswer {
  std::vector<PublishedRecord> values;
  bool more = false;
};

using ControlReply =
    std::variant<Failure, Done, ActorAnswer, KeyAnswer, KeysAnswer, NodesAnswer,
                 JobsAnswer, ActorsAnswer, StatusAnswer, ObjectsAnswer,
                 PublishedAnswer, PublishedListAnswer>;

// A request on its way, and its answer on the way back.
struct ControlCall {
  RequestId request;
  ProcessId from;                // who asks: a process of the cluster or a tool
  std::uint64_t done_below = 0;  // of `request.lo`
  ControlRequest body;
};
struct ControlAnswer {
  RequestId request;
  ProcessId to;
  ControlReply body;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_CONTROL_CONTROL_REQUEST_H_
