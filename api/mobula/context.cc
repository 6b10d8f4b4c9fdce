#include "api/mobula/context.h"

#include <unistd.h>

#include "api/mobula/detail/running.h"
#include "api/mobula/error.h"
#include "runtime/executor/current.h"

namespace mobula {

TaskContext CurrentTask() {
  TaskContext context;
  context.pid = ::getpid();
  const runtime::CurrentExecution* const current = runtime::Current();
  if (current == nullptr) return context;
  context.task = current->task;
  context.actor = current->actor;
  context.incarnation = current->incarnation;
  context.attempt = current->attempt;
  context.function = current->function;
  return context;
}

bool WasRestarted() {
  const runtime::CurrentExecution* const current = runtime::Current();
  return current != nullptr && current->incarnation > 1;
}

void ExitActor() {
  const runtime::CurrentExecution* const current = runtime::Current();
  base::Invocation* const invocation = detail::RunningInvocation();
  if (current == nullptr || invocation == nullptr || current->actor.IsNil() ||
      current->is_constructor) {
    detail::ThrowBadArgument(
        "ExitActor outside of an actor's method: only a method can end its "
        "actor");
  }
  invocation->exit_actor = true;
}

}  // namespace mobula
