#include "api/mobula/detail/calls.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "api/mobula/detail/handles.h"
#include "api/mobula/detail/named_actors.h"
#include "api/mobula/detail/quantities.h"
#include "api/mobula/detail/running.h"
#include "api/mobula/detail/session.h"
#include "api/mobula/error.h"
#include "base/value.h"
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

base::BootTime DeadlineOf(const runtime::Backend& backend, Timeout timeout) {
  if (timeout.IsInfinite()) return base::BootTime::Never();
  return backend.Now() + timeout.nanoseconds();
}

std::vector<runtime::Arg> ToArgs(const Session& session,
                                 std::string_view function,
                                 Arguments arguments) {
  std::uint64_t bytes = 0;
  std::vector<runtime::Arg> args;
  args.reserve(arguments.size());
  for (Argument& argument : arguments) {
    runtime::Arg& arg = args.emplace_back();
    if (argument.ref != nullptr) {
      if (&argument.ref->session() != &session) {
        ThrowBadArgument("an argument of " + std::string(function) +
                         " is a Ref of a runtime that has ended");
      }
      arg.ref = argument.ref->id();
    } else {
      bytes += argument.value.size();
      arg.value = base::Bytes::Own(std::move(argument.value));
    }
  }
  if (bytes > kValueBytesMax) {
    base::Failure failure = base::NotRun(
        base::FailureCode::kTooLarge,
        "the arguments have " + std::to_string(bytes) +
            " bytes together, the limit is " + std::to_string(kValueBytesMax));
    failure.function = function;
    ThrowFailure(std::move(failure));
  }
  return args;
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

// Their values, where they are Refs: those of a detached actor are kept.
std::vector<base::Bytes> AwaitArguments(Arguments arguments) {
  std::vector<base::Bytes> values;
  values.reserve(arguments.size());
  for (Argument& argument : arguments) {
    values.push_back(argument.ref == nullptr
                         ? base::Bytes::Own(std::move(argument.value))
                         : AwaitValue(argument.ref, Timeout()));
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

runtime::Backend::Settled AwaitSettled(const ObjectPtr& object,
                                       Timeout timeout) {
  const ObjectHandle& handle = Referred(object);
  runtime::Backend& backend = handle.session().OpenBackend();
  std::optional<runtime::Backend::Settled> settled =
      backend.Await(handle.id(), DeadlineOf(backend, timeout));
  if (settled.has_value()) return std::move(*settled);
  return {TimedOut(timeout), 0};
}

}  // namespace

ObjectPtr SpawnTask(const base::FunctionEntry& function, Arguments arguments,
                    const TaskOptions& options) {
  std::shared_ptr<Session> session = Session::Require();
  runtime::Backend& backend = session->OpenBackend();
  const TaskOptions::Values& values = options.values();
  runtime::Submit submit;
  submit.task = backend.NewId<base::TaskId>();
  submit.result = backend.NewId<base::ObjectId>();
  submit.function = function.id;
  submit.function_name = values.name.empty() ? function.name : values.name;
  submit.args = ToArgs(*session, submit.function_name, std::move(arguments));
  submit.resources = values.resources;
  submit.retries_max = values.retries_max;
  submit.retry_exceptions = values.retry_exceptions;
  submit.timeout = values.timeout.nanoseconds();
  const base::ObjectId result = submit.result;
  backend.Post(std::move(submit));
  return std::make_shared<ObjectHandle>(std::move(session), result);
}

ActorPtr CreateActor(const base::FunctionEntry& constructor,
                     std::string_view class_name, Arguments arguments,
                     const ActorOptions& options) {
  std::shared_ptr<Session> session = Session::Require();
  runtime::Backend& backend = session->OpenBackend();
  const ActorOptions::Values& values = options.values();
  RefuseNameless(values);
  runtime::Create create;
  create.actor = backend.NewId<base::ActorId>();
  create.task = backend.NewId<base::TaskId>();
  create.constructor = constructor.id;
  create.class_name = class_name;
  create.resources = values.resources;
  create.restarts_max = values.restarts_max;
  create.pending_calls_max = values.pending_calls_max;
  if (values.detached) {
    return CreateDetached(std::move(session), create,
                          AwaitArguments(std::move(arguments)), values);
  }
  create.args = ToArgs(*session, class_name, std::move(arguments));
  if (!values.name.empty()) {
    return CreateNamed(std::move(session), std::move(create), values);
  }
  const base::ActorId actor = create.actor;
  backend.Post(std::move(create));
  return std::make_shared<ActorHandle>(std::move(session), actor);
}

ObjectPtr CallActor(const ActorPtr& actor, const base::FunctionEntry& method,
                    Arguments arguments, const CallOptions& options) {
  const ActorHandle& handle = Referred(actor);
  runtime::Backend& backend = handle.session()->OpenBackend();
  const CallOptions::Values& values = options.values();
  runtime::Call call;
  call.actor = handle.id();
  call.task = backend.NewId<base::TaskId>();
  call.result = backend.NewId<base::ObjectId>();
  call.method = method.id;
  call.method_name = method.name;
  call.args = ToArgs(*handle.session(), method.name, std::move(arguments));
  call.retries_max = values.retries_max;
  call.bound_incarnation = values.incarnation;
  call.timeout = values.timeout.nanoseconds();
  const base::ObjectId result = call.result;
  backend.Post(std::move(call));
  return std::make_shared<ObjectHandle>(handle.session(), result);
}

ActorPtr GetActor(std::string_view class_name, const std::string& name,
                  const std::string& ns) {
  return FindActor(class_name, name, ns);
}

void KillActor(const ActorPtr& actor, const KillOptions& options) {
  const ActorHandle& handle = Referred(actor);
  const bool restart = options.values().restart;
  if (handle.detached()) {
    EndDetached(*handle.session(), handle.id(), restart);
  } else {
    handle.session()->OpenBackend().Post(runtime::Kill{handle.id(), restart});
  }
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

ObjectPtr PutValue(std::string encoded) {
  std::shared_ptr<Session> session = Session::Require();
  runtime::Backend& backend = session->OpenBackend();
  if (encoded.size() > kValueBytesMax) {
    ThrowFailure(base::NotRun(base::FailureCode::kTooLarge,
                              "Put of " + std::to_string(encoded.size()) +
                                  " bytes, the limit is " +
                                  std::to_string(kValueBytesMax)));
  }
  const auto object = backend.NewId<base::ObjectId>();
  backend.Post(runtime::Put{object, base::Bytes::Own(std::move(encoded))});
  return std::make_shared<ObjectHandle>(std::move(session), object);
}

base::Bytes AwaitValue(const ObjectPtr& object, Timeout timeout) {
  runtime::Backend::Settled settled = AwaitSettled(object, timeout);
  if (auto* const failure = std::get_if<base::Failure>(&settled.outcome)) {
    ThrowFailure(std::move(*failure));
  }
  return std::get<base::Value>(settled.outcome).bytes();
}

std::vector<bool> AwaitSome(std::span<const ObjectPtr> objects,
                            std::size_t count, Timeout timeout) {
  if (count > objects.size()) {
    ThrowBadArgument("Wait for " + std::to_string(count) + " of " +
                     std::to_string(objects.size()) + " refs");
  }
  if (objects.empty()) return {};
  const Session& session = Referred(objects.front()).session();
  std::vector<base::ObjectId> ids;
  ids.reserve(objects.size());
  for (const ObjectPtr& object : objects) {
    if (&Referred(object).session() != &session) {
      ThrowBadArgument("Wait for refs of two runtimes");
    }
    ids.push_back(object->id());
  }
  runtime::Backend& backend = session.OpenBackend();
  return backend.AwaitSome(ids, count, DeadlineOf(backend, timeout));
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

base::Failure DecodeFailure(std::string_view type, std::string_view why) {
  base::Failure failure;
  failure.code = base::FailureCode::kDecode;
  failure.executed = base::Executed::kYes;
  failure.message =
      "the value is no " + std::string(type) + ": " + std::string(why);
  return failure;
}

}  // namespace mobula::detail
