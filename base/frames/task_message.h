// What frames say of what processes have asked for and is not done yet, for
// `mobula list tasks`: a part of the vocabulary (base/frames/message.h).
//
//   tool   -> raylet   ListTasks      (TaskPart ..., TasksListed; or
//                                      QuestionRefused)
//   raylet -> process  ListOwnTasks   (TasksAre, in parts)
// A process may have millions: each message has at most kTaskRowsMax rows, and
// what has no room is counted.
// Threading: values.
#ifndef MOBULA_BASE_FRAMES_TASK_MESSAGE_H_
#define MOBULA_BASE_FRAMES_TASK_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/frames/question_message.h"
#include "base/ids.h"
#include "base/scheduling/call_scope.h"
#include "base/scheduling/resource_vector.h"

namespace mobula::base {

inline constexpr std::size_t kTaskRowsMax = 1'000;
inline constexpr std::size_t kTaskCountsMax = 1'000;

// Of Spawn, Call and Create.
enum class TaskKind : std::uint8_t { kTask = 1, kCall, kCreation };

// As its owner knows it, in the order in which rows are chosen.
enum class TaskState : std::uint8_t {
  kRunning = 1,  // the first that its worker has not answered
  kRetrying,     // until it is tried again
  kWaiting,      // for arguments
  kPushed,       // to a worker, behind others
  kQueued,       // for a slot, or for its actor
};

// ---- raylet <-> process ----------------------------------------------------

// What have you asked for that is not done? At most so many rows; of one task
// only where that is not nil.
struct ListOwnTasks {
  RequestId request;
  std::uint32_t rows_max = 0;
  TaskId task;
};

struct TaskRow {
  TaskId task;
  TaskKind kind = TaskKind::kTask;
  TaskState state = TaskState::kQueued;
  std::string function;  // or method, or class
  std::int32_t attempt = 1;
  std::int32_t retries_max = 0;  // -1: no limit
  std::int64_t state_ms = 0;     // for how long it has been in that state
  ObjectId result;               // nil: of a creation
  ActorId actor;                 // nil: of a task
  ProcessId worker;              // to which it was sent, nil if to none
  std::int32_t pid = 0;          // of that
  std::uint64_t awaited = 0;     // arguments that are not there
  ObjectId awaits;               // one of those
  ResourceVector shape;          // of the slot that it needs
  TraceId trace;                 // of the scope that asked; nil: none
  std::int32_t priority = 0;     // of that scope
  // Until it times out, negative once it has; nothing: it does not.
  std::optional<std::int64_t> left_ms;
};

// So many there are, rows or not.
struct TaskCount {
  TaskKind kind = TaskKind::kTask;
  TaskState state = TaskState::kQueued;
  std::string function;  // "": of several, that have no row
  std::uint64_t count = 0;
};

struct TasksAre {
  RequestId request;
  std::vector<TaskRow> rows;
  bool is_last = true;
  // ---- in the last part:
  std::vector<TaskCount> counts;
  std::uint64_t left_out = 0;  // that have no row
};

// ---- tool <-> raylet -------------------------------------------------------

// What have the processes of this node asked for? `rows_max` of each process;
// what one has not said after `patience_ms` is left out.
struct ListTasks {
  std::uint32_t patience_ms = 2'000;
  std::uint32_t rows_max = 1'000;
  TaskId task;  // nil: all
};

struct TaskPart {
  ProcessId process;
  TasksAre tasks;
};

// The end of the answer.
struct TasksListed {
  NodeId node;
  std::string node_name;
  std::vector<AskedProcess> processes;
  std::vector<ProcessId> blocked;  // workers whose task waits for others
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_TASK_MESSAGE_H_
