#include "tests/sim/slot_thread.h"

#include <chrono>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace mobula::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

// What the first argument says (UserApi::ArgsOf).
OpIndex OperationIn(std::string_view label) {
  const std::size_t slash = label.find('/');
  MOBULA_CHECK(slash != std::string_view::npos);
  return std::stoull(std::string(label.substr(slash + 1)));
}

// Rather than wait for an argument that is made again.
bool MayHold(const runtime::Execute& order) {
  return !order.actor.IsNil() && !order.is_constructor;
}

}  // namespace

SlotThread::SlotThread(const Parts& parts, Rng rng, Callbacks callbacks)
    : self_(parts.self),
      ledger_(parts.ledger),
      api_(parts.api),
      refs_(parts.refs),
      store_(parts.store),
      options_(parts.options),
      rng_(rng),
      callbacks_(std::move(callbacks)) {}

void SlotThread::Execute(runtime::Execute order) {
  if (exited_.contains(order.actor)) return TurnAwayOne(order.task);
  waiting_.push_back(std::move(order));
  if (!running_.has_value() && !maps_ && waiting_.size() == 1) {
    // The slot thread wakes.
    callbacks_.after(rng_.Within(microseconds(0), microseconds(20)),
                     [this] { StartNext(); });
  }
}

void SlotThread::Stop(base::TaskId task) {
  if (running_.has_value() && running_->order.task == task) return;
  stopped_.insert(task);
}

void SlotThread::StartNext() {
  if (running_.has_value() || maps_ || waiting_.empty()) return;
  runtime::Execute order = std::move(waiting_.front());
  waiting_.pop_front();
  const auto held = held_.find({order.actor, order.owner});
  if (held != held_.end()) {
    const base::TaskId task = order.task;
    held->second.push_back(std::move(order));
    callbacks_.on_aside(task);
    GoOnWithNext();
    return;
  }
  maps_ = true;
  auto failed = failed_.extract(order.task);
  if (!failed.empty()) return Refuse(order, std::move(failed.mapped()));
  MapFrom(0, std::move(order));
}

void SlotThread::Hold(std::size_t place, const base::Value& stored,
                      runtime::Execute order) {
  const Caller caller{order.actor, order.owner};
  const base::TaskId task = order.task;
  maps_ = false;
  MOBULA_CHECK(!held_.contains(caller));
  held_[caller].push_back(std::move(order));
  callbacks_.on_aside(task);
  callbacks_.fetch(stored,
                   [this, caller, task, place](const base::Outcome& made) {
                     Resume(caller, task, place, made);
                   });
  GoOnWithNext();
}

void SlotThread::Resume(const Caller& caller, base::TaskId task,
                        std::size_t place, const base::Outcome& made) {
  const auto found = held_.find(caller);
  if (found == held_.end() || found->second.front().task != task) return;
  std::deque<runtime::Execute> calls = std::move(found->second);
  held_.erase(found);
  if (const auto* failure = std::get_if<base::Failure>(&made)) {
    failed_.emplace(task, *failure);
  } else {
    calls.front().args[place] = std::get<base::Value>(made);
  }
  waiting_.insert(waiting_.begin(), std::make_move_iterator(calls.begin()),
                  std::make_move_iterator(calls.end()));
  GoOnWithNext();
}

void SlotThread::TurnAway(base::ActorId actor) {
  std::vector<base::TaskId> tasks;
  for (auto it = held_.begin(); it != held_.end();) {
    if (it->first.first != actor) {
      ++it;
      continue;
    }
    for (const runtime::Execute& call : it->second) tasks.push_back(call.task);
    it = held_.erase(it);
  }
  std::erase_if(waiting_, [&tasks, actor](const runtime::Execute& call) {
    if (call.actor == actor) tasks.push_back(call.task);
    return call.actor == actor;
  });
  exited_.insert(actor);
  for (const base::TaskId task : tasks) TurnAwayOne(task);
}

void SlotThread::TurnAwayOne(base::TaskId task) {
  failed_.erase(task);
  stopped_.erase(task);
  runtime::Executed executed;
  executed.task = task;
  executed.outcome =
      base::NotRun(base::FailureCode::kActorDied, "it ended itself");
  executed.never_began = true;
  callbacks_.on_executed(std::move(executed));
}

