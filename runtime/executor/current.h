// What the calling thread runs right now, for the API's CurrentTask(),
// WasRestarted() and ExitActor().
//
//   if (const CurrentExecution* current = Current()) { ... current->task ... }
//
// Set by SlotThread around each function, and by coroutines wherever they go
// on; outside of one, and on every other thread, Current() is null. Threading:
// thread-local.
#ifndef MOBULA_RUNTIME_EXECUTOR_CURRENT_H_
#define MOBULA_RUNTIME_EXECUTOR_CURRENT_H_

#include <cstdint>
#include <stop_token>
#include <string_view>

#include "base/boot_time.h"
#include "base/frames/message.h"
#include "base/function_table.h"
#include "base/ids.h"
#include "base/scheduling/call_scope.h"
#include "runtime/executor/slot/page_writer.h"

namespace mobula::runtime {

struct CurrentExecution {
  base::TaskId task;
  base::ObjectId result;         // nil for a constructor
  base::ActorId actor;           // nil for a task
  std::int64_t incarnation = 0;  // of the actor, 0 for a task; > 1: restarted
  std::int32_t attempt = 1;
  bool is_constructor = false;
  std::string_view function;  // as a person reads it: "Index::Add"
  // Null: no name, one cpu.
  const base::Assigned* assigned = nullptr;
  std::stop_token stop;                    // says so once it is cancelled
  const base::CallScope* scope = nullptr;  // as it came; null: a usual one
  base::BootTime deadline = base::BootTime::Never();  // of that
  base::Invocation* invocation = nullptr;
};

// Null where no function of ours runs on this thread.
[[nodiscard]] const CurrentExecution* Current();
// It stays until another one, or null, is set.
void SetCurrent(const CurrentExecution* execution);
// From here on the page shows what is current on this thread, where that went
// on last; null: none does.
void ShowCurrentOn(PageWriter* page);

// Makes `execution` current while it lives, then again what was before.
class ScopedCurrent {
 public:
  explicit ScopedCurrent(const CurrentExecution* execution);
  ~ScopedCurrent();
  ScopedCurrent(const ScopedCurrent&) = delete;
  ScopedCurrent& operator=(const ScopedCurrent&) = delete;

 private:
  const CurrentExecution* const before_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_CURRENT_H_
