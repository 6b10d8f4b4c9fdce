#include "runtime/core/host_set.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/check.h"
#include "runtime/core/emit.h"

namespace mobula::runtime {

using base::ActorId;
using base::ProcessId;

HostSet::Shared* HostSet::Find(ActorId actor) {
  const auto found = shared_.find(actor);
  if (found == shared_.end()) return nullptr;
  found->second.host.Begin(now_);
  return &found->second;
}

Host& HostSet::HostOf(ActorId actor) {
  Shared* const shared = actor.IsNil() ? nullptr : Find(actor);
  return shared == nullptr ? main_ : shared->host;
}

Host& HostSet::HostOfStarted(base::TaskId task) {
  const auto started = started_.find(task);
  return started == started_.end() ? main_ : HostOf(started->second);
}

std::vector<base::TaskId> HostSet::TakeStopped() {
  std::vector<base::TaskId> stopped = main_.TakeStopped();
  stopped.insert(stopped.end(), stopped_.begin(), stopped_.end());
  stopped_.clear();
  return stopped;
}

void HostSet::NoteStops(Host& host) {
  const std::vector<base::TaskId> stopped = host.TakeStopped();
  stopped_.insert(stopped_.end(), stopped.begin(), stopped.end());
}

void HostSet::NoteStarts(ActorId actor, std::size_t first, Effects& effects) {
  for (std::size_t i = first; i < effects.size(); ++i) {
    auto* const execute = std::get_if<Execute>(&effects[i]);
    if (execute == nullptr) continue;
    MOBULA_CHECK(execute->actor == actor);
    execute->shared = true;
    const bool is_new = started_.emplace(execute->task, actor).second;
    MOBULA_CHECK(is_new, "a task runs once");
  }
}

void HostSet::Construct(ProcessId from, base::CreateActor create,
                        Effects& effects) {
  if (!create.shared || !accepts_ || retired_) {
    main_.Construct(from, std::move(create), effects);
    return;
  }
  const ActorId actor = create.actor;
  const auto [it, is_new] = shared_.try_emplace(actor, accepts_, refs_);
  Shared& shared = it->second;
  shared.host.Begin(now_);
  if (is_new) {
    shared.owner = from;
    shared.incarnation = create.incarnation;
  }
  const std::size_t first = effects.size();
  shared.host.Construct(from, std::move(create), effects);
  NoteStarts(actor, first, effects);
}

void HostSet::Call(ProcessId from, base::CallActor call, Effects& effects) {
  Shared* const shared = Find(call.actor);
  if (shared == nullptr) {
    main_.Call(from, std::move(call), effects);
    return;
  }
  const ActorId actor = call.actor;
  const std::size_t first = effects.size();
  shared->host.Call(from, std::move(call), effects);
  NoteStarts(actor, first, effects);
}

void HostSet::Cancel(ProcessId from, const base::CancelTask& cancel,
                     Effects& effects) {
  HostOf(cancel.actor).Cancel(from, cancel.task, effects);
}

bool HostSet::Stop(ProcessId from, const base::StopTask& stop,
                   Effects& effects) {
  return HostOf(stop.actor).Stop(from, stop.task, effects);
}

void HostSet::Aside(const SetAside& aside, Effects& effects) {
  const auto started = started_.find(aside.task);
  if (started == started_.end()) {
    main_.Aside(aside, effects);
    return;
  }
  const ActorId actor = started->second;
  Shared* const shared = Find(actor);
  MOBULA_CHECK(shared != nullptr);
  const std::size_t first = effects.size();
  shared->host.Aside(aside, effects);
  NoteStops(shared->host);
  NoteStarts(actor, first, effects);
}

void HostSet::Yield(Yielded yielded, Effects& effects) {
  HostOfStarted(yielded.task).Yield(std::move(yielded), effects);
}

void HostSet::Finish(Executed executed, Effects& effects) {
  const auto started = started_.find(executed.task);
  if (started == started_.end()) {
    main_.Finish(std::move(executed), effects);
    return;
  }
  const ActorId actor = started->second;
  started_.erase(started);
  Shared* const shared = Find(actor);
  MOBULA_CHECK(shared != nullptr);
  const std::size_t first = effects.size();
  shared->host.Finish(std::move(executed), effects);
  NoteStarts(actor, first, effects);
  EndIfIdle(actor, *shared, effects);
}

void HostSet::PeerLost(ProcessId process, Effects& effects) {
  main_.PeerLost(process, effects);
  for (auto& [actor, shared] : shared_) {
    shared.host.PeerLost(process, effects);
    NoteStops(shared.host);
  }
}

void HostSet::Retire(Effects& effects) {
  retired_ = true;
  // Of an actor that was ended gracefully, or of a job that is over.
  main_.StopStarted(effects);
  main_.Retire(effects);
  for (auto& [actor, shared] : shared_) {
    shared.host.StopStarted(effects);
    NoteStops(shared.host);
    shared.host.Retire(effects);
  }
}

void HostSet::Leave(ProcessId from, const base::LeaveActor& leave,
                    Effects& effects) {
  Shared* const shared = Find(leave.actor);
  if (shared == nullptr || shared->incarnation != leave.incarnation) {
    SendTo(effects, from, base::ActorLeft{leave.actor, leave.incarnation});
    return;
  }
  // Nobody but its owner sends it away.
  if (shared->owner != from) return;
  if (!std::exchange(shared->leaves, true)) shared->host.Retire(effects);
  if (leave.stop) {
    shared->host.StopStarted(effects);
    NoteStops(shared->host);
  }
  EndIfIdle(leave.actor, *shared, effects);
}

void HostSet::EndIfIdle(ActorId actor, Shared& shared, Effects& effects) {
  if (!shared.leaves || shared.ends || !shared.host.idle()) return;
  shared.ends = true;
  Emit(effects, EndActor{actor});
}

void HostSet::Ended(ActorId actor, Effects& effects) {
  const auto found = shared_.find(actor);
  MOBULA_CHECK(found != shared_.end() && found->second.ends);
  SendTo(effects, found->second.owner,
         base::ActorLeft{actor, found->second.incarnation});
  shared_.erase(found);
}

bool HostSet::idle() const {
  return main_.idle() &&
         std::all_of(shared_.begin(), shared_.end(),
                     [](const auto& each) { return each.second.host.idle(); });
}

std::size_t HostSet::queued() const {
  std::size_t queued = main_.queued();
  for (const auto& [actor, shared] : shared_) queued += shared.host.queued();
  return queued;
}

std::size_t HostSet::aside() const {
  std::size_t aside = main_.aside();
  for (const auto& [actor, shared] : shared_) aside += shared.host.aside();
  return aside;
}

}  // namespace mobula::runtime
