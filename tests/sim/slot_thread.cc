#include "tests/sim/slot_thread.h"

#include <chrono>
#include <string>
#include <utility>

#include "base/check.h"

namespace mobula::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;

SlotThread::SlotThread(base::ProcessId self, Ledger& ledger, UserApi& api,
                       Rng rng, Callbacks callbacks)
    : self_(self),
      ledger_(ledger),
      api_(api),
      rng_(rng),
      callbacks_(std::move(callbacks)) {}

void SlotThread::Execute(runtime::Execute order) {
  waiting_.push_back(std::move(order));
  if (!running_.has_value() && waiting_.size() == 1) {
    // The slot thread wakes.
    callbacks_.after(rng_.Within(microseconds(0), microseconds(20)),
                     [this] { StartNext(); });
  }
}

void SlotThread::StartNext() {
  if (running_.has_value() || waiting_.empty()) return;
  Run& run = running_.emplace(Run());
  run.order = std::move(waiting_.front());
  waiting_.pop_front();
  run.number = ++runs_;
  MOBULA_CHECK(!run.order.args.empty());
  run.operation = std::stoull(std::string(run.order.args.front().view()));
  Execution execution;
  execution.worker = self_;
  execution.attempt = run.order.attempt;
  execution.incarnation = run.order.incarnation;
  run.execution =
      ledger_.Start(run.operation, std::move(execution), run.order.args);
  const Behaviour& behaviour = ledger_.operation(run.operation).behaviour;
  run.time = behaviour.run;
  const base::Duration until =
      behaviour.crashes ? behaviour.run / 2 : behaviour.run;
  callbacks_.after(until, [this] { OnTimeOver(); });
}

void SlotThread::OnTimeOver() {
  if (ledger_.operation(running_->operation).behaviour.crashes) {
    callbacks_.on_crash();
    return;
  }
  SpawnChildren();
  if (running_->awaited.empty()) {
    Finish();
    return;
  }
  const std::uint64_t number = running_->number;
  callbacks_.after(milliseconds(1), [this, number] {
    if (!running_.has_value() || running_->number != number) return;
    running_->blocked = true;
    callbacks_.on_blocked(true);
  });
}

void SlotThread::SpawnChildren() {
  const Behaviour behaviour = ledger_.operation(running_->operation).behaviour;
  Behaviour child;
  child.run = behaviour.run;
  child.depth = behaviour.depth - 1;
  child.children = behaviour.depth > 0 ? 1 : 0;
  if (!behaviour.calls.IsNil()) {
    api_.Adopt(behaviour.calls, behaviour.calls_owner);
    // The handle that came as an argument ends with the function.
    running_->handles.push_back(behaviour.calls);
    running_->children.push_back(CallChild(behaviour.calls, behaviour.run));
  }
  if (behaviour.makes_actor) {
    Behaviour constructor;
    constructor.run = behaviour.run;
    child.calls = api_.Create(constructor, 1, -1);
    child.calls_owner = self_;
    running_->handles.push_back(child.calls);
    running_->children.push_back(CallChild(child.calls, behaviour.run));
    running_->children.push_back(CallChild(child.calls, behaviour.run));
  }
  for (int i = 0; i < behaviour.children; ++i) {
    running_->children.push_back(SpawnChild(child));
  }
  for (const OpIndex child_index : running_->children) {
    running_->awaited.insert(child_index);
    api_.Watch(child_index);
  }
}

OpIndex SlotThread::CallChild(base::ActorId actor, base::Duration run) {
  Operation wish;
  wish.behaviour.run = run;
  return api_.Call(actor, std::move(wish));
}

OpIndex SlotThread::SpawnChild(const Behaviour& behaviour) {
  Operation wish;
  wish.retries_max = 3;
  wish.behaviour = behaviour;
  return api_.Submit(std::move(wish), base::ResourceVector::Cpus(1));
}

void SlotThread::OnSettled(OpIndex index) {
  if (!running_.has_value() || running_->awaited.erase(index) == 0) return;
  if (!running_->awaited.empty()) return;
  if (running_->blocked) callbacks_.on_blocked(false);
  // The waiting thread wakes.
  const std::uint64_t number = running_->number;
  callbacks_.after(rng_.Within(microseconds(0), microseconds(20)),
                   [this, number] {
                     MOBULA_CHECK(running_->number == number);
                     Finish();
                   });
}

void SlotThread::Finish() {
  for (const OpIndex child : running_->children) api_.Drop(child);
  runtime::Executed executed;
  executed.task = running_->order.task;
  executed.outcome = ledger_.Finish(running_->execution);
  executed.run_ns = running_->time.count();
  const Behaviour& behaviour = ledger_.operation(running_->operation).behaviour;
  executed.exit_actor = behaviour.exit_actor;
  const std::vector<base::ActorId> handles = std::move(running_->handles);
  running_.reset();
  for (const base::ActorId actor : handles) api_.DropActor(actor);
  callbacks_.on_executed(std::move(executed));
  // The slot thread goes on with what is queued, without the strand.
  if (!waiting_.empty()) {
    callbacks_.after(base::Duration(500), [this] { StartNext(); });
  }
}

bool SlotThread::executing_actor() const {
  return running_.has_value() && !running_->order.actor.IsNil();
}

}  // namespace mobula::sim
