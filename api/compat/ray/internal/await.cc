#include "api/compat/ray/internal/await.h"

#include <algorithm>
#include <chrono>

#include "api/compat/ray/api/ray_exception.h"
#include "api/compat/ray/api/remote_functions.h"
#include "api/mobula/detail/calls.h"

namespace ray::internal {
namespace {

using mobula::Error;
using mobula::ErrorCode;

std::string TaskText(const Error& error) {
  std::string text = "An exception was thrown while executing function(" +
                     error.function() + "): ";
  if (!error.exception_type().empty()) text += error.exception_type() + ": ";
  return text + error.message() + "\n" + error.what();
}

bool IsOfActor(const Error& error) { return error.incarnation() > 0; }

// Whether it is the exception of an actor's factory, which is the outcome of
// each call of that actor.
bool IsOfFactory(const Error& error) {
  // In local mode it has the name of the actor's class.
  if (error.code() == ErrorCode::kUserException && IsOfActor(error) &&
      error.executed() == mobula::Executed::kNo) {
    return true;
  }
  const RemoteEntry* const function =
      RemoteFunctions::Instance().Find(error.function());
  return function != nullptr && function->is_factory;
}

[[noreturn]] void ThrowOfTask(const Error& error) {
  if (IsOfFactory(error)) {
    throw RayActorException("The actor could not be created. " +
                            TaskText(error));
  }
  throw RayTaskException(TaskText(error));
}

std::vector<mobula::detail::ObjectPtr> ObjectsOf(
    const std::vector<HeldPtr>& held) {
  std::vector<mobula::detail::ObjectPtr> objects;
  objects.reserve(held.size());
  for (const HeldPtr& each : held) objects.push_back(ObjectOf(each));
  return objects;
}

void CheckWait(const std::vector<HeldPtr>& held, int num_objects) {
  if (num_objects < 1 || static_cast<std::size_t>(num_objects) > held.size()) {
    throw RayException(
        "Number of objects to wait for must be between 1 and the number of "
        "ids.");
  }
  std::vector<std::string_view> ids;
  ids.reserve(held.size());
  for (const HeldPtr& each : held) ids.push_back(IdOf(each));
  std::sort(ids.begin(), ids.end());
  if (std::adjacent_find(ids.begin(), ids.end()) != ids.end()) {
    throw RayException("Duplicate object IDs not supported in wait.");
  }
}

}  // namespace

const mobula::detail::ObjectPtr& ObjectOf(const HeldPtr& held) {
  static const mobula::detail::ObjectPtr& none = *new mobula::detail::ObjectPtr;
  return held == nullptr ? none : held->object();
}

mobula::Timeout TimeoutOf(int timeout_ms) {
  if (timeout_ms < 0) return {};
  return std::chrono::milliseconds(timeout_ms);
}

mobula::base::Value AwaitValue(const HeldPtr& held, int timeout_ms) {
  return AwaitValue(held, TimeoutOf(timeout_ms));
}

mobula::base::Value AwaitValue(const HeldPtr& held, mobula::Timeout timeout) {
  if (ObjectOf(held) == nullptr) {
    throw RayException(
        "This ObjectRef refers to nothing: it was made without a value, or "
        "from an id that no running program has.");
  }
  try {
    return mobula::detail::AwaitValue(held->object(), timeout);
  } catch (const Error& error) {
    ThrowAsRay(error);
  }
}

void AskForAll(const std::vector<HeldPtr>& held) {
  for (const HeldPtr& each : held) {
    if (ObjectOf(each) == nullptr) return;  // Get will say so
  }
  try {
    mobula::detail::AskForAll(ObjectsOf(held));
  } catch (const Error& error) {
    ThrowAsRay(error);
  }
}

std::vector<bool> AwaitSome(const std::vector<HeldPtr>& held, int num_objects,
                            int timeout_ms) {
  CheckWait(held, num_objects);
  try {
    return mobula::detail::AwaitSome(ObjectsOf(held),
                                     static_cast<std::size_t>(num_objects),
                                     TimeoutOf(timeout_ms));
  } catch (const Error& error) {
    ThrowAsRay(error);
  }
}

void ThrowAsRay(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kUserException:
    case ErrorCode::kDecode:
      ThrowOfTask(error);
    case ErrorCode::kWorkerDied:
      if (IsOfActor(error)) throw RayActorException(error.what());
      throw RayWorkerException(error.what());
    case ErrorCode::kWorkerStart:
    case ErrorCode::kRayletDied:
      throw RayWorkerException(error.what());
    case ErrorCode::kActorDied:
    case ErrorCode::kActorRestarted:
    case ErrorCode::kCoHosted:
    case ErrorCode::kNoSuchActor:
      throw RayActorException(error.what());
    case ErrorCode::kTimeout:
      throw RayTimeoutException(error.what());
    case ErrorCode::kObjectLost:
    case ErrorCode::kOwnerDied:
    case ErrorCode::kNoSuchObject:
    case ErrorCode::kElsewhere:
      throw UnreconstructableException(error.what());
    case ErrorCode::kNoSuchFunction:
      throw RayFunctionNotFound(error.what());
    case ErrorCode::kShutdown:
      throw RayException(
          std::string("Ray is not running: call ray::Init first; what was made "
                      "before ray::Shutdown has ended with it. ") +
          error.what());
    default:
      throw RayException(error.what());
  }
}

void RefuseValue(std::string_view type, const std::string& why) {
  throw RayException("The value is no " + std::string(type) + ": " + why);
}

}  // namespace ray::internal
