#include "api/mobula/context.h"

#include <unistd.h>

#include <memory>

#include "api/mobula/coro/scope.h"
#include "api/mobula/detail/session.h"
#include "api/mobula/error.h"
#include "base/scheduling/resource_vector.h"
#include "runtime/executor/current.h"
#include "runtime/process/backend.h"

namespace mobula {
namespace {

std::map<std::string, double> HeldBy(const runtime::CurrentExecution& current) {
  if (current.assigned == nullptr) return {{"cpu", 1}};
  std::map<std::string, double> held;
  const base::ResourceVector& resources = current.assigned->resources;
  for (const auto& [name, units] : resources.units) {
    held.emplace(name, resources.Get(name));
  }
  return held;
}

// Of a task or call the object that is to hold its result: attempts have tasks
// of their own, at least where a lost result is made again. A constructor has
// no such object, and its actor stays the same.
std::string IdempotencyKey(const runtime::CurrentExecution& current) {
  return current.result.IsNil() ? current.actor.ToString()
                                : current.result.ToString();
}

runtime::Backend::Home Home() {
  return detail::Session::Require()->OpenBackend().home();
}

}  // namespace

TaskContext CurrentTask() {
  TaskContext context;
  context.pid = ::getpid();
  context.trace = CurrentTrace();
  context.priority = CurrentPriority();
  const std::shared_ptr<detail::Session> session = detail::Session::Current();
  if (session != nullptr) {
    if (const runtime::Backend* const backend = session->backend()) {
      const runtime::Backend::Home home = backend->home();
      context.node = home.node;
      context.job = home.job;
      context.worker = backend->self();
    }
  }
  const runtime::CurrentExecution* const current = runtime::Current();
  if (current == nullptr) return context;
  context.task = current->task;
  context.actor = current->actor;
  context.incarnation = current->incarnation;
  context.attempt = current->attempt;
  context.function = current->function;
  if (current->assigned != nullptr) context.name = current->assigned->name;
  context.resources = HeldBy(*current);
  context.idempotency_key = IdempotencyKey(*current);
  context.fencing_token = current->incarnation;
  return context;
}

bool WasRestarted() {
  const runtime::CurrentExecution* const current = runtime::Current();
  return current != nullptr && current->incarnation > 1;
}

void ExitActor() {
  const runtime::CurrentExecution* const current = runtime::Current();
  if (current == nullptr || current->invocation == nullptr ||
      current->actor.IsNil() || current->is_constructor) {
    detail::ThrowBadArgument(
        "ExitActor outside of an actor's method: only a method can end its "
        "actor");
  }
  current->invocation->exit_actor = true;
}

base::JobId CurrentJob() { return Home().job; }

base::NodeId CurrentNode() { return Home().node; }

std::string CurrentNodeName() {
  return detail::Session::Require()->OpenBackend().node().name;
}

std::string CurrentNamespace() { return Home().ns; }

std::string CurrentAddress() { return Home().address; }

bool IsLocalMode() { return Home().is_local; }

bool IsWorker() { return Home().is_worker; }

}  // namespace mobula
