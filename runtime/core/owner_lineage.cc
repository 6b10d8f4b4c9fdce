// The part of Owner that has lost results made again: docs/decisions/0013.
#include <utility>
#include <variant>

#include "base/check.h"
#include "runtime/core/emit.h"
#include "runtime/core/owner.h"

namespace mobula::runtime {
namespace {

using base::Failure;
using base::ObjectId;

// `why` is a part of a sentence.
Failure NotMadeAgain(Failure why) {
  why.message =
      "the value's bytes are gone and it is not made again: " + why.message;
  return why;
}

Failure OfAnActor() {
  return base::MakeFailure(
      base::FailureCode::kObjectLost, base::Executed::kYes,
      "an actor gave it, whose state has moved on since; call it again");
}

}  // namespace

void Owner::On(const ReportLost& report) {
  LoseBytes(report.object, report.extent);
  refs_.Watch(report.object.object);
}

void Owner::On(base::ProcessId from, const base::ObjectsLost& lost) {
  for (const base::LostBytes& one : lost.objects) {
    if (one.object.owner != options_.self) continue;
    LoseBytes(one.object, one.extent);
    // The raylet reads nothing itself.
    if (from != raylet_) refs_.Want(from, one.object.object);
  }
}

void Owner::LoseBytes(const base::ObjectName& name,
                      const base::Extent& extent) {
  if (name.owner != options_.self) {
    refs_.LoseBorrowed(name, extent);
    return;
  }
  const base::Outcome* outcome =
      refs_.Owns(name.object) ? refs_.Find(name.object) : nullptr;
  if (outcome == nullptr) return;  // it is being made, or nobody wants it
  const bool is_of_actor = refs_.IncarnationOf(name.object) > 0;
  if (refs_.Unsettle(name.object, extent)) MakeAgain(name.object, is_of_actor);
}

void Owner::MakeAgain(ObjectId object, bool is_of_actor) {
  if (const Failure* lost = Refusal()) {
    out_.Settle(object, *lost);
    return;
  }
  if (is_of_actor) {
    out_.Settle(object, NotMadeAgain(OfAnActor()));
    return;
  }
  Lineage::Planned planned = lineage_.Plan(
      object, [this](ObjectId needed) { return refs_.Owns(needed); });
  if (auto* failure = std::get_if<Failure>(&planned)) {
    out_.Settle(object, NotMadeAgain(std::move(*failure)));
  } else {
    RunAgain(std::get<0>(planned));
  }
}

void Owner::RunAgain(const std::vector<ObjectId>& objects) {
  // All of them first: they are one another's arguments.
  for (const ObjectId object : objects) {
    MOBULA_CHECK(remaking_.insert(object).second, "it is being made already");
    if (object == objects.front()) {
      refs_.Hold({object, options_.self});
    } else {
      refs_.Add(object, {base::TaskId(), ObjectMaker::Kind::kTask});
      refs_.MarkTraced(object);
    }
  }
  std::vector<std::vector<Arg>> args;
  args.reserve(objects.size());
  for (const ObjectId object : objects) args.push_back(HoldArgsOf(object));
  for (std::size_t i = 0; i < objects.size(); ++i) {
    SubmitAgain(objects[i], std::move(args[i]));
  }
}

std::vector<Arg> Owner::HoldArgsOf(ObjectId object) {
  const TaskSpec& spec = lineage_.Begin(object);
  std::vector<Arg> args;
  args.reserve(spec.args.size());
  std::vector<base::ObjectName> asked;
  for (const base::Value& value : spec.args) {
    Arg& arg = args.emplace_back();
    if (!value.is_stored()) {
      arg.value = value;
      continue;
    }
    arg.ref = value.name().object;
    if (value.name().owner == options_.self) continue;
    // Nothing may have referred to it here: its owner says whether it is there.
    refs_.Hold(value.name());
    asked.push_back(value.name());
  }
  arg_holds_.Hold(object, args);
  for (const base::ObjectName& name : asked) refs_.Release(name);
  return args;
}

void Owner::SubmitAgain(ObjectId object, std::vector<Arg> args) {
  const TaskSpec& spec = lineage_.SpecOf(object);
  Submit submit;
  submit.task = ids_.Next<base::TaskId>();
  submit.result = object;
  submit.function = spec.function;
  submit.function_name = spec.function_name;
  submit.name = spec.name;
  submit.resources = spec.resources;
  submit.placement = spec.placement;
  submit.retries_max = spec.retries_max;
  submit.retry_exceptions = spec.retry_exceptions;
  submit.is_coroutine = spec.is_coroutine;
  submit.timeout = spec.timeout;
  submit.attempt = lineage_.AttemptOf(object);
  tasks_.Add(submit, now_);
  std::optional<ResolvedArgs> resolved =
      arg_waits_.Begin(submit.task, std::move(args));
  if (resolved.has_value()) Deliver(submit.task, std::move(*resolved));
}

void Owner::CarryRefetches() {
  for (Refetch& refetch : std::exchange(out_.refetches, {})) {
    for (const base::LostBytes& lost : refetch.lost) {
      LoseBytes(lost.object, lost.extent);
    }
    // By their names: what is there now may lie elsewhere, or be short.
    std::vector<Arg> args;
    args.reserve(refetch.args.size());
    for (base::Value& value : refetch.args) {
      Arg& arg = args.emplace_back();
      if (value.is_stored()) {
        arg.ref = value.name().object;
      } else {
        arg.value = std::move(value);
      }
    }
    std::optional<ResolvedArgs> resolved =
        arg_waits_.Begin(refetch.task, std::move(args));
    if (resolved.has_value()) Deliver(refetch.task, std::move(*resolved));
  }
}

void Owner::NoteLineage(Settled& settled) {
  const ObjectId object = settled.object;
  if (settled.spec != nullptr) {
    if (!refs_.Owns(object)) return;  // nobody waits for it any more
    const base::Value* stored = base::StoredIn(settled.outcome);
    MOBULA_CHECK(stored != nullptr, "only what is stored can be lost");
    refs_.MarkTraced(object);
    Report(lineage_.Note(object, std::move(settled.spec),
                         {stored->size(), settled.digest}));
    return;
  }
  if (remaking_.empty() || !remaking_.contains(object)) return;
  Fingerprint print;
  const auto* value = std::get_if<base::Value>(&settled.outcome);
  if (value != nullptr) print.byte_count = value->size();
  Report(lineage_.End(object, settled.attempts,
                      value == nullptr ? nullptr : &print));
}

void Owner::Report(std::optional<Remade> remade) {
  if (!remade.has_value()) return;
  ++remade_;
  if (remade->differs) ++differing_;
  if (!raylet_.IsNil() && Refusal() == nullptr) {
    out_.SendTo(raylet_, base::ResultRemade{remade->object, remade->differs});
  }
  Emit(*out_.effects, *std::move(remade));
}

void Owner::ForgetLineage() {
  for (const ObjectTable::Forgotten& one :
       std::exchange(refs_.forgotten(), {})) {
    lineage_.Forgotten(one.object, one.lost_attempt);
  }
  for (const ObjectId object : std::exchange(lineage_.strays(), {})) {
    refs_.NoteLostAttempt(object);
  }
}

// What may be made again under its name is not freed by its name alone: that
// could meet the new value.
void Owner::NoteLostAttempt(ObjectId result) {
  if (!refs_.Owns(result) && lineage_.NoteStray(result)) return;
  refs_.NoteLostAttempt(result);
}

}  // namespace mobula::runtime
