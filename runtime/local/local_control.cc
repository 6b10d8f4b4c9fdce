// The control store of local mode, and the detached actors that it begins.
#include <utility>

#include "runtime/local/local_backend.h"

namespace mobula::runtime {

using base::Failure;
using base::FailureCode;

base::ControlReply LocalBackend::Ask(base::ControlRequest request,
                                     base::Duration /*timeout*/) {
  {
    base::MutexLock lock(mutex_);
    if (ended_) {
      return NotRun(FailureCode::kShutdown, "", "the runtime was shut down");
    }
  }
  if (const auto* actor = std::get_if<base::RegisterActor>(&request)) {
    return Register(*actor);
  }
  if (const auto* end = std::get_if<base::EndActor>(&request)) {
    return End(*end);
  }
  base::MutexLock lock(mutex_);
  return store_.Ask(request);
}

base::ControlReply LocalBackend::Register(const base::RegisterActor& request) {
  base::ControlReply reply;
  {
    base::MutexLock lock(mutex_);
    reply = store_.Register(request);
  }
  const auto* const answer = std::get_if<base::ActorAnswer>(&reply);
  const base::ActorRecord& actor = request.actor;
  if (answer == nullptr || answer->existed || !actor.spec.has_value()) {
    return reply;
  }
  Create create;
  create.actor = actor.actor;
  create.task = NewId<base::TaskId>();
  create.constructor = actor.spec->constructor;
  create.class_name = actor.class_name;
  create.name = actor.name;
  for (const base::Bytes& value : actor.spec->args) {
    create.args.push_back(Arg{base::ObjectId(), value});
  }
  create.resources = actor.spec->resources;
  create.restarts_max = actor.restarts_max;
  create.concurrency = actor.spec->concurrency;
  if (std::optional<Failure> refusal = Refusal(create)) {
    base::MutexLock lock(mutex_);
    store_.Ended(actor.actor);
    return *std::move(refusal);
  }
  Begin(std::move(create), 0);
  return reply;
}

base::ControlReply LocalBackend::End(const base::EndActor& request) {
  {
    base::MutexLock lock(mutex_);
    const Actor* const actor = Find(request.actor);
    if (actor == nullptr || actor->death.has_value()) {
      return NotRun(FailureCode::kNoSuchActor, "",
                    "no living actor has that id");
    }
  }
  On(Kill{request.actor, request.restart, false});
  return base::Done{};
}

Backend::ActorView LocalBackend::ViewActor(base::ActorId actor) {
  base::MutexLock lock(mutex_);
  const Actor* const found = Find(actor);
  if (found == nullptr) return {0, true};
  return {found->incarnation, found->death.has_value()};
}

}  // namespace mobula::runtime
