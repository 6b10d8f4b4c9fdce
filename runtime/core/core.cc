#include "runtime/core/core.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/check.h"
#include "runtime/core/emit.h"
#include "runtime/core/task_rows.h"
#include "runtime/refs/ref_tally.h"

namespace mobula::runtime {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

// The messages to this process itself, out of the effects, in order.
std::deque<base::Message> TakeOwn(base::ProcessId self, Effects& effects) {
  std::deque<base::Message> own;
  const auto is_own = [self](const Effect& effect) {
    const auto* send = std::get_if<Send>(&effect);
    return send != nullptr && send->to == self;
  };
  const auto first = std::find_if(effects.begin(), effects.end(), is_own);
  if (first == effects.end()) return own;
  auto kept = first;
  for (auto each = first; each != effects.end(); ++each) {
    if (is_own(*each)) {
      own.push_back(std::move(std::get_if<Send>(&*each)->message));
    } else {
      if (kept != each) *kept = std::move(*each);
      ++kept;
    }
  }
  effects.erase(kept, effects.end());
  return own;
}

}  // namespace

Core::Core(const Options& options, base::IdSource ids)
    : options_(options),
      ids_(ids),
      owner_({options.self, options.job, options.seed, options.tasks_max,
              options.lineage},
             ids_),
      host_(options.role == base::Role::kWorker, owner_.refs()),
      control_calls_(options.self, ids_) {
  MOBULA_CHECK(!options.self.IsNil());
  MOBULA_CHECK(options.role != base::Role::kRaylet);
}

void Core::Step(Event event, base::BootTime now, Effects& effects) {
  owner_.Begin(now, effects);
  if (armed_ <= now) armed_ = base::BootTime::Never();
  now_ = now;
  host_.Begin(now);
  Take(std::move(event), effects);
  HearSelf(TakeOwn(options_.self, effects), effects);
  CancelStopped();
  owner_.End();
  // What was resolved may be a call to an actor of this process.
  for (auto own = TakeOwn(options_.self, effects); !own.empty();
       own = TakeOwn(options_.self, effects)) {
    owner_.Begin(now, effects);
    HearSelf(std::move(own), effects);
    CancelStopped();
    owner_.End();
  }
  control_calls_.Tick(now, effects);
  ExitIfDone(effects);
  Arm(effects);
}

void Core::CancelStopped() {
  for (const base::TaskId task : host_.TakeStopped()) {
    owner_.CancelSpawned(task);
  }
}

void Core::Take(Event event, Effects& effects) {
  std::visit(
      Overloaded{
          [this, &effects](Received& received) {
            auto& message = received.message;
            owner_.refs().Received(received.from, message);
            const auto* registered = std::get_if<base::Registered>(&message);
            if (registered != nullptr && raylet_.IsNil()) {
              raylet_ = received.from;
              owner_.On(*registered);
              control_calls_.Joined(raylet_, effects);
            } else if (received.from == raylet_) {
              HearRaylet(message, effects);
            } else {
              HearPeer(received.from, message, effects);
            }
          },
          [this, &effects](PeerLost& lost) { LosePeer(lost, effects); },
          [this, &effects](Executed& executed) {
            TellStored(executed.outcome, effects);
            owner_.Ended(executed.task);
            host_.Finish(std::move(executed), effects);
          },
          [this, &effects](SetAside& aside) { host_.Aside(aside, effects); },
          [this, &effects](ActorEnded& ended) {
            host_.Ended(ended.actor, effects);
          },
          [this, &effects](StreamBegun& begun) {
            host_.Open(begun.task, effects);
          },
          [this, &effects](Yielded& yielded) {
            TellStored(yielded.value, effects);
            host_.Yield(std::move(yielded), effects);
          },
          [this, &effects](AskControl& ask) {
            control_calls_.Ask(std::move(ask), now_, effects);
          },
          [this, &effects](Put& put) {
            TellStored(put.outcome, effects);
            owner_.On(std::move(put));
          },
          [this](Submit& submit) {
            ForgetEndedParent(submit.parent);
            owner_.On(std::move(submit));
          },
          [this](Call& call) {
            ForgetEndedParent(call.parent);
            owner_.On(std::move(call));
          },
          [this](auto& api) { owner_.On(std::move(api)); },
      },
      event);
}

void Core::HearSelf(std::deque<base::Message> messages, Effects& effects) {
  while (!messages.empty()) {
    HearPeer(options_.self, messages.front(), effects);
    messages.pop_front();
    for (base::Message& more : TakeOwn(options_.self, effects)) {
      messages.push_back(std::move(more));
    }
  }
}