void SlotThread::MapFrom(std::size_t first, runtime::Execute order) {
  while (first < order.args.size() && !order.args[first].is_stored()) ++first;
  if (first == order.args.size()) {
    BeginMapped(std::move(order));
    return;
  }
  const base::Value stored = order.args[first];
  Map(stored, order,
      [this, stored, first, order](const base::Outcome& mapped) mutable {
        const auto* failure = std::get_if<base::Failure>(&mapped);
        const bool is_lost = failure != nullptr &&
                             failure->code == base::FailureCode::kObjectLost;
        if (failure == nullptr) {
          order.args[first] = std::get<base::Value>(mapped);
        } else if (is_lost && MayHold(order)) {
          lost_.clear();
          Hold(first, stored, std::move(order));
          return;
        } else if (is_lost && order.actor.IsNil()) {
          callbacks_.on_missed(stored);
          lost_.push_back({stored.name(), stored.extent()});
        } else {
          lost_.clear();
          Refuse(order, *failure);
          return;
        }
        MapFrom(first + 1, std::move(order));
      });
}

void SlotThread::Map(const base::Value& stored, const runtime::Execute& order,
                     StorePort::MapFn then) {
  if (order.actor.IsNil() || MayHold(order)) {
    store_.Map(stored, std::move(then));
  } else {
    callbacks_.fetch(stored, std::move(then));
  }
}

void SlotThread::BeginMapped(runtime::Execute order) {
  if (!lost_.empty()) {
    Refuse(order, base::NotRun(base::FailureCode::kObjectLost, "missed"));
  } else if (stopped_.erase(order.task) > 0) {
    Refuse(order, base::NotRun(base::FailureCode::kCancelled, "stopped"));
  } else {
    maps_ = false;
    Begin(std::move(order));
  }
}

void SlotThread::Refuse(const runtime::Execute& order, base::Failure failure) {
  maps_ = false;
  stopped_.erase(order.task);
  if (failure.code == base::FailureCode::kObjectStoreFull) {
    ledger_.NoteStoreFull(order.result, order.task);
  }
  runtime::Executed executed;
  executed.task = order.task;
  executed.lost = std::move(lost_);
  lost_.clear();
  failure.executed = base::Executed::kNo;
  executed.outcome = std::move(failure);
  callbacks_.on_executed(std::move(executed));
  GoOnWithNext();
}

// The slot thread goes on with what is queued, without the strand.
void SlotThread::GoOnWithNext() {
  if (waiting_.empty()) return;
  callbacks_.after(base::Duration(500), [this] { StartNext(); });
}

void SlotThread::Begin(runtime::Execute order) {
  Run& run = running_.emplace(Run());
  run.order = std::move(order);
  run.number = ++runs_;
  MOBULA_CHECK(!run.order.args.empty());
  run.operation = OperationIn(run.order.args.front().view());
  Execution execution;
  execution.worker = self_;
  execution.attempt = run.order.attempt;
  execution.incarnation = run.order.incarnation;
  run.execution =
      ledger_.Start(run.operation, std::move(execution), run.order.args);
  // A copy: what the arguments set going may ask for more.
  const Operation op = ledger_.operation(run.operation);
  refs_.MeetArguments(run.order.args, op.passed);
  const Behaviour& behaviour = op.behaviour;
  run.time = behaviour.run;
  run.deeds_left = behaviour.deeds;
  const base::Duration until =
      behaviour.crashes ? behaviour.run / 2 : behaviour.run;
  callbacks_.after(until, [this] { OnTimeOver(); });
}

void SlotThread::OnTimeOver() {
  if (ledger_.operation(running_->operation).behaviour.crashes) {
    callbacks_.on_crash();
    return;
  }
  DoDeeds();
}

void SlotThread::DoDeeds() {
  if (running_->deeds_left == 0) {
    GoOn();
    return;
  }
  --running_->deeds_left;
  const std::uint64_t number = running_->number;
  BeginWait();
  refs_.DoSomething(RankMax(), [this, number] {
    if (!IsRunning(number)) return;
    EndWait();
    DoDeeds();
  });
}

void SlotThread::GoOn() {
  SpawnChildren();
  if (running_->children.empty()) {
    Finish();
  } else if (!running_->awaited.empty()) {
    BeginWait();
  }  // else the last one has ended the wait
}

std::uint64_t SlotThread::RankMax() const {
  return ledger_.operation(running_->operation).rank;
}

void SlotThread::BeginWait() {
  running_->waits = true;
  const std::uint64_t number = running_->number;
  const std::uint64_t wait = ++waits_;
  callbacks_.after(milliseconds(1), [this, number, wait] {
    if (!IsRunning(number) || !running_->waits || waits_ != wait) return;
    running_->blocked = true;
    callbacks_.on_blocked(true);
  });
}

