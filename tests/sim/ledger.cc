#include "tests/sim/ledger.h"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <utility>

#include "base/check.h"
#include "base/value.h"
#include "tests/ownership/truth.h"

namespace mobula::sim {
namespace {

constexpr const char* kKindNames[] = {"task", "constructor", "call", "put"};

std::string Number(std::int64_t number) { return std::to_string(number); }

}  // namespace

OpIndex Ledger::Ask(Operation operation, base::BootTime now) {
  const OpIndex index = operations_.size();
  operation.asked_at = now;
  if (operation.kind == OpKind::kPut) {
    operation.has_value = true;
    ++objects_;
  } else {
    operation.rank = index + 1;
  }
  if (operation.kind == OpKind::kCall) {
    operation.order = ++orders_[{operation.owner, operation.actor}];
  }
  if (!operation.result.IsNil()) {
    MOBULA_CHECK(by_result_.emplace(operation.result, index).second);
  }
  if (!operation.task.IsNil()) {
    MOBULA_CHECK(by_task_.emplace(operation.task, index).second);
  }
  operations_.push_back(std::move(operation));
  return index;
}

void Ledger::AskActor(base::ActorId actor, ActorRecord record) {
  MOBULA_CHECK(actors_.emplace(actor, std::move(record)).second);
}

std::optional<OpIndex> Ledger::FindByResult(base::ObjectId result) const {
  const auto found = by_result_.find(result);
  if (found == by_result_.end()) return std::nullopt;
  return found->second;
}

std::optional<OpIndex> Ledger::FindByTask(base::TaskId task) const {
  const auto found = by_task_.find(task);
  if (found == by_task_.end()) return std::nullopt;
  return found->second;
}

std::uint64_t Ledger::RankOf(base::ObjectId object) const {
  const std::optional<OpIndex> index = FindByResult(object);
  return index.has_value() ? operations_[*index].rank : 0;
}

std::string Ledger::Describe(OpIndex index) const {
  const Operation& op = operations_.at(index);
  std::ostringstream out;
  out << kKindNames[static_cast<int>(op.kind)] << " #" << index << " (task "
      << std::hex << op.task.lo << ", owner p" << op.owner.lo << std::dec;
  if (!op.actor.IsNil()) {
    out << ", actor " << std::hex << op.actor.lo << std::dec;
  }
  if (op.order != 0) out << ", order " << op.order;
  out << ", retries " << op.retries_max << ", runs " << op.executions.size()
      << ')';
  return out.str();
}

std::size_t Ledger::Start(OpIndex index, Execution execution,
                          const std::vector<base::Value>& args) {
  execution.operation = index;
  CheckAttempts(index, execution);
  CheckArgs(index, args);
  if (!operations_[index].actor.IsNil()) {
    CheckHost(index, execution);
    if (operations_[index].kind == OpKind::kCall) {
      CheckCallOrder(index, execution);
    }
  }
  operations_[index].executions.push_back(executions_.size());
  executions_.push_back(std::move(execution));
  return executions_.size() - 1;
}

void Ledger::CheckAttempts(OpIndex index, const Execution& execution) {
  const Operation& op = operations_[index];
  if (op.outcome.has_value()) {
    const auto* failure = std::get_if<base::Failure>(&*op.outcome);
    if (failure != nullptr && failure->executed == base::Executed::kNo) {
      verdict_.Violate("claim", Describe(index) +
                                    " starts after it was said that it never"
                                    " ran: " +
                                    base::DescribeFailure(*failure));
    }
  }
  // A constructor runs once for each incarnation.
  const auto runs = static_cast<std::int64_t>(op.executions.size()) + 1;
  if (op.kind != OpKind::kConstructor && op.retries_max >= 0 &&
      runs > op.retries_max + 1) {
    verdict_.Violate(
        "I11", Describe(index) + " starts for the " + Number(runs) + "th time");
  }
  for (const std::size_t earlier : op.executions) {
    const Execution& other = executions_[earlier];
    const bool same_incarnation =
        !op.actor.IsNil() && other.incarnation == execution.incarnation;
    if (same_incarnation) {
      verdict_.Violate("I4", Describe(index) + " runs twice in incarnation " +
                                 Number(execution.incarnation));
    } else if (op.actor.IsNil() && other.attempt == execution.attempt &&
               other.worker == execution.worker) {
      verdict_.Violate("I4", Describe(index) + " runs attempt " +
                                 Number(execution.attempt) + " twice");
    }
  }
}

void Ledger::CheckHost(OpIndex index, const Execution& execution) {
  const Operation& op = operations_[index];
  ActorRecord& actor = actors_.at(op.actor);
  const bool is_new = !actor.incarnations.contains(execution.incarnation);
  Incarnation& incarnation = actor.incarnations[execution.incarnation];
  if (op.kind == OpKind::kConstructor) {
    if (!is_new) {
      verdict_.Violate("I3", Describe(index) + " makes incarnation " +
                                 Number(execution.incarnation) + " again");
    }
    incarnation.host = execution.worker;
    const auto made = static_cast<std::int64_t>(actor.incarnations.size());
    const std::int32_t free = actor.detached ? nodes_lost_ : 0;
    // What is not counted is known by its reports (SeeReport).
    if (!actor.shared && actor.restarts_max >= 0 &&
        made > actor.restarts_max + 1 + free) {
      verdict_.Violate("I11", Describe(index) + " makes the " + Number(made) +
                                  "th incarnation, restarts_max " +
                                  Number(actor.restarts_max));
    }
    return;
  }
  if (!incarnation.constructed || incarnation.host != execution.worker) {
    verdict_.Violate("I3", Describe(index) + " runs in incarnation " +
                               Number(execution.incarnation) +
                               " where that was not made");
  }
  // One that the store has given up may run on, cut off, on a node of its own.
  const auto latest = std::prev(actor.incarnations.end());
  if (actor.detached && nodes_lost_ == 0 &&
      latest->first > execution.incarnation && latest->second.constructed) {
    verdict_.Violate("I3", Describe(index) + " runs in incarnation " +
                               Number(execution.incarnation) +
                               ", and incarnation " + Number(latest->first) +
                               " lives");
  }
  if (op.bound_incarnation != 0 &&
      op.bound_incarnation != execution.incarnation) {
    verdict_.Violate("bound", Describe(index) + " is bound to incarnation " +
                                  Number(op.bound_incarnation) +
                                  " and runs in " +
                                  Number(execution.incarnation));
  }
}

void Ledger::CheckCallOrder(OpIndex index, const Execution& execution) {
  const Operation& op = operations_[index];
  Incarnation& incarnation =
      actors_.at(op.actor).incarnations[execution.incarnation];
  ++incarnation.calls_run;
  std::uint64_t& last = incarnation.last_order[op.owner];
  if (op.order <= last) {
    verdict_.Violate("I4", Describe(index) + " starts after call " +
                               std::to_string(last) + " of its caller");
  }
  last = std::max(last, op.order);
}

void Ledger::CheckArgs(OpIndex index, const std::vector<base::Value>& args) {
  const Operation& op = operations_[index];
  // The first argument names the operation.
  if (args.size() != op.dependencies.size() + op.passed.size() + 1) {
    verdict_.Violate("I20", Describe(index) + " got " +
                                Number(static_cast<int>(args.size())) +
                                " arguments");
    return;
  }
  for (std::size_t i = 0; i < op.dependencies.size(); ++i) {
    const Operation& dependency = operations_[op.dependencies[i]];
    const std::string_view value = args[i + 1].view();
    bool is_known = dependency.kind == OpKind::kPut;
    for (const std::size_t run : dependency.executions) {
      is_known |= executions_[run].finished && executions_[run].value == value;
    }
    if (dependency.outcome.has_value() && !dependency.may_differ()) {
      const auto* settled = std::get_if<base::Value>(&*dependency.outcome);
      const auto* failure = std::get_if<base::Failure>(&*dependency.outcome);
      if (settled != nullptr) is_known = settled->view() == value;
      // Who could not read it when the raylet died had passed it on before.
      if (failure != nullptr &&
          failure->code != base::FailureCode::kRayletDied) {
        is_known = false;
      }
    }
    if (!is_known) {
      verdict_.Violate("I2", Describe(index) + " got \"" + std::string(value) +
                                 "\" for " + Describe(op.dependencies[i]));
    }
  }
}

base::Outcome Ledger::Finish(std::size_t number,
                             const std::vector<base::ObjectName>& refs) {
  Execution& execution = executions_.at(number);
  Operation& op = operations_[execution.operation];
  MOBULA_CHECK(!execution.finished);
  execution.finished = true;
  execution.threw = op.behaviour.throws;
  if (!op.actor.IsNil()) {
    ActorRecord& actor = actors_.at(op.actor);
    if (op.kind == OpKind::kConstructor) {
      actor.incarnations[execution.incarnation].constructed = !execution.threw;
      actor.constructor_threw |= execution.threw;
    }
    actor.exited |= op.behaviour.exit_actor;
  }
  if (execution.threw) {
    base::Failure failure;
    failure.code = base::FailureCode::kUserException;
    failure.executed = base::Executed::kYes;
    failure.message = "run " + std::to_string(number);
    failure.exception_type = "std::runtime_error";
    return failure;
  }
  if (!op.has_value && !op.result.IsNil()) ++objects_;
  op.has_value = true;
  base::Value value(
      ownership::Truth::Label(op.result, "v" + std::to_string(number), refs),
      refs);
  execution.value = std::string(value.view());
  by_value_[execution.value] = number;
  return value;
}

void Ledger::Settle(OpIndex index, const base::Outcome& outcome,
                    std::int64_t incarnation, base::BootTime now) {
  Operation& op = operations_.at(index);
  if (op.outcome.has_value()) {
    if (*op.outcome == outcome && op.outcome_incarnation == incarnation) return;
    // What is made anew is judged as any outcome.
    if (!op.may_differ()) {
      verdict_.Violate("I2", Describe(index) + " changed its outcome");
      return;
    }
  } else if (op.kind != OpKind::kPut) {
    ++settled_;
  }
  op.outcome = outcome;
  op.outcome_incarnation = incarnation;
  op.settled_at = now;
  if (const auto* value = std::get_if<base::Value>(&outcome)) {
    if (op.kind != OpKind::kPut) {
      CheckAnswer(index, value->view(), incarnation);
    }
  } else {
    CheckClaim(index, std::get<base::Failure>(outcome));
  }
  CheckCancelled(index);
}

void Ledger::NoteCancelled(OpIndex index) {
  operations_.at(index).cancelled = true;
  CheckCancelled(index);
}

bool Ledger::NoteRunAgain(base::ObjectId result, base::TaskId task) {
  const std::optional<OpIndex> index = FindByResult(result);
  if (!index.has_value() || !by_task_.emplace(task, *index).second) {
    return false;
  }
  operations_[*index].run_again = true;
  return true;
}

void Ledger::NoteBytesLost(base::ObjectId result) {
  const std::optional<OpIndex> index = FindByResult(result);
  if (index.has_value()) ++operations_[*index].bytes_lost;
}

void Ledger::NoteStoreFull(base::ObjectId result, base::TaskId task) {
  // Run again it has another task's name, and a constructor has no result.
  std::optional<OpIndex> index = FindByResult(result);
  if (!index.has_value()) index = FindByTask(task);
  if (index.has_value()) ++operations_[*index].store_full;
}

// What was said to be cancelled has no other outcome, but that of all when
// their raylet dies.
void Ledger::CheckCancelled(OpIndex index) {
  const Operation& op = operations_[index];
  if (!op.cancelled || !op.outcome.has_value()) return;
  // It was cancelled while it was made anew.
  if (op.may_differ() && std::holds_alternative<base::Value>(*op.outcome)) {
    return;
  }
  const auto* failure = std::get_if<base::Failure>(&*op.outcome);
  if (failure != nullptr && (failure->code == base::FailureCode::kCancelled ||
                             failure->code == base::FailureCode::kRayletDied)) {
    return;
  }
  verdict_.Violate("cancel", Describe(index) +
                                 " was said to be cancelled, and has another"
                                 " outcome");
}

bool Ledger::MayBeCancelled(const Operation& operation) const {
  if (operation.cancels > 0) return true;
  const Operation* op = &operation;
  while (!op->parent.IsNil()) {
    const std::optional<OpIndex> parent = FindByTask(op->parent);
    if (!parent.has_value()) return false;
    op = &operations_[*parent];
    if (op->recursive_cancels > 0) return true;
  }
  return false;
}

void Ledger::CheckAnswer(OpIndex index, std::string_view value,
                         std::int64_t incarnation) {
  const Operation& op = operations_[index];
  const auto found = by_value_.find(value);
  if (found == by_value_.end() ||
      executions_[found->second].operation != index) {
    verdict_.Violate("I1", Describe(index) + " got \"" + std::string(value) +
                               "\", which it never returned");
    return;
  }
  if (op.actor.IsNil()) return;
  const Execution& execution = executions_[found->second];
  if (execution.incarnation != incarnation) {
    verdict_.Violate("I3", Describe(index) + " was answered by incarnation " +
                               Number(execution.incarnation) +
                               ", and said to be by " + Number(incarnation));
  }
}

void Ledger::Answer(OpIndex index, std::int64_t incarnation) {
  Operation& op = operations_.at(index);
  if (op.actor.IsNil() || std::exchange(op.answered, true)) return;
  Seen& seen = seen_[{op.owner, op.actor}];
  if (incarnation < seen.answered) {
    verdict_.Violate("I3", Describe(index) + ": incarnation " +
                               Number(incarnation) + " answers after " +
                               Number(seen.answered));
  }
  seen.answered = std::max(seen.answered, incarnation);
}

void Ledger::CheckClaim(OpIndex index, const base::Failure& failure) {
  const Operation& op = operations_[index];
  const bool ran = !op.executions.empty();
  if (failure.executed == base::Executed::kNo && ran) {
    verdict_.Violate("claim", Describe(index) + " ran, and was said not to: " +
                                  base::DescribeFailure(failure));
  }
  if (failure.executed == base::Executed::kYes && !ran) {
    if (MayInherit(op)) return;
    verdict_.Violate("claim", Describe(index) +
                                  " never ran, and was said to have: " +
                                  base::DescribeFailure(failure));
  }
}

// A failed argument is the outcome of the call too, claims and all; one of the
// constructor is that of all calls.
bool Ledger::MayInherit(const Operation& op) const {
  const auto may_fail = [this](OpIndex index) {
    const auto& outcome = operations_[index].outcome;
    return !outcome.has_value() || operations_[index].may_differ() ||
           std::holds_alternative<base::Failure>(*outcome);
  };
  if (std::any_of(op.dependencies.begin(), op.dependencies.end(), may_fail)) {
    return true;
  }
  for (const base::ObjectName& passed : op.passed) {
    const std::optional<OpIndex> index = FindByResult(passed.object);
    if (index.has_value() && may_fail(*index)) return true;
  }
  return op.kind == OpKind::kCall &&
         MayInherit(operations_[actors_.at(op.actor).constructor]);
}

void Ledger::SeeActor(base::ProcessId process, base::ActorId actor,
                      std::int64_t incarnation, bool dead) {
  Seen& seen = seen_[{process, actor}];
  const std::string name = "actor " + std::to_string(actor.lo);
  if (incarnation < seen.announced) {
    verdict_.Violate("I8", name + " went back from incarnation " +
                               Number(seen.announced) + " to " +
                               Number(incarnation));
  }
  if (seen.dead && !dead) {
    verdict_.Violate("I9", name + " is alive again");
  }
  seen.announced = std::max(seen.announced, incarnation);
  seen.dead |= dead;
}

void Ledger::ForgetActor(base::ProcessId process, base::ActorId actor) {
  Seen& seen = seen_[{process, actor}];
  seen.announced = 0;
  seen.dead = false;
}

void Ledger::SeeReport(const base::ActorReport& report) {
  const auto found = actors_.find(report.actor);
  if (found == actors_.end() || !found->second.shared) return;
  const ActorRecord& actor = found->second;
  if (report.restarts > actor.charged + actor.kills ||
      (actor.restarts_max >= 0 && report.restarts > actor.restarts_max)) {
    verdict_.Violate("I11", "shared actor " + report.actor.ToString() +
                                " has counted " + Number(report.restarts) +
                                " restarts, was charged " +
                                Number(actor.charged) + " and killed " +
                                Number(actor.kills) + " times");
  }
}

void Ledger::LoseProcess(base::ProcessId process) {
  for (auto& [id, actor] : actors_) {
    for (const auto& [number, incarnation] : actor.incarnations) {
      if (incarnation.host == process) ++actor.hosts_lost;
    }
  }
}

}  // namespace mobula::sim