void Core::ForgetEndedParent(base::TaskId& parent) const {
  if (!parent.IsNil() && !host_.Runs(parent)) parent = base::TaskId();
}

void Core::TellStored(const base::Outcome& outcome, Effects& effects) {
  const base::Value* value = base::StoredIn(outcome);
  if (value == nullptr) return;
  MOBULA_CHECK(!raylet_.IsNil(), "a value is stored where there is a store");
  SendTo(effects, raylet_, base::ObjectStored{value->name(), value->extent()});
}

void Core::HearRaylet(base::Message& message, Effects& effects) {
  std::visit(
      Overloaded{
          [this](base::LeaseGranted& granted) { owner_.On(granted); },
          [this](base::LeaseRefused& refused) { owner_.On(refused); },
          [this](base::LeaseLost& lost) { owner_.On(lost); },
          [this](base::Attach& attach) { owner_.On(attach); },
          [this](base::PeerGone& gone) { owner_.On(gone); },
          [this](base::ActorMoved& moved) {
            owner_.On(raylet_, std::move(moved));
          },
          [this](base::KillActor& kill) { owner_.On(kill); },
          [this, &effects](base::CreateActor& create) {
            host_.Construct(raylet_, std::move(create), effects);
          },
          [this, &effects](base::LeaveActor& leave) {
            host_.Leave(raylet_, leave, effects);
          },
          [this, &effects](base::ControlAnswer& answer) {
            control_calls_.Answered(std::move(answer), effects);
          },
          [this, &effects](base::Retire& retire) {
            Leave(retire.may_stay, effects);
          },
          [this](base::OwnerGone& gone) { owner_.On(gone); },
          [this, &effects](base::ListRefs& list) { TellRefs(list, effects); },
          [this, &effects](base::ListOwnTasks& list) {
            TellTasks(list, effects);
          },
          // Else the shell's own, or another role's.
          [this, &message](auto&) { HearOfObjects(raylet_, message); },
      },
      message);
}

void Core::Leave(bool may_stay, Effects& effects) {
  // A process to whose objects others refer is worth its memory.
  if (may_stay && owner_.refs().lent() > 0) {
    SendTo(effects, raylet_, base::Stay{});
    return;
  }
  retired_ = true;
  host_.Retire(effects);
  owner_.refs().Leave();
}

base::RefsAre Core::DescribeRefs(std::size_t rows_max) const {
  RefTally tally(owner_.refs(), rows_max);
  for (const base::ObjectName& name : owner_.arguments().NamesForCalls()) {
    tally.Count(&base::RefCounts::arguments, name.object);
  }
  for (const base::ObjectName& name : owner_.arguments().NamesForActors()) {
    tally.Count(&base::RefCounts::constructors, name.object);
  }
  host_.ForEachHeld([&tally](const base::ObjectName& name) {
    tally.Count(&base::RefCounts::running, name.object);
  });
  for (const base::ObjectId object : owner_.remaking()) {
    tally.Count(&base::RefCounts::remaking, object);
  }
  base::RefsAre all = tally.Take();
  all.actors = owner_.HeldActors();
  all.hosts = host_.actor();
  all.is_busy = !host_.idle();
  return all;
}

void Core::TellRefs(const base::ListRefs& list, Effects& effects) const {
  base::RefsAre all = DescribeRefs(list.rows_max);
  all.request = list.request;
  for (base::RefsAre& part : InParts(std::move(all))) {
    SendTo(effects, raylet_, std::move(part));
  }
}

void Core::TellTasks(const base::ListOwnTasks& list, Effects& effects) const {
  base::TasksAre all = DescribeTasks(list);
  all.request = list.request;
  for (base::TasksAre& part : InParts(std::move(all))) {
    SendTo(effects, raylet_, std::move(part));
  }
}