void SlotThread::EndWait() {
  running_->waits = false;
  if (std::exchange(running_->blocked, false)) callbacks_.on_blocked(false);
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
    Operation made;
    made.behaviour = constructor;
    refs_.DrawPassed(made, RankMax());
    child.calls = api_.Create(std::move(made), 1, -1);
    child.calls_owner = self_;
    running_->handles.push_back(child.calls);
    running_->children.push_back(CallChild(child.calls, behaviour.run));
    running_->children.push_back(CallChild(child.calls, behaviour.run));
  }
  for (int i = 0; i < behaviour.children; ++i) {
    running_->children.push_back(SpawnChild(child));
  }
  const std::vector<OpIndex> children = running_->children;
  running_->awaited.insert(children.begin(), children.end());
  // The outcome of some may be there at once.
  for (const OpIndex index : children) api_.Watch(index);
}

OpIndex SlotThread::CallChild(base::ActorId actor, base::Duration run) {
  Operation wish;
  wish.parent = running_->order.task;
  refs_.DrawPassed(wish, RankMax());
  wish.behaviour.run = run;
  return api_.Call(actor, std::move(wish));
}

OpIndex SlotThread::SpawnChild(const Behaviour& behaviour) {
  Operation wish;
  wish.parent = running_->order.task;
  wish.retries_max = 3;
  wish.behaviour = behaviour;
  refs_.DrawPassed(wish, RankMax());
  return api_.Submit(std::move(wish), base::ResourceVector::Cpus(1));
}

void SlotThread::OnSettled(OpIndex index) {
  if (!running_.has_value() || running_->awaited.erase(index) == 0) return;
  if (!running_->awaited.empty()) return;
  EndWait();
  // The waiting thread wakes.
  const std::uint64_t number = running_->number;
  callbacks_.after(rng_.Within(microseconds(0), microseconds(20)),
                   [this, number] {
                     MOBULA_CHECK(IsRunning(number));
                     Finish();
                   });
}

void SlotThread::Finish() {
  const std::optional<std::uint64_t> byte_count =
      running_->order.result.IsNil() ? std::nullopt : refs_.DrawStored();
  if (!byte_count.has_value()) {
    FinishIn(std::nullopt);
    return;
  }
  const std::uint64_t number = running_->number;
  BeginWait();
  store_.WithRoom(*byte_count,
                  [this, number](const std::optional<base::Room>& room) {
                    if (!IsRunning(number)) return;
                    EndWait();
                    if (!room.has_value()) running_->store_full = true;
                    FinishIn(room);
                  });
}

base::Outcome SlotThread::MakeOutcome(const std::optional<base::Room>& room) {
  const runtime::Execute& order = running_->order;
  const std::vector<base::ObjectName> refs =
      order.result.IsNil() ? std::vector<base::ObjectName>()
                           : refs_.DrawRefs(options_.nest, RankMax());
  base::Outcome outcome = ledger_.Finish(running_->execution, refs);
  const auto* value = std::get_if<base::Value>(&outcome);
  if (value == nullptr) {
    if (room.has_value()) store_.Discard(room->extent);
    return outcome;
  }
  if (running_->store_full) {
    ledger_.NoteStoreFull(order.result, order.task);
    return base::MakeFailure(base::FailureCode::kObjectStoreFull,
                             base::Executed::kYes, "no room for the result");
  }
  if (!room.has_value()) return outcome;
  StorePort::Write(*room, value->view());
  return base::Value::Stored({order.result, order.owner}, room->extent, refs);
}

void SlotThread::FinishIn(const std::optional<base::Room>& room) {
  // What it was given is as it was.
  refs_.LookAgain(running_->order.args);
  for (const OpIndex child : running_->children) api_.Drop(child);
  runtime::Executed executed;
  executed.task = running_->order.task;
  executed.outcome = MakeOutcome(room);
  executed.run_ns = running_->time.count();
  const Behaviour& behaviour = ledger_.operation(running_->operation).behaviour;
  executed.exit_actor = behaviour.exit_actor;
  const base::ActorId actor_here = running_->order.actor;
  const bool is_actor = !actor_here.IsNil();
  const std::vector<base::ActorId> handles = std::move(running_->handles);
  running_.reset();
  for (const base::ActorId actor : handles) api_.DropActor(actor);
  if (executed.exit_actor) TurnAway(actor_here);
  callbacks_.on_executed(std::move(executed));
  if (is_actor) {
    refs_.LetSome();
  } else {
    refs_.LetAll();
  }
  GoOnWithNext();
}

bool SlotThread::executing_actor() const {
  return running_.has_value() && !running_->order.actor.IsNil();
}

}  // namespace mobula::sim
