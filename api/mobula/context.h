// What a function can ask about itself while it runs on a worker.
//
//   void Shard::Feed() {
//     if (mobula::WasRestarted()) Reload();
//     mobula::TaskContext me = mobula::CurrentTask();
//     std::cout << me.function << " attempt " << me.attempt << "\n";
//   }
//
// Threading: on the thread that runs the function; elsewhere "no task".
#ifndef MOBULA_API_MOBULA_CONTEXT_H_
#define MOBULA_API_MOBULA_CONTEXT_H_

#include <cstdint>
#include <string>

#include "base/ids.h"

namespace mobula {

struct TaskContext {
  base::TaskId task;             // nil outside of a task
  base::ActorId actor;           // nil outside of an actor
  std::int64_t incarnation = 0;  // of the actor, from 1; 0 outside of one
  int attempt = 0;               // 1 for the first; 0 outside of a task
  std::string function;          // "CountWords", "Index::Add"
  int pid = 0;                   // of this process, always
};

// Never throws for being outside of a task: its fields are then empty.
[[nodiscard]] TaskContext CurrentTask();

// Whether this actor lives again after its process died: its state is that of
// its constructor. False outside of an actor.
[[nodiscard]] bool WasRestarted();

// Ends this actor when the method that calls it returns; that call still
// answers, its destructor runs, later calls fail with ActorDied, and it is not
// restarted. Throws BadArgument outside of an actor's method.
void ExitActor();

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_CONTEXT_H_
