#include "tests/sim/owner_tap.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>
#include <variant>

#include "tests/ownership/truth.h"

namespace mobula::sim {

namespace {

// As long an owner waits for the raylet's word, and for the end of the link
// (runtime/core/worker_loss.h).
constexpr base::Duration kWordPatience = std::chrono::seconds(1);
constexpr base::Duration kLinkPatience = std::chrono::milliseconds(50);

}  // namespace

std::vector<runtime::Event> OwnerTap::OnEvent(runtime::Event event,
                                              base::BootTime now) {
  std::vector<runtime::Event> events;
  OnTimePassed(now);
  if (auto* received = std::get_if<runtime::Received>(&event)) {
    if (auto* call = std::get_if<base::CallActor>(&received->message)) {
      if (SwapCalls(received->from, *call, events)) return events;
    } else if (auto* done = std::get_if<base::TaskDone>(&received->message)) {
      OnTaskDone(received->from, *done);
    } else if (const auto* aside =
                   std::get_if<base::TaskAside>(&received->message)) {
      OnTaskAside(received->from, aside->task);
    } else if (const auto* lost =
                   std::get_if<base::LeaseLost>(&received->message)) {
      OnWorkerLost(lost->worker, events);
      OnSign(lost->worker, now + kLinkPatience);
    }
  } else if (const auto* lost = std::get_if<runtime::PeerLost>(&event)) {
    OnWorkerLost(lost->process, events);
    OnSign(lost->process, now + kWordPatience);
  }
  events.push_back(std::move(event));
  return events;
}

// The second sign that a worker is gone is waited for until then.
void OwnerTap::OnSign(base::ProcessId worker, base::BootTime overdue) {
  const bool is_first = lost_.insert(worker).second;
  workers_[worker].overdue = is_first ? overdue : base::BootTime::Never();
}

void OwnerTap::OnTaskDone(base::ProcessId from, const base::TaskDone& done) {
  std::erase_if(workers_[from].unanswered,
                [&done](const Sent& sent) { return sent.task == done.task; });
}

void OwnerTap::OnTaskAside(base::ProcessId from, base::TaskId task) {
  for (Sent& sent : workers_[from].unanswered) {
    if (sent.task == task) sent.aside = true;
  }
}

// Those that may be charged are what stands aside and the first other
// unanswered one, of each actor where several live there. Answers may come
// between the two signs of a loss, so there may be a second first one.
void OwnerTap::OnWorkerLost(base::ProcessId worker,
                            std::vector<runtime::Event>& events) {
  const auto found = workers_.find(worker);
  if (found == workers_.end() || found->second.unanswered.empty()) return;
  Worker& lost = found->second;
  std::set<base::ActorId> seen;
  for (const Sent& sent : lost.unanswered) {
    if (sent.aside || seen.insert(sent.actor).second) Charge(lost, sent);
  }
  if (lost.unanswered.size() < 2 || !plants_.Is(Plant::kChargedUnstarted)) {
    return;
  }
  const Sent second = lost.unanswered[1];
  base::Failure failure;
  failure.code = base::FailureCode::kWorkerDied;
  failure.message = "planted";
  events.push_back(runtime::Received{worker, base::TaskDone{second.task,
                                                            second.attempt,
                                                            failure,
                                                            second.incarnation,
                                                            0,
                                                            false,
                                                            0,
                                                            {}}});
}

void OwnerTap::Charge(Worker& worker, const Sent& sent) {
  if (!worker.charged.insert(sent.task).second) return;
  if (const auto index = ledger_.FindByTask(sent.task)) {
    ++ledger_.operation(*index).losses;
  }
}

// With one sign alone the worker may have gone on, unseen: any may have run.
void OwnerTap::OnTimePassed(base::BootTime now) {
  for (auto& [id, worker] : workers_) {
    if (now < worker.overdue) continue;
    worker.overdue = base::BootTime::Never();
    for (const Sent& sent : worker.unanswered) Charge(worker, sent);
  }
}

bool OwnerTap::SwapCalls(base::ProcessId from, base::CallActor& call,
                         std::vector<runtime::Event>& events) {
  const auto held = held_calls_.find(from);
  if (held != held_calls_.end()) {
    base::CallActor earlier = std::move(held->second);
    held_calls_.erase(held);
    std::swap(earlier.sequence, call.sequence);
    events.push_back(runtime::Received{from, call});
    events.push_back(runtime::Received{from, std::move(earlier)});
    return true;
  }
  if (!plants_.Strikes(Plant::kFifoBreak)) return false;
  held_calls_.emplace(from, call);
  return true;
}

bool OwnerTap::OnEffect(runtime::Effect& effect) {
  if (auto* send = std::get_if<runtime::Send>(&effect)) {
    NoteSent(send->to, send->message);
    PlantLoss(*send);
    return !std::holds_alternative<base::TaskDone>(send->message) ||
           !plants_.Strikes(Plant::kLostReply, 32);
  }
  if (auto* ready = std::get_if<runtime::Ready>(&effect)) {
    DistortReady(*ready);
  }
  return true;
}

void OwnerTap::PlantLoss(runtime::Send& send) {
  auto* returned = std::get_if<base::ReturnObjects>(&send.message);
  if (returned != nullptr && plants_.Is(Plant::kReturnedTwice)) {
    for (base::ReturnedObject& one : returned->objects) one.lent_count *= 2;
  }
  if (!plants_.Is(Plant::kLostReference)) return;
  std::vector<base::ObjectId> sent =
      ownership::ThirdPartyRefs(self_, send.to, send.message);
  if (sent.empty()) return;
  planted_.push_back(
      runtime::Received{send.to, base::ObjectsTaken{std::move(sent)}});
}

void OwnerTap::NoteSent(base::ProcessId to, const base::Message& message) {
  Sent sent;
  sent.worker = to;
  const auto* const run = std::get_if<base::RunTask>(&message);
  if (run != nullptr) {
    sent.task = run->task;
    sent.attempt = run->attempt;
  } else if (const auto* create = std::get_if<base::CreateActor>(&message)) {
    sent.task = create->task;
    sent.actor = create->actor;
    sent.incarnation = create->incarnation;
  } else if (const auto* call = std::get_if<base::CallActor>(&message)) {
    sent.task = call->task;
    sent.actor = call->actor;
    sent.attempt = call->attempt;
    sent.incarnation = call->incarnation;
  } else {
    return;
  }
  if (run != nullptr && ledger_.NoteRunAgain(run->result, run->task)) {
    truth_.NoteMadeAnew(run->result);
  }
  workers_[to].unanswered.push_back(sent);
  const auto index = ledger_.FindByTask(sent.task);
  if (!index.has_value()) return;
  ++ledger_.operation(*index).sent;
  if (plants_.Is(Plant::kStaleIncarnation)) PlantStaleAnswer(*index, sent);
}

// What an earlier incarnation would have answered, had it not died first, is
// taken for the answer of the one that the call has just been sent to.
void OwnerTap::PlantStaleAnswer(OpIndex index, const Sent& sent) {
  if (ledger_.operation(index).kind != OpKind::kCall) return;
  for (const std::size_t run : ledger_.operation(index).executions) {
    const Execution& execution = ledger_.executions()[run];
    if (!execution.finished || execution.threw) continue;
    planted_.push_back(runtime::Received{
        sent.worker, base::TaskDone{sent.task,
                                    sent.attempt,
                                    base::Bytes::Own(execution.value),
                                    sent.incarnation,
                                    0,
                                    false,
                                    0,
                                    {}}});
  }
}

void OwnerTap::DistortReady(runtime::Ready& ready) {
  const bool again = !ready_.insert(ready.object).second;
  if (plants_.Is(Plant::kDoubleOutcome) && again) {
    ready.outcome = base::Bytes::Own("another");
  }
  auto* failure = std::get_if<base::Failure>(&ready.outcome);
  if (failure != nullptr && plants_.Is(Plant::kFalseClaim) &&
      failure->executed == base::Executed::kMaybe) {
    failure->executed = base::Executed::kNo;
  }
}

}  // namespace mobula::sim
