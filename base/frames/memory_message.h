// What frames say of who holds which objects and why, for `mobula memory`: a
// part of the vocabulary (base/frames/message.h).
//
//   tool   -> raylet   ListMemory   (MemoryPart ..., StorePart ...,
//                                    MemoryListed; or QuestionRefused)
//   raylet -> process  ListRefs     (RefsAre, in parts)
// Each message is of bounded size: at most kRefRowsMax rows, and as many ids
// within them as make kRefIdsMax; what has no room is counted.
// Threading: values.
#ifndef MOBULA_BASE_FRAMES_MEMORY_MESSAGE_H_
#define MOBULA_BASE_FRAMES_MEMORY_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/control/object_records.h"
#include "base/control/records.h"
#include "base/frames/question_message.h"
#include "base/ids.h"
#include "base/value.h"

namespace mobula::base {

inline constexpr std::size_t kRefRowsMax = 1'000;
inline constexpr std::size_t kRefIdsMax = 20'000;

// ---- raylet <-> process ----------------------------------------------------

// What does the process refer to? Its largest objects, at most so many.
struct ListRefs {
  RequestId request;
  std::uint32_t rows_max = 0;
};

// The references that a process has to one object, by what holds them.
struct RefCounts {
  std::int64_t handles = 0;       // Refs, Views, Buffers of the user's code
  std::int64_t arguments = 0;     // of calls it made that have no outcome
  std::int64_t constructors = 0;  // arguments of actors it may make again
  std::int64_t running = 0;       // arguments of what it runs, or will
  std::int64_t inside = 0;        // mentions in values that it knows
  std::int64_t handed = 0;        // for others, until they are counted
  std::int64_t remaking = 0;      // it was lost and is made again
};

// So many mentions of an object were sent there and not given back.
struct LentTo {
  ProcessId process;
  std::int64_t count = 0;
};

struct HeldObject {
  ObjectName name;
  bool is_settled = false;  // as far as this process knows, and what follows
  bool is_failure = false;
  bool is_stored = false;        // in the node's store
  std::uint64_t byte_count = 0;  // of the encoded value
  RefCounts counts;
  std::vector<LentTo> lent;        // by the owner
  std::vector<ObjectName> inside;  // what its value refers to
  std::uint64_t left_out = 0;      // of these two
};

// Handles that a process has of an actor, and what it keeps for it.
struct HeldActor {
  ActorId actor;
  ProcessId owner;         // its raylet: a detached one
  ProcessId worker;        // where it lives, nil if that is not known
  std::string class_name;  // as its owner knows it
  bool is_dead = false;
  std::int64_t handles = 0;
  std::uint64_t calls = 0;            // of this process, without an outcome
  std::vector<ObjectName> arguments;  // of its constructor, kept to restart it
};

struct RefsAre {
  RequestId request;
  std::vector<HeldObject> objects;
  std::vector<HeldActor> actors;
  bool is_last = true;
  // ---- in the last part:
  ActorId hosts;         // the actor that lives there, nil if none
  bool is_busy = false;  // it runs something, or is to
  // Beside the rows: the smallest.
  std::uint64_t objects_left_out = 0;
  std::uint64_t bytes_left_out = 0;
  std::uint64_t actors_left_out = 0;
};

// ---- tool <-> raylet -------------------------------------------------------

// Who refers to what on this node? What a process has not said after
// `patience_ms` is left out.
struct ListMemory {
  std::uint32_t patience_ms = 2'000;
};

// What a process says; of the raylet's own id, what it owns: objects of owners
// that have ended (each under its owner's name) and published values.
struct MemoryPart {
  ProcessId process;
  RefsAre refs;
};

// A published value over an object's bytes.
struct KeptName {
  ObjectId object;
  std::string name;  // "namespace/name"; "" if it has none (any more)
};

struct StoredRow {
  ObjectName object;
  JobId job;  // of the owner, nil if nobody knows
  ObjectCopies copies;
  bool is_new = false;  // it came after the question did
  std::vector<KeptName> kept;
};

struct StorePart {
  std::vector<StoredRow> objects;
};

// The end of the answer.
struct MemoryListed {
  NodeId node;
  std::string node_name;
  std::vector<AskedProcess> processes;
  StoreInfo store;
  // Of the store beside the rows: the smallest.
  std::uint64_t stored_left_out = 0;
  std::uint64_t stored_bytes_left_out = 0;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_MEMORY_MESSAGE_H_
