#include "api/mobula/detail/calls.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "api/mobula/coro/detail/arrivals.h"
#include "api/mobula/coro/detail/object_wait.h"
#include "api/mobula/coro/detail/setting.h"
#include "api/mobula/detail/handles.h"
#include "api/mobula/detail/named_actors.h"
#include "api/mobula/detail/quantities.h"
#include "api/mobula/detail/running.h"
#include "api/mobula/detail/session.h"
#include "api/mobula/error.h"
#include "api/mobula/values/encoding.h"
#include "api/mobula/values/put_options.h"
#include "api/mobula/verbs/detail/spawn_place.h"
#include "api/mobula/verbs/detail/submit_task.h"
#include "base/bytes.h"
#include "base/frames/message.h"
#include "runtime/memory/lent_wait.h"
#include "runtime/process/backend.h"

namespace mobula::detail {

namespace {

const ObjectHandle& Referred(const ObjectPtr& object) {
  if (object == nullptr) ThrowBadArgument("this Ref refers to nothing");
  return *object;
}

const ActorHandle& Referred(const ActorPtr& actor) {
  if (actor == nullptr) ThrowBadArgument("this Actor handle names no actor");
  return *actor;
}

// Of a call: what is to be kept until it has been posted.
struct EncodedArgs {
  std::vector<runtime::Arg> args;
  std::vector<std::shared_ptr<const void>> kept;
};

const ObjectHandle& Referred(const Session& session, std::string_view function,
                             const ObjectPtr& object) {
  const ObjectHandle& handle = Referred(object);
  if (&handle.session() != &session) {
    ThrowBadArgument("an argument of " + std::string(function) +
                     " is a Ref of a runtime that has ended");
  }
  return handle;
}

void CheckInlineBytes(std::string_view function, std::uint64_t bytes) {
  if (bytes <= kValueBytesMax) return;
  base::Failure failure = base::NotRun(
      base::FailureCode::kTooLarge,
      "the arguments have " + std::to_string(bytes) +
          " bytes together, the limit is " + std::to_string(kValueBytesMax));
  failure.function = function;
  ThrowFailure(std::move(failure));
}

// Posts what was encoded; throws what it is instead.
ObjectPtr PostPut(const std::shared_ptr<Session>& session, Encoding& encoding,
                  base::BootTime deadline) {
  runtime::Backend& backend = session->OpenBackend();
  const base::ObjectName name{backend.NewId<base::ObjectId>(), backend.self()};
  auto handle = std::make_shared<ObjectHandle>(session, name);
  base::Outcome outcome = encoding.Store(session, name, deadline);
  if (auto* const failure = std::get_if<base::Failure>(&outcome)) {
    ThrowFailure(std::move(*failure));
  }
  runtime::Put put;
  put.object = name.object;
  put.outcome = std::get<base::Value>(std::move(outcome));
  backend.Post(std::move(put));
  return handle;
}

// Waits while the store is full.
EncodedArgs Encode(const std::shared_ptr<Session>& session,
                   std::string_view function, Arguments arguments,
                   base::BootTime deadline) {
  const runtime::Backend& backend = session->OpenBackend();
  std::uint64_t bytes = 0;
  EncodedArgs encoded;
  encoded.args.reserve(arguments.size());
  for (const Argument& argument : arguments) {
    runtime::Arg& arg = encoded.args.emplace_back();
    if (argument.call != nullptr) {
      ObjectPtr made = argument.spawn(*argument.call);
      arg.ref = Referred(*session, function, made).id();
      encoded.kept.push_back(std::move(made));
      continue;
    }
    if (argument.ref != nullptr) {
      arg.ref = Referred(*session, function, *argument.ref).id();
      continue;
    }
    Encoding encoding(argument.value);
    if (!encoding.is_short() && backend.HasStore()) {
      ObjectPtr object = PostPut(session, encoding, deadline);
      arg.ref = object->id();
      encoded.kept.push_back(std::move(object));
      continue;
    }
    bytes += encoding.size();
    CheckInlineBytes(function, bytes);
    arg.value = encoding.Inline();
    if (auto kept = encoding.Kept()) encoded.kept.push_back(std::move(kept));
  }
  return encoded;
}

// While the store is full, a call with a timeout waits no longer than that.
base::BootTime StoreDeadline(const Session& session, Timeout timeout) {
  return session.DeadlineAfter(timeout.IsInfinite() ? kStoreTimeout : timeout);
}

void RefuseNameless(const ActorOptions::Values& options) {
  if (!options.name.empty()) return;
  if (options.detached) {
    ThrowBadArgument(
        "a detached actor needs a name (ActorOptions().Name(...)): nobody "
        "could find it again");
  }
  if (options.get_if_exists) {
    ThrowBadArgument("GetIfExists needs a name (ActorOptions().Name(...))");
  }
}

void RefusePlaced(const ActorOptions::Values& options) {
  if (!options.detached || !options.placement) return;
  ThrowBadArgument(
      "a detached actor is placed by the control store, on its creator's node "
      "while that lives and fits: create it without Place");
}

void RefuseShared(const ActorOptions::Values& options) {
  if (!options.shared) return;
  if (!options.resources.units.empty()) {
    ThrowBadArgument(
        "a shared actor holds no resources: it lives in a process with others; "
        "create it without Cpus, Memory and Resource, or without Shared");
  }
  if (options.placement) {
    ThrowBadArgument(
        "a shared actor lives in a process of its creator's node: create it "
        "without Place, or without Shared");
  }
  if (options.detached) {
    ThrowBadArgument(
        "a detached actor has a process of its own: create it without Shared");
  }
  if (options.concurrency.is_said()) {
    ThrowBadArgument(
        "Shared() actors run one call at a time: create it without "
        "MaxConcurrency and ConcurrencyGroup, or without Shared");
  }
}

base::Bytes AwaitArgument(const Argument& argument) {
  ObjectPtr ref;
  if (argument.ref != nullptr) ref = *argument.ref;
  if (argument.call != nullptr) ref = argument.spawn(*argument.call);
  base::Value value = argument.ref == nullptr && argument.call == nullptr
                          ? Encoding(argument.value).Inline()
                          : AwaitValue(ref, Timeout());
  if (!value.refs().empty()) {
    ThrowBadArgument(
        "an argument of a detached actor has Refs inside: it outlives who "
        "keeps them; hand them over in a call");
  }
  if (!value.is_stored()) return value.bytes();
  return base::Bytes::Own(std::string(value.view()));
}

// Their values, where they are Refs: those of a detached actor are kept.
std::vector<base::Bytes> AwaitArguments(Arguments arguments) {
  std::vector<base::Bytes> values;
  values.reserve(arguments.size());
  for (const Argument& argument : arguments) {
    values.push_back(AwaitArgument(argument));
  }
  return values;
}

base::Failure TimedOut(Timeout timeout) {
  const double seconds =
      std::chrono::duration<double>(timeout.nanoseconds()).count();
  base::Failure failure;
  failure.code = base::FailureCode::kTimeout;
  failure.executed = base::Executed::kMaybe;
  failure.message = "there is no value after waiting for " +
                    NumberText(seconds) + " s; the task goes on";
  return failure;
}

// How long a value that is there may take to be mapped, though the caller has
// less time: who only looks is to see it.
constexpr std::chrono::seconds kMapTimeout{1};

base::Value MapValue(const Session& session, const base::Value& stored,
                     Timeout timeout) {
  auto fetched = session.OpenBackend().Fetch(
      stored, std::max(session.DeadlineAfter(timeout),
                       session.DeadlineAfter(kMapTimeout)));
  if (auto* const failure = std::get_if<base::Failure>(&fetched)) {
    ThrowFailure(std::move(*failure));
  }
  return std::get<base::Value>(std::move(fetched));
}

// Whether a scope can end this wait; a look is none.
bool IsScoped(Timeout timeout) {
  return CurrentSetting().context != nullptr &&
         timeout.nanoseconds() > timeout.nanoseconds().zero();
}

// The wait of a thread in a scope.
class ScopedWait final : public ObjectWait {
 public:
  using ObjectWait::ObjectWait;
  // Nothing where its own time is over.
  std::optional<base::Outcome> Await() {
    Block();
    if (!FinishInTime()) return std::nullopt;
    return TakeOutcome();
  }
};

base::Outcome AwaitSettled(const ObjectPtr& object, Timeout timeout) {
  const ObjectHandle& handle = Referred(object);
  const base::ObjectId id = handle.id();
  const runtime::LentWait::Awaiting awaiting({&id, 1});
  if (IsScoped(timeout)) {
    auto outcome = ScopedWait(object, timeout).Await();
    if (outcome) return *std::move(outcome);
    return TimedOut(timeout);
  }
  std::optional<runtime::Backend::Settled> settled =
      handle.session().OpenBackend().Await(
          handle.id(), handle.session().DeadlineAfter(timeout));
  if (settled.has_value()) return std::move(settled->outcome);
  return TimedOut(timeout);
}

// The wait of a thread in a scope for several.
std::vector<bool> AwaitInScope(std::span<const ObjectPtr> objects,
                               std::size_t count, Timeout timeout) {
  const WatchedRefs watched(objects, Arrivals::Order::kAsAdded);
  CountWait wait(watched.arrivals(), count, timeout);
  wait.Block();
  wait.FinishSome();
  return watched.arrivals().Arrived();
}

// The owner of a task answers at once; that its process is stopped, for a
// debugger, must not hold up this one.
constexpr std::chrono::seconds kCancelTimeout{10};

[[noreturn]] void ThrowCancelTimedOut() {
  ThrowFailure(base::MakeFailure(
      base::FailureCode::kTimeout, base::Executed::kMaybe,
      "the process that owns the task did not answer the cancel within 10 s; "
      "it may be cancelled all the same: look at the ref, or cancel again"));
}

std::vector<base::ObjectId> IdsOf(std::span<const ObjectPtr> objects) {
  const Session& session = Referred(objects.front()).session();
  std::vector<base::ObjectId> ids;
  ids.reserve(objects.size());
  for (const ObjectPtr& object : objects) {
    if (&Referred(object).session() != &session) {
      ThrowBadArgument("these are refs of two runtimes");
    }
    ids.push_back(object->id());
  }
  return ids;
}

}  // namespace

ObjectPtr SpawnTask(const base::FunctionEntry& function, Arguments arguments,
                    const TaskOptions& options) {
  const std::shared_ptr<Session> session = Session::Require();
  const TaskOptions::Values& values = options.values();
  const std::string& name = values.name.empty() ? function.name : values.name;
  EncodedArgs encoded =
      Encode(session, name, arguments, StoreDeadline(*session, values.timeout));
  return SubmitTask(
      session,
      {function.id, function.name, !function.named_function.empty(),
       function.is_coroutine() && !function.holds_slot,
       function.is_generator ? values.window : 0},
      std::move(encoded.args), values);
}

ActorPtr CreateActor(const base::FunctionEntry& constructor,
                     std::string_view class_name, Arguments arguments,
                     const ActorOptions& options) {
  std::shared_ptr<Session> session = Session::Require();
  runtime::Backend& backend = session->OpenBackend();
  const ActorOptions::Values& values = options.values();
  RefuseNameless(values);
  RefuseShared(values);
  RefusePlaced(values);
  runtime::Create create;
  create.actor = backend.NewId<base::ActorId>();
  create.task = backend.NewId<base::TaskId>();
  create.constructor = constructor.id;
  create.class_name = class_name;
  create.name = values.name;
  create.resources = values.resources;
  create.placement = values.placement;
  create.restarts_max = values.restarts_max;
  create.pending_calls_max = values.pending_calls_max;
  create.scope = SpawnPlace().Create();
  create.shared = values.shared;
  create.kill_grace = values.kill_grace;
  create.concurrency = values.concurrency;
  if (values.detached) {
    return CreateDetached(std::move(session), create, AwaitArguments(arguments),
                          values);
  }
  EncodedArgs encoded = Encode(session, class_name, arguments,
                               StoreDeadline(*session, Timeout()));
  create.args = std::move(encoded.args);
  if (!values.name.empty()) {
    return CreateNamed(std::move(session), std::move(create), values);
  }
  const base::ActorId actor = create.actor;
  backend.Post(std::move(create));
  return std::make_shared<ActorHandle>(std::move(session), actor);
}

ObjectPtr CallActor(const ActorPtr& actor, const base::FunctionEntry& method,
                    Arguments arguments, const CallOptions& options,
                    std::string_view group) {
  const ActorHandle& handle = Referred(actor);
  runtime::Backend& backend = handle.session()->OpenBackend();
  const CallOptions::Values& values = options.values();
  runtime::Call call;
  call.actor = handle.id();
  call.task = backend.NewId<base::TaskId>();
  call.result = backend.NewId<base::ObjectId>();
  call.method = method.id;
  call.method_name = method.name;
  call.by_name = !method.named_function.empty();
  call.group = values.group.value_or(std::string(group));
  EncodedArgs encoded =
      Encode(handle.session(), method.name, arguments,
             StoreDeadline(*handle.session(), values.timeout));
  call.args = std::move(encoded.args);
  call.retries_max = values.retries_max;
  call.bound_incarnation = values.incarnation;
  call.timeout = values.timeout.nanoseconds();
  const SpawnPlace place;
  call.parent = place.parent();
  call.scope = place.Spawn();
  if (method.is_generator) call.items_max = values.window;
  const base::ObjectName result{call.result, backend.self()};
  backend.Post(std::move(call));
  place.Posted();
  return std::make_shared<ObjectHandle>(handle.session(), result);
}

ActorPtr GetActor(std::string_view class_name, const std::string& name,
                  const std::string& ns) {
  return FindActor(class_name, name, ns);
}

ActorAddress AddressOf(const ActorPtr& actor) {
  return AddressOf(Referred(actor));
}

ActorPtr AdoptActorAt(const ActorAddress& address) {
  return AdoptActor(address);
}

void KillActor(const ActorPtr& actor, const KillOptions& options) {
  const ActorHandle& handle = Referred(actor);
  const auto [restart, graceful] = options.values();
  if (graceful && restart) {
    ThrowBadArgument(
        "KillOptions: Graceful ends the actor for good, Restart does not: "
        "choose one");
  }
  if (graceful && handle.detached()) {
    ThrowBadArgument(
        "KillOptions: a detached actor is not ended gracefully; call a method "
        "of it that calls ExitActor");
  }
  if (handle.detached()) {
    EndDetached(*handle.session(), handle.id(), restart);
  } else {
    handle.session()->OpenBackend().Post(
        runtime::Kill{handle.id(), restart, graceful});
  }
}

bool CancelTaskOf(const ObjectPtr& object, const CancelOptions& options) {
  const ObjectHandle& handle = Referred(object);
  const Session& session = handle.session();
  const CancelOptions::Values& values = options.values();
  const std::optional<base::CancelVerdict> verdict =
      session.OpenBackend().Cancel(handle.name(), values.force,
                                   values.recursive,
                                   session.DeadlineAfter(kCancelTimeout));
  if (!verdict.has_value()) ThrowCancelTimedOut();
  switch (*verdict) {
    case base::CancelVerdict::kCancelled:
      return true;
    case base::CancelVerdict::kFinished:
      return false;
    case base::CancelVerdict::kNoTask:
      ThrowBadArgument(
          "this Ref is of a value that was Put: there is no task to cancel");
    case base::CancelVerdict::kActorCall:
      ThrowBadArgument(
          "a call of an actor is not cancelled by force, which would end the "
          "actor: cancel it without Force, or Kill the actor");
  }
  return false;
}

base::ActorId IdOf(const ActorPtr& actor) {
  return actor == nullptr ? base::ActorId() : actor->id();
}

std::int64_t IncarnationOf(const ActorPtr& actor) {
  const ActorHandle& handle = Referred(actor);
  return handle.session()->OpenBackend().ViewActor(handle.id()).incarnation;
}

bool IsDead(const ActorPtr& actor) {
  const ActorHandle& handle = Referred(actor);
  runtime::Backend* const backend = handle.session()->backend();
  return backend == nullptr || backend->ViewActor(handle.id()).dead;
}

ObjectPtr PutValue(const Writable& value, Timeout timeout) {
  const std::shared_ptr<Session> session = Session::Require();
  Encoding encoding(value);
  return PostPut(session, encoding, session->DeadlineAfter(timeout));
}

base::Value AwaitValue(const ObjectPtr& object, Timeout timeout) {
  return OutcomeValue(object, AwaitSettled(object, timeout), timeout);
}

base::Value OutcomeValue(const ObjectPtr& object, base::Outcome outcome,
                         Timeout timeout) {
  if (auto* const failure = std::get_if<base::Failure>(&outcome)) {
    ThrowFailure(std::move(*failure));
  }
  auto value = std::get<base::Value>(std::move(outcome));
  if (!value.is_stored()) return value;
  return MapValue(object->session(), value, timeout);
}

base::Outcome AwaitOutcome(const ObjectPtr& object, Timeout timeout) {
  return AwaitSettled(object, timeout);
}

std::vector<bool> AwaitSome(std::span<const ObjectPtr> objects,
                            std::size_t count, Timeout timeout) {
  if (count > objects.size()) {
    ThrowBadArgument("Wait for " + std::to_string(count) + " of " +
                     std::to_string(objects.size()) + " refs");
  }
  if (objects.empty()) return {};
  const std::vector<base::ObjectId> ids = IdsOf(objects);
  const runtime::LentWait::Awaiting awaiting(ids);
  if (count > 0 && IsScoped(timeout)) {
    return AwaitInScope(objects, count, timeout);
  }
  const Session& session = objects.front()->session();
  return session.OpenBackend().AwaitSome(ids, count,
                                         session.DeadlineAfter(timeout));
}

void AskForAll(std::span<const ObjectPtr> objects) {
  if (objects.size() > 1) AwaitSome(objects, 0, Timeout());
}

std::int64_t IncarnationOf(const ObjectPtr& object) {
  const ObjectHandle& handle = Referred(object);
  const std::optional<runtime::Backend::Settled> settled =
      handle.session().OpenBackend().Await(handle.id(), base::BootTime());
  return settled.has_value() ? settled->incarnation : 0;
}

bool IsReady(const ObjectPtr& object) {
  const ObjectHandle& handle = Referred(object);
  runtime::Backend* const backend = handle.session().backend();
  if (backend == nullptr) return true;
  const base::ObjectId id = handle.id();
  return backend->AwaitSome({&id, 1}, 1, base::BootTime()).front();
}

void WriteRef(base::Writer& out, const ObjectPtr& object) {
  if (object == nullptr) {
    out.Nil();
    return;
  }
  if (out.refs() == nullptr) {
    throw base::EncodeError(
        "a Ref travels inside arguments, results and what is Put, where it is "
        "counted; here nobody would keep what it refers to");
  }
  if (object->session().backend() == nullptr) {
    throw base::EncodeError("a Ref of a runtime that has ended cannot travel");
  }
  out.Uint(out.refs()->Add(object->name(), object));
}

bool ReadRef(base::Reader& in, ObjectPtr* object) {
  object->reset();
  if (in.NextIsNil()) return in.Nil();
  if (in.refs() == nullptr || in.refs()->empty()) {
    return in.Fail("no Ref, since none travelled beside the value");
  }
  std::uint64_t index = 0;
  if (!in.Charge(sizeof(ObjectHandle)) ||
      !in.Uint(in.refs()->size() - 1, &index)) {
    return false;
  }
  *object = HoldObject((*in.refs())[index]);
  return true;
}

ObjectPtr HoldObject(const base::ObjectName& name) {
  std::shared_ptr<Session> session = Session::Require();
  session->OpenBackend().Post(runtime::HoldObject{name});
  return std::make_shared<ObjectHandle>(std::move(session), name);
}

base::Failure DecodeFailure(std::string_view type, std::string_view why) {
  base::Failure failure;
  failure.code = base::FailureCode::kDecode;
  failure.executed = base::Executed::kYes;
  failure.message =
      "the value is no " + std::string(type) + ": " + std::string(why);
  return failure;
}

}  // namespace mobula::detail