void Core::HearPeer(base::ProcessId from, base::Message& message,
                    Effects& effects) {
  std::visit(
      Overloaded{
          [this, from, &effects](base::RunTask& run) {
            host_.Run(from, std::move(run), effects);
          },
          [this, from, &effects](base::CreateActor& create) {
            host_.Construct(from, std::move(create), effects);
          },
          [this, from, &effects](base::CallActor& call) {
            host_.Call(from, std::move(call), effects);
          },
          [this, from, &effects](base::CancelTask& cancel) {
            host_.Cancel(from, cancel, effects);
          },
          [this, from, &effects](base::StopTask& stop) {
            const bool runs = host_.Stop(from, stop, effects);
            if (runs && stop.recursive) owner_.CancelSpawned(stop.task);
          },
          [this, from, &effects](base::LeaveActor& leave) {
            host_.Leave(from, leave, effects);
          },
          [this, from](base::ActorLeft& left) { owner_.On(from, left); },
          [this, from](base::TaskStopping& stopping) {
            owner_.On(from, stopping);
          },
          [this, from](base::CancelObject& cancel) { owner_.On(from, cancel); },
          [this, from](base::ObjectCancelled& answer) {
            owner_.On(from, answer);
          },
          [this, from](base::TaskDone& done) {
            owner_.Done(from, std::move(done));
          },
          [this, from](base::TaskAside& aside) { owner_.Aside(from, aside); },
          [this, from](base::StreamOpened& opened) { owner_.On(from, opened); },
          [this, from](base::StreamItem& item) {
            owner_.On(from, std::move(item));
          },
          [this, from, &effects](base::StreamCredit& credit) {
            host_.Credit(from, credit, effects);
          },
          [this, from](base::WatchActor& watch) { owner_.On(from, watch); },
          [this, from](base::UnwatchActor& unwatch) {
            owner_.On(from, unwatch);
          },
          [this](base::KillActor& kill) { owner_.On(kill); },
          [this, from](base::ActorMoved& moved) {
            owner_.On(from, std::move(moved));
          },
          // Else from the raylet only, or another role's.
          [this, from, &message](auto&) { HearOfObjects(from, message); },
      },
      message);
}

void Core::HearOfObjects(base::ProcessId from, base::Message& message) {
  References& refs = owner_.refs();
  std::visit(Overloaded{
                 [&](base::BorrowObjects& borrow) { refs.On(from, borrow); },
                 [&](base::ObjectsBorrowed& answer) { refs.On(from, answer); },
                 [&](base::ObjectsTaken& taken) { refs.On(from, taken); },
                 [&](base::ReturnObjects& back) { refs.On(from, back); },
                 [&](base::WantObjects& want) { refs.On(from, want); },
                 [&](base::ObjectIs& is) { refs.On(from, is); },
                 [&](base::ObjectsLost& lost) { owner_.On(from, lost); },
                 [](auto&) {},
             },
             message);
}

void Core::LosePeer(const PeerLost& lost, Effects& effects) {
  const base::ProcessId process = lost.process;
  // Before it has registered this process there is no other link.
  if (raylet_.IsNil() || process == raylet_) {
    const base::Failure failure = lost.cause.value_or(
        base::NotRun(base::FailureCode::kRayletDied,
                     "the node's agent (mobula raylet) has ended"));
    owner_.RayletLost(failure);
    control_calls_.RayletLost(failure, effects);
    if (options_.role == base::Role::kWorker && !exited_) {
      exited_ = true;
      Emit(effects, Exit{"the node's agent is gone"});
    }
    return;
  }
  owner_.PeerLost(process);
  host_.PeerLost(process, effects);
}

void Core::ExitIfDone(Effects& effects) {
  if (!retired_ || exited_) return;
  if (!host_.idle() || owner_.HasPendingWork()) return;
  if (!owner_.refs().MayLeave()) return;
  exited_ = true;
  owner_.refs().ClaimOwn(effects);
  Emit(effects, Exit{"retired"});
}

void Core::Arm(Effects& effects) {
  // A timer that comes too early does no harm; moving it for each event would.
  const base::BootTime next = std::min(owner_.Next(), control_calls_.Next());
  if (next >= armed_) return;
  armed_ = next;
  Emit(effects, SetTimer{next});
}

Core::Census Core::Count() const {
  Census census;
  census.objects = owner_.refs().owned();
  census.borrowed = owner_.refs().borrowed();
  census.lent = owner_.refs().lent();
  census.handed = owner_.refs().handed();
  census.tasks = owner_.tasks();
  census.calls = owner_.calls();
  census.streams = owner_.streams();
  census.actors = owner_.actors();
  census.leases = owner_.leases();
  census.hosted = host_.queued() + host_.aside();
  census.control_calls = control_calls_.waiting() + control_calls_.given_up();
  census.lineage = owner_.lineage().size();
  census.lineage_bytes = owner_.lineage().bytes();
  census.remade = owner_.remade();
  census.differing = owner_.differing();
  return census;
}

}  // namespace mobula::runtime
