#include "tests/ownership/program.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "base/bytes.h"
#include "base/check.h"
#include "base/frames/message.h"
#include "base/scheduling/resource_vector.h"
#include "tests/ownership/node.h"
#include "tests/ownership/truth.h"

namespace mobula::ownership {

using base::ObjectId;
using base::ObjectName;
using base::Value;

namespace {

constexpr base::FunctionId kFunction{1, 1};

}  // namespace

bool Program::HasWork() const {
  if (running_.has_value()) return waits_for_.IsNil();
  return deeds_ > 0;
}

void Program::Work() {
  if (running_.has_value()) {
    if (deeds_left_-- > 0) {
      DoSomething();
    } else {
      Finish();
    }
    return;
  }
  MOBULA_CHECK(deeds_ > 0);
  --deeds_;
  DoSomething();
}

void Program::DoSomething() {
  switch (node_.Random(16)) {
    case 0:
    case 1:
      return Put();
    case 2:
    case 3:
    case 4:
      return Submit();
    case 5:
      return Create();
    case 6:
    case 7:
    case 8:
      return Call();
    case 9:
    case 10:
    case 11:
      return Watch();
    case 12:
      return node_.Random(6) == 0 ? Steal() : Drop();
    case 13:
      switch (node_.Random(4)) {
        case 0:
          return EndActor();
        case 1:
          return Cancel();
        default:
          return Drop();
      }
    default:
      return Drop();
  }
}

// ---- handles ----------------------------------------------------------------

Program::Handle& Program::Own(ObjectId object) {
  Handle& handle = handles_[object];
  handle.owner = self_;
  return handle;
}

void Program::Take(const ObjectName& name) {
  Handle& handle = handles_[name.object];
  handle.owner = name.owner;
  ++handle.count;
  node_.Do(self_, runtime::HoldObject{name});
}

void Program::Let(ObjectId object) {
  const auto found = handles_.find(object);
  MOBULA_CHECK(found != handles_.end());
  if (--found->second.count == 0) handles_.erase(found);
  node_.Do(self_, runtime::DropObject{object});
}

std::optional<ObjectName> Program::SomeHandle() {
  if (handles_.empty()) return std::nullopt;
  auto it = handles_.begin();
  std::advance(it, static_cast<std::ptrdiff_t>(node_.Random(handles_.size())));
  return ObjectName{it->first, it->second.owner};
}

void Program::Drop() {
  const std::optional<ObjectName> name = SomeHandle();
  if (name.has_value()) Let(name->object);
}

void Program::Watch() {
  const std::optional<ObjectName> name = SomeHandle();
  if (!name.has_value() || !watches_.insert(name->object).second) return;
  if (running_.has_value() && node_.Random(2) == 0) {
    waits_for_ = name->object;
    node_.Say(self_, base::TaskBlocked{true});
  }
  node_.Do(self_, runtime::Watch{name->object});
}

void Program::OnReady(const runtime::Ready& ready) {
  if (watches_.erase(ready.object) == 0) {
    node_.truth().Wrong("an outcome is told that nobody waits for");
  }
  const auto found = handles_.find(ready.object);
  const base::Value* stored = base::StoredIn(ready.outcome);
  if (found != handles_.end() && stored != nullptr &&
      node_.truth().IsLost(stored->extent())) {
    watches_.insert(ready.object);
    node_.Do(self_, runtime::ReportLost{stored->name(), stored->extent()});
    return;
  }
  if (ready.object == waits_for_) GiveUpWaiting();
  if (found == handles_.end()) return;  // it may be free by now
  node_.truth().Read({ready.object, found->second.owner}, ready.outcome);
  const auto* value = std::get_if<Value>(&ready.outcome);
  if (value == nullptr) return;
  for (const ObjectName& name : value->refs()) {
    if (node_.Random(3) != 0) Take(name);
  }
}

bool Program::GiveUpWaiting() {
  if (waits_for_.IsNil()) return false;
  waits_for_ = ObjectId();
  node_.Say(self_, base::TaskBlocked{false});
  return true;
}

// Of what it has made, or borrows: finished or not, a task's or not.
void Program::Cancel() {
  const std::optional<ObjectName> name = SomeHandle();
  if (!name.has_value()) return;
  runtime::Cancel cancel;
  cancel.request = ids_.Next<base::RequestId>();
  cancel.object = *name;
  cancel.force = node_.Random(4) == 0;
  cancel.recursive = node_.Random(3) != 0;
  cancels_.insert(cancel.request);
  node_.Do(self_, cancel);
}

void Program::OnCancelReady(const runtime::CancelReady& ready) {
  if (cancels_.erase(ready.request) == 0) {
    node_.truth().Wrong("a cancel is answered that nobody waits for");
  }
}

void Program::OnStop(base::TaskId task) {
  if (!running_.has_value() || running_->task != task) {
    node_.truth().Wrong("what does not run is told to stop");
    return;
  }
  if (node_.Random(2) == 0) return;
  deeds_left_ = 0;
  GiveUpWaiting();
}

// A name that came by a way on which nobody keeps its object.
void Program::Steal() {
  const std::optional<ObjectName> name = node_.SomeName();
  if (!name.has_value()) return;
  node_.truth().NoteStolen(name->object);
  Take(*name);
}

void Program::DropAll() {
  while (!handles_.empty()) Let(handles_.begin()->first);
  while (!actors_.empty()) {
    const base::ActorId actor = actors_.begin()->first;
    actors_.erase(actors_.begin());
    node_.Do(self_, runtime::DropActor{actor});
  }
}

// ---- values -----------------------------------------------------------------

std::vector<ObjectName> Program::SomeRefs() {
  std::vector<ObjectName> refs;
  const std::uint64_t count = node_.Random(40) == 0 ? 30 : node_.Random(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::optional<ObjectName> name = SomeHandle();
    if (name.has_value()) refs.push_back(*name);
  }
  return refs;
}

// Of the object `name`, or, where that is nil, of no object.
Value Program::SomeValue(const ObjectName& name) {
  const std::vector<ObjectName> refs = SomeRefs();
  const base::Bytes bytes =
      Truth::Label(name.object, std::to_string(++labels_), refs);
  if (!name.object.IsNil() && node_.Random(3) == 0) {
    const std::optional<base::Extent> extent =
        node_.Write(self_, name.object, bytes);
    if (extent.has_value()) return Value::Stored(name, *extent, refs);
  }
  return {bytes, refs};
}

void Program::Put() {
  const auto object = ids_.Next<ObjectId>();
  Value value = SomeValue({object, self_});
  node_.truth().NotePut(object, !value.refs().empty());
  NoteResult(object);
  node_.Do(self_, runtime::Put{object, std::move(value)});
}

std::vector<runtime::Arg> Program::SomeArgs() {
  std::vector<runtime::Arg> args;
  const std::uint64_t count = node_.Random(3);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::optional<ObjectName> name = SomeHandle();
    if (name.has_value() && node_.Random(2) == 0) {
      args.push_back({name->object, {}});
    } else {
      args.push_back({{}, SomeValue({})});
    }
  }
  return args;
}

