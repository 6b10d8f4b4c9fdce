// MemoryView is what is known of the objects of a node: one entry an object,
// with who holds it and why, and which cycles there are. join_view.h makes it
// of a MemoryReport.
// Threading: values and pure functions.
#ifndef MOBULA_CLI_MEMORY_MEMORY_VIEW_H_
#define MOBULA_CLI_MEMORY_MEMORY_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/frames/memory_message.h"
#include "base/ids.h"

namespace mobula::cli {

// What one raylet answered to ListMemory.
struct MemoryReport {
  std::vector<base::MemoryPart> parts;
  std::vector<base::StoredRow> stored;
  base::MemoryListed listed;
};

enum class Why : std::uint8_t {
  kHandle,       // Refs, Views, Buffers of a driver's or a task's code
  kActorState,   // the same in the process of an actor
  kArgument,     // of a call that has no outcome
  kConstructor,  // argument of an actor that may be made again
  kRunning,      // argument of what runs, or waits to
  kInside,       // a value that the process knows mentions it
  kHanded,       // on its way to another process
  kRemaking,     // it was lost, and its task runs again
  kLent,         // lent to a process that has not said why it has it
  kName,         // it is published
};
// "handle", "actor state", ... for people and programs.
const char* NameOf(Why why);

// A process, and what is known of it.
struct ProcessEntry : base::AskedProcess {
  base::ActorId actor;     // that lives there, nil if none
  std::string actor_name;  // "" if it has none
  // Objects that are only counted.
  std::uint64_t left_out = 0;
  std::uint64_t bytes_left_out = 0;
};

struct Holder {
  std::size_t process = 0;  // in MemoryView::processes
  Why why = Why::kHandle;
  std::int64_t count = 0;
  std::vector<base::ObjectId> inside;  // of kInside: which mention it
  std::string name;                    // of kName
};

enum class Where : std::uint8_t { kNowhere, kInline, kStore, kSpilled };
// Unknown: its owner is silent, and nobody else knows.
enum class State : std::uint8_t { kPending, kReady, kFailed, kUnknown };
const char* NameOf(Where where);
const char* NameOf(State state);

struct ObjectEntry {
  static constexpr std::size_t kNobody = static_cast<std::size_t>(-1);

  base::ObjectId object;
  base::JobId job;
  std::uint64_t byte_count = 0;
  std::uint64_t stored_bytes = 0;  // of them in the store, copies counted
  Where where = Where::kNowhere;
  State state = State::kPending;
  std::size_t owner = kNobody;  // in MemoryView::processes
  bool is_heir = false;         // the raylet, of one that has ended
  std::vector<std::string> names;
  std::vector<Holder> holders;
  bool is_of_cycles = false;  // nothing else holds it
  bool is_unclaimed = false;  // its owner says that it has it not
};

struct CycleMember {
  base::ObjectId object;
  base::ActorId actor;  // nil: it is an object
  std::string name;     // of the actor, or its class
};
struct Cycle {
  std::vector<CycleMember> members;
  bool is_held = false;  // from outside too
  std::uint64_t byte_count = 0;
};

struct MemoryView {
  base::NodeId node;
  std::string node_name;
  base::StoreInfo store;
  std::vector<ProcessEntry> processes;  // the raylet first
  std::vector<ObjectEntry> objects;     // the largest first
  std::vector<Cycle> cycles;
  std::uint64_t stored_bytes = 0;
  std::uint64_t stored_objects = 0;
  std::uint64_t left_out = 0;  // objects that are only counted
  std::uint64_t bytes_left_out = 0;
};

}  // namespace mobula::cli

#endif  // MOBULA_CLI_MEMORY_MEMORY_VIEW_H_
