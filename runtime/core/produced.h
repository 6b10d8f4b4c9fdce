// Produced is what the machines of the owner's half bring forth in one step:
// effects for the shell, and outcomes on their way to the objects.
//
// Owner: runtime::Owner, which lends it to its machines and then carries the
// outcomes to the object table, whose dependents may produce more.
// Threading: none; a buffer that is used again for every event.
#ifndef MOBULA_RUNTIME_CORE_PRODUCED_H_
#define MOBULA_RUNTIME_CORE_PRODUCED_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "base/frames/object_message.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/emit.h"
#include "runtime/core/events.h"
#include "runtime/core/task_spec.h"

namespace mobula::runtime {

// The outcome of a task or call, which its object is to hold.
struct Settled {
  base::ObjectId object;
  base::Outcome outcome;
  std::int64_t incarnation = 0;
  std::int32_t attempts = 0;  // of a task
  std::uint64_t digest = 0;
  // Of a task whose result is stored: how to make it again.
  std::unique_ptr<const TaskSpec> spec;
};

// A task whose worker did not find the bytes of some arguments: it waits for
// them anew.
struct Refetch {
  base::TaskId task;
  std::vector<base::Value> args;
  std::vector<base::LostBytes> lost;
};

struct LostAttempt {
  base::ProcessId worker;
  base::ObjectId result;
};

struct Produced {
  Effects* effects = nullptr;  // the caller's, for the length of a step
  std::deque<Settled> settled;
  // Calls that no longer want their arguments.
  std::vector<base::TaskId> abandoned;
  // Attempts whose worker ended, or was told to, before it answered: it may
  // have stored a value.
  std::vector<LostAttempt> lost_attempts;
  std::vector<Refetch> refetches;

  template <class M>
  void SendTo(base::ProcessId to, M message) {
    runtime::SendTo(*effects, to, std::move(message));
  }
  void Settle(base::ObjectId object, base::Outcome outcome,
              std::int64_t incarnation = 0) {
    Settled& one = settled.emplace_back();
    one.object = object;
    one.outcome = std::move(outcome);
    one.incarnation = incarnation;
  }
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_CORE_PRODUCED_H_