base::Duration Program::SomeTimeout() {
  if (node_.Random(8) != 0) return base::Duration::max();
  return std::chrono::milliseconds(node_.Random(30));
}

void Program::Submit() {
  runtime::Submit submit;
  submit.task = ids_.Next<base::TaskId>();
  submit.result = ids_.Next<ObjectId>();
  submit.function = kFunction;
  submit.function_name = "Function";
  submit.args = SomeArgs();
  submit.resources = base::ResourceVector::Cpus(1);
  submit.retries_max = static_cast<std::int32_t>(node_.Random(3));
  submit.timeout = SomeTimeout();
  if (running_.has_value()) submit.parent = running_->task;
  NoteResult(submit.result);
  node_.Do(self_, std::move(submit));
}

void Program::Create() {
  constexpr std::size_t kActorsMax = 2;
  if (actors_.size() >= kActorsMax) return Call();
  runtime::Create create;
  create.actor = ids_.Next<base::ActorId>();
  create.task = ids_.Next<base::TaskId>();
  create.constructor = kFunction;
  create.class_name = "Actor";
  create.args = SomeArgs();
  create.restarts_max = static_cast<std::int32_t>(node_.Random(3));
  Made& made = actors_[create.actor];
  for (const runtime::Arg& arg : create.args) {
    if (arg.ref.IsNil()) {
      const auto& refs = arg.value.refs();
      made.held.insert(made.held.end(), refs.begin(), refs.end());
    } else {
      made.held.push_back({arg.ref, handles_.at(arg.ref).owner});
    }
  }
  node_.Do(self_, std::move(create));
}

