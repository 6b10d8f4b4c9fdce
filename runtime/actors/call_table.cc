#include "runtime/actors/call_table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/value.h"
#include "runtime/core/scope_failures.h"

namespace mobula::runtime {
namespace {

using base::Failure;
using base::FailureCode;

// An answer that says that the host did not take the call at all.
bool IsRefusal(const base::TaskDone& done) {
  const auto* failure = std::get_if<Failure>(&done.outcome);
  return failure != nullptr && failure->executed == base::Executed::kNo &&
         (failure->code == FailureCode::kActorDied ||
          failure->code == FailureCode::kActorRestarted ||
          failure->code == FailureCode::kCancelled);
}

std::size_t BytesOf(const std::vector<base::Value>& args) {
  std::size_t bytes = 0;
  for (const base::Value& arg : args) bytes += arg.size();
  return bytes;
}

}  // namespace

void CallTable::AddActor(base::ActorId actor, std::int32_t pending_max) {
  const auto [it, is_new] = targets_.try_emplace(actor);
  MOBULA_CHECK(is_new) << "actor " << actor << " exists";
  it->second.id = actor;
  it->second.next_sequence = first_sequence_;
  it->second.pending_max =
      static_cast<std::size_t>(pending_max < 0 ? kPendingMax : pending_max);
}

void CallTable::ForgetActor(base::ActorId actor) {
  const auto it = targets_.find(actor);
  MOBULA_CHECK(it != targets_.end() && it->second.unfinished == 0);
  Leave(it->second);
  TakeInFlight(it->second);  // what is abandoned there
  first_sequence_ = std::max(first_sequence_, it->second.next_sequence);
  targets_.erase(it);
}

// The actor no longer lives in the worker where it was.
void CallTable::Leave(Target& target) {
  of_worker_.erase({target.worker, target.id});
  target.up = false;
  target.announced = false;
  target.worker = base::ProcessId();
}

bool CallTable::Add(Call call, base::BootTime now, Produced& out) {
  MOBULA_CHECK(!call.task.IsNil());
  Target& target = targets_.find(call.actor)->second;
  const auto [it, is_new] = entries_.try_emplace(call.task);
  MOBULA_CHECK(is_new) << "call " << call.task << " exists";
  Entry& entry = it->second;
  entry.target = &target;
  entry.result = call.result;
  entry.method = call.method;
  entry.method_name = std::move(call.method_name);
  entry.by_name = call.by_name;
  entry.lane = LaneOf(target, call.group);
  entry.group = std::move(call.group);
  entry.bound_incarnation = call.bound_incarnation;
  entry.retries_max = call.retries_max;
  entry.scope = KeptScope(call.scope);
  entry.since = now_;
  ++counts_[static_cast<std::size_t>(entry.state)];
  ++target.unfinished;
  if (target.dead) {
    Failure failure = target.cause;
    failure.executed = base::Executed::kNo;
    if (failure.function.empty()) failure.function = entry.method_name;
    Settle(it, std::move(failure), target.incarnation, out);
    return false;
  }
  if (target.unfinished > target.pending_max) {
    Settle(it,
           base::MakeFailure(FailureCode::kLimit, base::Executed::kNo,
                             "the actor has " +
                                 std::to_string(target.pending_max) +
                                 " unfinished calls of this process already"),
           0, out);
    return false;
  }
  entry.deadline = EarlierEnd(call.timeout, call.scope.deadline, now);
  entry.is_scoped = entry.deadline == call.scope.deadline;
  deadlines_.Add(entry.deadline, call.task);
  target.lanes[entry.lane].queue.push_back(call.task);
  return true;
}

std::uint32_t CallTable::LaneOf(Target& target, const std::string& group) {
  std::vector<Lane>& lanes = target.lanes;
  for (std::uint32_t lane = 0; lane < lanes.size(); ++lane) {
    if (lanes[lane].group == group) return lane;
  }
  if (lanes.size() == kLanesMax) return 0;
  lanes.emplace_back().group = group;
  return static_cast<std::uint32_t>(lanes.size() - 1);
}

void CallTable::SetState(Entry& entry, State state) {
  --counts_[static_cast<std::size_t>(entry.state)];
  ++counts_[static_cast<std::size_t>(state)];
  entry.state = state;
  entry.since = now_;
}

void CallTable::Resolve(base::TaskId task, std::vector<base::Value> args,
                        Produced& out) {
  const auto it = entries_.find(task);
  MOBULA_CHECK(it != entries_.end());
  Entry& entry = it->second;
  MOBULA_CHECK(entry.state == State::kWaiting);
  entry.args = std::move(args);
  SetState(entry, State::kReady);
  Target& target = *entry.target;
  Lane& lane = target.lanes[entry.lane];
  if (lane.queue.front() == task) Pump(target, lane, out);
}

void CallTable::Fail(base::TaskId task, Failure failure, Produced& out) {
  const auto it = entries_.find(task);
  MOBULA_CHECK(it != entries_.end());
  Entry& entry = it->second;
  Target& target = *entry.target;
  if (entry.state == State::kWaiting) out.abandoned.push_back(task);
  const bool in_flight = entry.state == State::kInFlight;
  const bool runs = IsHead(target, task);
  Lane& lane = target.lanes[entry.lane];
  if (in_flight && target.up && target.aside.contains(task)) {
    out.SendTo(target.worker,
               base::StopTask{task, /*recursive=*/true, target.id});
  } else if (in_flight && target.up && !runs) {
    out.SendTo(target.worker, base::CancelTask{task, target.id});
  }
  if (in_flight) abandoned_[task] = target.id;
  Settle(it, std::move(failure), target.incarnation, out);
  if (in_flight) return;  // its place is kept until it is answered
  DropSettled(target, lane);
  Pump(target, lane, out);
}

void CallTable::Cancel(base::TaskId task, bool recursive, Produced& out) {
  const auto it = entries_.find(task);
  if (it == entries_.end()) return;
  Entry& entry = it->second;
  if (entry.state != State::kInFlight) {
    Failure failure = CancelledFailure(entry.maybe_ran ? base::Executed::kMaybe
                                                       : base::Executed::kNo);
    failure.function = entry.method_name;
    Fail(task, std::move(failure), out);
    return;
  }
  entry.cancelled = true;
  // Else the news of it is awaited.
  if (!entry.target->up && !entry.target->aside.contains(task)) return;
  out.SendTo(entry.target->worker,
             base::StopTask{task, recursive, entry.target->id});
}

void CallTable::Stopping(base::ProcessId from, base::TaskId task,
                         Produced& out) {
  const auto it = entries_.find(task);
  if (it == entries_.end() || !it->second.cancelled) return;
  if (it->second.target->worker != from) return;
  // Its place is kept until it is answered.
  abandoned_[task] = it->second.target->id;
  SettleCancelled(it, base::Executed::kMaybe, out);
}

void CallTable::SettleCancelled(Entries::iterator it, base::Executed executed,
                                Produced& out) {
  Entry& entry = it->second;
  if (executed == base::Executed::kNo && entry.maybe_ran) {
    executed = base::Executed::kMaybe;
  }
  Failure failure = CancelledFailure(executed);
  failure.function = entry.method_name;
  if (executed != base::Executed::kNo) Fill(entry, failure);
  Settle(it, std::move(failure), entry.target->incarnation, out);
}

// Keeps the queue from filling with calls that have their outcome.
void CallTable::DropSettled(const Target& target, Lane& lane) {
  if (lane.queue.size() <= 2 * target.unfinished + 64) return;
  std::erase_if(lane.queue,
                [this](base::TaskId task) { return !entries_.contains(task); });
}

void CallTable::Hear(const ActorNews& news, Produced& out) {
  const auto it = targets_.find(news.actor);
  if (it == targets_.end()) return;
  Target& target = it->second;
  MOBULA_CHECK(!target.dead, "news of a dead actor");
  switch (news.what) {
    case ActorNews::What::kUp:
      Up(target, news, out);
      return;
    case ActorNews::What::kDown:
      Down(target, news, out);
      return;
    case ActorNews::What::kDead:
      Die(target, news, out);
      return;
  }
}

void CallTable::Suspend(base::ProcessId worker) {
  for (auto it = of_worker_.lower_bound({worker, base::ActorId()});
       it != of_worker_.end() && it->first == worker; ++it) {
    targets_.at(it->second).up = false;
  }
}

CallTable::Target* CallTable::TargetOf(base::ProcessId worker,
                                       base::TaskId task) {
  Target* target = nullptr;
  const auto entry = entries_.find(task);
  if (entry != entries_.end()) {
    target = entry->second.target;
  } else if (const auto left = abandoned_.find(task);
             left != abandoned_.end()) {
    target = &targets_.at(left->second);
  }
  return target != nullptr && target->worker == worker ? target : nullptr;
}

void CallTable::Up(Target& target, const ActorNews& news, Produced& out) {
  MOBULA_CHECK(target.in_flight.empty(), "up without down");
  if (!target.aside.empty()) {
    ActorNews lost = news;
    lost.failure =
        base::MakeFailure(FailureCode::kWorkerDied, base::Executed::kMaybe,
                          "the actor lives elsewhere now");
    Down(target, lost, out);
  }
  MOBULA_CHECK(news.incarnation >= target.incarnation);
  Leave(target);
  target.up = true;
  target.worker = news.worker;
  target.pid = news.pid;
  target.incarnation = news.incarnation;
  of_worker_.emplace(news.worker, target.id);
  Pump(target, out);
}

// Large arguments wait here, shared, and not as copies in the link's queue.
bool CallTable::HasRoom(const Lane& lane) {
  return lane.sent == 0 ||
         (lane.sent < kWindow && lane.sent_bytes < kWindowBytes);
}

void CallTable::Pump(Target& target, Produced& out) {
  for (Lane& lane : target.lanes) Pump(target, lane, out);
}

void CallTable::Pump(Target& target, Lane& lane, Produced& out) {
  if (!target.up) return;
  while (!lane.queue.empty() && HasRoom(lane)) {
    const base::TaskId task = lane.queue.front();
    const auto it = entries_.find(task);
    if (it == entries_.end()) {
      lane.queue.pop_front();
      continue;
    }
    Entry& entry = it->second;
    if (entry.state == State::kWaiting) return;
    MOBULA_CHECK(entry.state == State::kReady);
    lane.queue.pop_front();
    if (entry.deadline <= now_) {
      Settle(it, LateFailure(entry), target.incarnation, out);
    } else if (entry.bound_incarnation != 0 &&
               entry.bound_incarnation != target.incarnation) {
      FailRestarted(it, out);
    } else {
      Push(task, entry, out);
    }
  }
}

void CallTable::Push(base::TaskId id, Entry& entry, Produced& out) {
  Target& target = *entry.target;
  SetState(entry, State::kInFlight);
  if (target.in_flight.empty()) target.head_since = now_;
  const std::size_t bytes = BytesOf(entry.args);
  target.in_flight.push_back(
      Sent{id, entry.result, bytes, target.next_sequence, false, entry.lane});
  Lane& lane = target.lanes[entry.lane];
  ++lane.sent;
  lane.sent_bytes += bytes;
  base::CallActor call;
  call.task = id;
  call.result = entry.result;
  call.actor = target.id;
  call.incarnation = target.incarnation;
  call.sequence = target.next_sequence++;
  call.attempt = entry.attempt;
  call.method = entry.method;
  call.args = entry.args;
  if (entry.by_name) call.called = entry.method_name;
  call.scope = Travelling(entry.scope.get(), entry.deadline, now_);
  call.group = entry.group;
  out.SendTo(target.worker, std::move(call));
}

std::optional<base::ActorId> CallTable::Done(base::ProcessId from,
                                             base::TaskDone& done,
                                             Produced& out) {
  Target* const found = TargetOf(from, done.task);
  if (found == nullptr) return std::nullopt;
  Target& target = *found;
  if (done.incarnation != target.incarnation) return std::nullopt;
  const auto it = entries_.find(done.task);
  const std::optional<Sent> sent = TakeSent(target, done.task);
  if (!sent.has_value()) return std::nullopt;
  abandoned_.erase(done.task);
  const bool cancelled = it != entries_.end() && it->second.cancelled;
  if (it != entries_.end() && !cancelled && !sent->aside && IsRefusal(done)) {
    TakeBack(target, *sent, out);
    return std::nullopt;
  }
  std::optional<base::ActorId> exited;
  if (done.actor_exited) exited = target.id;
  if (cancelled) {
    const auto* failure = std::get_if<Failure>(&done.outcome);
    SettleCancelled(
        it, failure == nullptr ? base::Executed::kYes : failure->executed, out);
  } else if (it != entries_.end()) {
    Entry& entry = it->second;
    MOBULA_CHECK(entry.target == &target && entry.state == State::kInFlight);
    if (auto* failure = std::get_if<Failure>(&done.outcome)) {
      if (entry.deadline <= now_ && IsOfScope(*failure)) {
        *failure = TimeoutFailure(base::Executed::kYes, "call");
      } else if (failure->executed == base::Executed::kNo && entry.maybe_ran) {
        failure->executed = base::Executed::kMaybe;  // this attempt did not
      }
      Fill(entry, *failure);
    }
    Settle(it, std::move(done.outcome), done.incarnation, out);
  }
  if (!exited.has_value()) Pump(target, target.lanes[sent->lane], out);
  return exited;
}

std::optional<CallTable::Sent> CallTable::TakeSent(Target& target,
                                                   base::TaskId task) {
  if (auto aside = target.aside.extract(task)) return aside.mapped();
  const auto place =
      std::find_if(target.in_flight.begin(), target.in_flight.end(),
                   [task](const Sent& sent) { return sent.task == task; });
  if (place == target.in_flight.end()) return std::nullopt;
  const Sent sent = *place;
  Lane& lane = target.lanes[sent.lane];
  --lane.sent;
  lane.sent_bytes -= sent.bytes;
  if (place == target.in_flight.begin()) target.head_since = now_;
  target.in_flight.erase(place);
  return sent;
}

void CallTable::Aside(base::ProcessId from, const base::TaskAside& aside,
                      Produced& out) {
  Target* const found = TargetOf(from, aside.task);
  if (found == nullptr) return;
  Target& target = *found;
  target.announced = target.announced || aside.announced;
  std::optional<Sent> sent = TakeSent(target, aside.task);
  if (!sent.has_value()) return;
  sent->aside = true;
  target.aside.emplace(aside.task, *sent);
  // It has its outcome: nobody waits for it any more.
  if (!entries_.contains(aside.task)) {
    out.SendTo(from, base::StopTask{aside.task, /*recursive=*/true, target.id});
  }
  Pump(target, target.lanes[sent->lane], out);
}

void CallTable::TakeBack(Target& target, const Sent& refused, Produced& out) {
  std::deque<Sent> taken = std::exchange(target.in_flight, {});
  for (Lane& lane : target.lanes) lane.sent = lane.sent_bytes = 0;
  const auto behind =
      std::find_if(taken.begin(), taken.end(), [&refused](const Sent& each) {
        return each.sequence > refused.sequence;
      });
  taken.insert(behind, refused);
  for (auto sent = taken.rbegin(); sent != taken.rend(); ++sent) {
    abandoned_.erase(sent->task);
    const auto it = entries_.find(sent->task);
    if (it == entries_.end()) continue;
    if (it->second.cancelled) {
      SettleCancelled(it, base::Executed::kMaybe, out);
      continue;
    }
    SetState(it->second, State::kReady);
    target.lanes[sent->lane].queue.push_front(sent->task);
  }
  // What is aside there is still answered.
  target.up = false;
  if (target.aside.empty()) Leave(target);
}

std::vector<CallTable::Sent> CallTable::TakeInFlight(Target& target) {
  std::vector<Sent> taken(target.in_flight.begin(), target.in_flight.end());
  for (const auto& [task, sent] : target.aside) taken.push_back(sent);
  for (const Sent& sent : taken) abandoned_.erase(sent.task);
  std::sort(taken.begin(), taken.end(), [](const Sent& a, const Sent& b) {
    return a.sequence < b.sequence;
  });
  target.aside.clear();
  target.in_flight.clear();
  for (Lane& lane : target.lanes) lane.sent = lane.sent_bytes = 0;
  return taken;
}

std::vector<bool> CallTable::MayHaveRun(const Target& target,
                                        const ActorNews& news,
                                        const std::vector<Sent>& lost) {
  bool is_first = !target.announced;
  std::vector<bool> may_have_run;
  for (const Sent& sent : lost) {
    const bool heads = !sent.aside && std::exchange(is_first, false);
    may_have_run.push_back(
        sent.aside || news.unstarted == Unstarted::kUnknown ||
        (news.unstarted == Unstarted::kAllButFirst && heads));
  }
  return may_have_run;
}

void CallTable::Down(Target& target, const ActorNews& news, Produced& out) {
  const std::vector<Sent> lost = TakeInFlight(target);
  std::vector<Sent> again;
  const std::vector<bool> ran = MayHaveRun(target, news, lost);
  for (std::size_t i = 0; i < lost.size(); ++i) {
    const Sent& sent = lost[i];
    const bool may_have_run = ran[i];
    if (may_have_run) {
      out.lost_attempts.push_back({target.worker, sent.result});
    }
    const auto it = entries_.find(sent.task);
    if (it == entries_.end()) continue;
    if (Survives(it, may_have_run, news, out)) again.push_back(sent);
  }
  for (auto sent = again.rbegin(); sent != again.rend(); ++sent) {
    target.lanes[sent->lane].queue.push_front(sent->task);
  }
  Leave(target);
}

bool CallTable::Survives(Entries::iterator it, bool may_have_run,
                         const ActorNews& news, Produced& out) {
  Entry& entry = it->second;
  if (entry.cancelled) {
    SettleCancelled(
        it, may_have_run ? base::Executed::kMaybe : base::Executed::kNo, out);
    return false;
  }
  SetState(entry, State::kReady);
  if (!may_have_run) return true;  // if bound it fails at the next Up
  entry.maybe_ran = true;
  const bool has_retries =
      entry.retries_max < 0 || entry.attempt <= entry.retries_max;
  if (has_retries && entry.bound_incarnation == 0) {
    ++entry.attempt;
    return true;
  }
  Failure failure = news.failure;
  if (entry.bound_incarnation != 0) {
    failure.code = FailureCode::kActorRestarted;
  } else if (failure.code != FailureCode::kCoHosted) {
    failure.code = FailureCode::kWorkerDied;
  }
  failure.executed = base::Executed::kMaybe;
  failure.attempt = entry.attempt;
  failure.function = entry.method_name;
  Fill(entry, failure);
  Settle(it, std::move(failure), news.incarnation, out);
  return false;
}

void CallTable::FailRestarted(Entries::iterator it, Produced& out) {
  Entry& entry = it->second;
  Failure failure = base::MakeFailure(
      FailureCode::kActorRestarted,
      entry.maybe_ran ? base::Executed::kMaybe : base::Executed::kNo,
      "the call was bound to incarnation " +
          std::to_string(entry.bound_incarnation) + ", the actor lives as " +
          std::to_string(entry.target->incarnation));
  failure.function = entry.method_name;
  failure.incarnation = entry.target->incarnation;
  Settle(it, std::move(failure), entry.target->incarnation, out);
}

void CallTable::Die(Target& target, const ActorNews& news, Produced& out) {
  target.dead = true;
  target.cause = news.failure;
  target.cause.incarnation = news.incarnation;
  const std::vector<Sent> lost = TakeInFlight(target);
  std::vector<base::TaskId> queued;
  for (Lane& lane : target.lanes) {
    queued.insert(queued.end(), lane.queue.begin(), lane.queue.end());
    lane.queue.clear();
  }
  const std::vector<bool> ran = MayHaveRun(target, news, lost);
  for (std::size_t i = 0; i < lost.size(); ++i) {
    const Sent& sent = lost[i];
    const bool may_have_run = ran[i];
    if (may_have_run) {
      out.lost_attempts.push_back({target.worker, sent.result});
    }
    const auto it = entries_.find(sent.task);
    if (it == entries_.end()) continue;
    if (may_have_run) it->second.maybe_ran = true;
    if (it->second.cancelled) {
      SettleCancelled(it, base::Executed::kNo, out);
      continue;
    }
    Failure failure = target.cause;
    failure.executed =
        it->second.maybe_ran ? base::Executed::kMaybe : base::Executed::kNo;
    failure.attempt = it->second.attempt;
    Fill(it->second, failure);
    Settle(it, std::move(failure), news.incarnation, out);
  }
  for (const base::TaskId id : queued) {
    const auto it = entries_.find(id);
    if (it == entries_.end()) continue;
    if (it->second.state == State::kWaiting) out.abandoned.push_back(id);
    Failure failure = target.cause;
    failure.executed =
        it->second.maybe_ran ? base::Executed::kMaybe : base::Executed::kNo;
    if (failure.function.empty()) failure.function = it->second.method_name;
    Settle(it, std::move(failure), news.incarnation, out);
  }
  Leave(target);
}

void CallTable::Settle(Entries::iterator it, base::Outcome outcome,
                       std::int64_t incarnation, Produced& out) {
  Entry& entry = it->second;
  Target& target = *entry.target;
  deadlines_.Remove(entry.deadline, it->first);
  auto* const failure = std::get_if<Failure>(&outcome);
  if (failure != nullptr && entry.scope != nullptr && failure->trace.IsNil()) {
    failure->trace = entry.scope->trace;
  }
  out.Settle(entry.result, std::move(outcome), incarnation);
  --counts_[static_cast<std::size_t>(entry.state)];
  entries_.erase(it);
  MOBULA_CHECK(target.unfinished > 0);
  if (--target.unfinished == 0) drained_.push_back(target.id);
}

void CallTable::Fill(const Entry& entry, Failure& failure) const {
  if (failure.function.empty()) failure.function = entry.method_name;
  if (failure.node.empty()) failure.node = node_name_;
  if (failure.pid == 0) failure.pid = entry.target->pid;
  if (failure.attempt == 0) failure.attempt = entry.attempt;
  if (failure.incarnation == 0) {
    failure.incarnation = entry.target->incarnation;
  }
}

void CallTable::Tick(base::BootTime now, Produced& out) {
  while (const std::optional<base::TaskId> task = deadlines_.PopDue(now)) {
    const auto it = entries_.find(*task);
    MOBULA_CHECK(it != entries_.end());
    TimeOut(it, out);
  }
}

Failure CallTable::LateFailure(const Entry& entry) const {
  const bool may_have_run = entry.maybe_ran || entry.state == State::kInFlight;
  Failure failure = TimeoutFailure(
      may_have_run ? base::Executed::kMaybe : base::Executed::kNo, "call");
  if (entry.cancelled) failure = CancelledFailure(base::Executed::kMaybe);
  failure.function = entry.method_name;
  if (may_have_run) Fill(entry, failure);
  return failure;
}

void CallTable::TimeOut(Entries::iterator it, Produced& out) {
  const base::TaskId task = it->first;
  Entry& entry = it->second;
  entry.deadline = base::BootTime::Never();
  Failure failure = LateFailure(entry);
  const Target& target = *entry.target;
  if (entry.state != State::kInFlight || !entry.is_scoped) {
    Fail(task, std::move(failure), out);
    return;
  }
  // The time of its caller's scope is over: it is told to stop, and its place
  // is kept until it is answered.
  if (!entry.cancelled && (target.up || target.aside.contains(task))) {
    out.SendTo(target.worker,
               base::StopTask{task, /*recursive=*/true, target.id});
  }
  abandoned_[task] = target.id;
  Settle(it, std::move(failure), target.incarnation, out);
}

std::size_t CallTable::Unfinished(base::ActorId actor) const {
  const auto it = targets_.find(actor);
  return it == targets_.end() ? 0 : it->second.unfinished;
}

std::optional<base::ActorId> CallTable::PopDrained() {
  if (drained_.empty()) return std::nullopt;
  const base::ActorId actor = drained_.back();
  drained_.pop_back();
  return actor;
}

}  // namespace mobula::runtime
