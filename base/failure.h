// Failure says why there is no value: what went wrong, where, and whether the
// user's code ran. It travels in messages and becomes an exception only at the
// edge of the API.
// Threading: a value.
#ifndef MOBULA_BASE_FAILURE_H_
#define MOBULA_BASE_FAILURE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/scheduling/call_scope.h"
#include "base/value.h"

namespace mobula::base {

class Reader;
class Writer;

enum class FailureCode : std::uint8_t {
  kUserException = 1,  // the function threw
  kWorkerDied,         // the process that ran it ended
  kWorkerStart,        // no worker process could be started
  kActorDied,          // the actor ended and will not be restarted
  kActorRestarted,     // the call was bound to an incarnation that has ended
  kTimeout,            // a deadline passed
  kCancelled,          // it was cancelled, or taken back before it ran
  kInfeasible,         // no node has, or will ever have, such resources
  kTooLarge,           // a value is over the limit of a message
  kDecode,             // bytes did not hold what was expected
  kNoSuchFunction,     // the worker's program has no such function
  kRayletDied,         // the node's agent is gone
  kShutdown,           // the runtime was shut down
  kLimit,              // a bounded queue or pool is full
  kBadArgument,        // the caller asked for something that makes no sense
  kNameTaken,          // a living actor, or a published value, has that name
  kNoSuchActor,        // no living actor has that name or id
  kConflict,           // a key is not at the version that was expected
  kControlAway,        // the control store does not answer (yet)
  kDiskFull,           // the control store can write nothing more for now
  kNoSuchJob,          // no job, or node or worker, has that id
  kObjectStoreFull,    // the node's store had no room until the deadline
  kObjectLost,         // the value is gone and could not be made again
  kOwnerDied,          // the process that decided over the object ended
  kNoSuchObject,       // no value is published under that name
  kElsewhere,          // the value's bytes are on another node
  kCoHosted,           // its process ended by another shared actor's doing
};

// Whether the user's function ran. kNo and kYes are certain.
enum class Executed : std::uint8_t { kNo = 1, kMaybe, kYes };

struct Failure {
  FailureCode code = FailureCode::kUserException;
  Executed executed = Executed::kMaybe;
  std::string message;           // one sentence that says what to do, if known
  std::string function;          // as a person reads it: "CountWords"
  std::string node;              // host name, "" if unknown
  std::int32_t pid = 0;          // of the process that ran it, 0 if none did
  std::int32_t attempt = 0;      // 1 for the first, 0 if it never ran
  std::int32_t signal = 0;       // that ended the process, 0 if none
  std::int32_t exit_code = 0;    // of the process, where signal is 0
  std::int64_t incarnation = 0;  // of the actor, 0 if no actor
  std::string exception_type;    // "std::runtime_error"
  std::vector<std::string> log_tail;  // last lines that the process wrote
  // The standard class that the exception was of or derived from, as which it
  // is thrown again: "std::invalid_argument"; "" if none.
  std::string standard_class;
  // Of the scope in which the call was made; nil if it had none.
  TraceId trace;

  // One without a trace is written as before there were any: the control
  // store's log holds such records.
  void MobulaEncode(Writer& out) const;
  bool MobulaDecode(Reader& in);
  friend bool operator==(const Failure&, const Failure&) = default;
};

Failure MakeFailure(FailureCode code, Executed executed, std::string message);
// The same of what certainly did not run.
Failure NotRun(FailureCode code, std::string message);

// What a ref comes to hold: a value, or why there is none.
using Outcome = std::variant<Value, Failure>;

// The value, if it lies in the node's store; else null.
inline const Value* StoredIn(const Outcome& outcome) {
  const auto* value = std::get_if<Value>(&outcome);
  return value != nullptr && value->is_stored() ? value : nullptr;
}

// "WorkerDied", "TaskError": the class that the API throws for it, so that who
// reads a message or a log knows what to catch.
std::string_view FailureCodeName(FailureCode code);

// The whole story in a few lines, for logs and exceptions' what().
std::string DescribeFailure(const Failure& failure);
// The same, begun with another name.
std::string DescribeFailure(const Failure& failure, std::string_view name);

}  // namespace mobula::base

#endif  // MOBULA_BASE_FAILURE_H_