void Program::Call() {
  if (actors_.empty()) return Submit();
  auto it = actors_.begin();
  std::advance(it, static_cast<std::ptrdiff_t>(node_.Random(actors_.size())));
  runtime::Call call;
  call.actor = it->first;
  call.task = ids_.Next<base::TaskId>();
  call.result = ids_.Next<ObjectId>();
  call.method = kFunction;
  call.method_name = "Actor::Method";
  call.args = SomeArgs();
  call.retries_max = static_cast<std::int32_t>(node_.Random(3));
  call.timeout = SomeTimeout();
  if (running_.has_value()) call.parent = running_->task;
  NoteResult(call.result);
  node_.Do(self_, std::move(call));
}

void Program::EndActor() {
  if (actors_.empty()) return;
  const base::ActorId actor = actors_.begin()->first;
  if (node_.Random(3) == 0) {
    node_.Do(self_, runtime::Kill{actor, node_.Random(2) == 0});
    return;
  }
  actors_.erase(actors_.begin());
  node_.Do(self_, runtime::DropActor{actor});
}

void Program::OnActorChanged(const runtime::ActorChanged& changed) {
  const auto found = actors_.find(changed.actor);
  if (found != actors_.end() && changed.dead) found->second.held.clear();
}

std::vector<ObjectName> Program::HeldForActors() const {
  std::vector<ObjectName> held;
  for (const auto& [actor, made] : actors_) {
    held.insert(held.end(), made.held.begin(), made.held.end());
  }
  return held;
}

// ---- what it runs -----------------------------------------------------------

void Program::OnExecute(runtime::Execute execute) {
  MOBULA_CHECK(!running_.has_value(), "two things run at once");
  is_actor_ = is_actor_ || !execute.actor.IsNil();
  deeds_left_ = static_cast<int>(node_.Random(6));
  running_ = std::move(execute);
  missed_.clear();
  // A copy: what is reported may end this process, or what runs.
  const std::vector<Value> args = running_->args;
  for (const Value& arg : args) {
    if (!CanRead(arg)) continue;
    node_.truth().ReadArgument(arg);
    for (const ObjectName& name : arg.refs()) {
      if (node_.Random(3) != 0) Take(name);
    }
  }
}

bool Program::CanRead(const Value& argument) {
  if (!argument.is_stored()) return true;
  if (!node_.truth().IsLost(argument.extent())) return true;
  if (running_->actor.IsNil()) {
    missed_.push_back({argument.name(), argument.extent()});
    deeds_left_ = 0;
  } else if (watches_.insert(argument.name().object).second) {
    node_.Do(self_, runtime::ReportLost{argument.name(), argument.extent()});
  }
  return false;
}

base::Outcome Program::SomeOutcome(const runtime::Execute& execute) {
  if (node_.Random(12) == 0) {
    return base::MakeFailure(base::FailureCode::kUserException,
                             base::Executed::kYes, "it threw");
  }
  if (execute.result.IsNil()) return Value();
  return SomeValue({execute.result, execute.owner});
}

void Program::Finish() {
  const runtime::Execute execute = std::move(*running_);
  running_.reset();
  runtime::Executed executed;
  executed.task = execute.task;
  if (missed_.empty()) {
    executed.outcome = SomeOutcome(execute);
  } else {
    executed.outcome = base::NotRun(base::FailureCode::kObjectLost, "missed");
    executed.lost = std::move(missed_);
    missed_.clear();
  }
  executed.run_ns = 1'000;
  executed.exit_actor = !execute.actor.IsNil() && !execute.is_constructor &&
                        node_.Random(20) == 0;
  node_.Do(self_, std::move(executed));
  if (!is_actor_) {
    DropAll();
    return;
  }
  while (!handles_.empty() && node_.Random(3) != 0) Drop();
}

}  // namespace mobula::ownership
