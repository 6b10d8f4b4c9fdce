// The API of Ray for C++, on Mobula: programs that include <ray/api.h> are
// compiled against //api/compat:ray as they are.
//
//   int Plus(int x, int y) { return x + y; }
//   RAY_REMOTE(Plus);
//
//   int main(int argc, char** argv) {
//     ray::RayConfig config;
//     ray::Init(config, argc, argv);
//     ray::ObjectRef<int> two = ray::Task(Plus).Remote(1, 1);
//     std::cout << *ray::Get(ray::Task(Plus).Remote(two, 1)) << "\n";  // 3
//     ray::Shutdown();
//   }
//
// The workers run this very executable, main only here; there is no second
// build. docs/ray.md says what is the same, what differs and what there is not.
// Threading: Init and Shutdown from one thread at a time; all else from any
// thread, and from tasks and actors.
// Errors: those of ray/api/ray_exception.h, where Ray aborts too.
#ifndef MOBULA_API_COMPAT_RAY_API_H_
#define MOBULA_API_COMPAT_RAY_API_H_

#if __cplusplus < 202002L
#error "Mobula's <ray/api.h> needs C++20: compile with -std=c++20"
#endif

// Ray's header brings these along, and programs rely on it.
#include <boost/callable_traits.hpp>
#include <boost/optional.hpp>
#include <boost/utility/string_view.hpp>
#include <cmath>
#include <cstring>
#include <functional>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <msgpack.hpp>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/compat/ray/api/actor_creator.h"        // IWYU pragma: export
#include "api/compat/ray/api/actor_handle.h"         // IWYU pragma: export
#include "api/compat/ray/api/logging.h"              // IWYU pragma: export
#include "api/compat/ray/api/object_ref.h"           // IWYU pragma: export
#include "api/compat/ray/api/ray_config.h"           // IWYU pragma: export
#include "api/compat/ray/api/ray_exception.h"        // IWYU pragma: export
#include "api/compat/ray/api/ray_remote.h"           // IWYU pragma: export
#include "api/compat/ray/api/remote_functions.h"     // IWYU pragma: export
#include "api/compat/ray/api/runtime_env.h"          // IWYU pragma: export
#include "api/compat/ray/api/serializer.h"           // IWYU pragma: export
#include "api/compat/ray/api/task_caller.h"          // IWYU pragma: export
#include "api/compat/ray/api/task_options.h"         // IWYU pragma: export
#include "api/compat/ray/api/wait_result.h"          // IWYU pragma: export
#include "api/compat/ray/internal/xlang_function.h"  // IWYU pragma: export
#include "api/mobula/timeout.h"

namespace ray {

// Begin the runtime, as RayConfig and the --ray_ flags say (and those of
// mobula::Init, --mobula-log-level and so on); where it runs
// already, or in a worker, they do nothing. Throw RayException: no `mobula`
// program to start, an address where nobody listens, a flag or argument that
// makes no sense.
void Init();
void Init(const RayConfig& config);
void Init(const RayConfig& config, int argc, char** argv);
// Also true in tasks and actors.
bool IsInitialized();
// Ends this program's workers, and its head where it has one of its own. Refs
// and handles are inert from here on. Init may follow. Without it the end of
// main does the same.
void Shutdown();
// Of the names of actors: the job's, the same in its tasks and actors.
std::string GetNamespace();

// Makes a value available to many calls while it is copied once.
template <typename T>
ObjectRef<T> Put(const T& obj) {
  const internal::Travelling<T> travelling(obj);
  return ObjectRef<T>(internal::PutValue(travelling.writable()));
}

// object.Get(timeout_ms): waits for the value, -1: for ever, and copies it.
// After the time RayTimeoutException.
template <typename T>
std::shared_ptr<T> Get(const ObjectRef<T>& object, const int& timeout_ms) {
  return object.Get(timeout_ms);
}
template <typename T>
std::shared_ptr<T> Get(const ObjectRef<T>& object) {
  return object.Get();
}
inline void Get(const ObjectRef<void>& object, const int& timeout_ms) {
  object.Get(timeout_ms);
}
inline void Get(const ObjectRef<void>& object) { object.Get(); }

// All of them, in their order; the time is for all together. The first failure
// in that order is thrown.
template <typename T>
auto Get(const std::vector<ObjectRef<T>>& objects, const int& timeout_ms) {
  std::vector<internal::HeldPtr> held;
  held.reserve(objects.size());
  for (const ObjectRef<T>& object : objects) held.push_back(object.held());
  const mobula::Deadline deadline(internal::TimeoutOf(timeout_ms));
  internal::AskForAll(held);
  if constexpr (std::is_void_v<T>) {
    for (const auto& each : held) internal::AwaitValue(each, deadline.Left());
  } else {
    std::vector<std::shared_ptr<T>> values;
    values.reserve(held.size());
    for (const auto& each : held) {
      values.push_back(
          internal::ValueOf<T>(internal::AwaitValue(each, deadline.Left())));
    }
    return values;
  }
}
template <typename T>
auto Get(const std::vector<ObjectRef<T>>& objects) {
  return Get<T>(objects, -1);
}

// The same of ids (ObjectRef::ID).
template <typename T>
std::vector<std::shared_ptr<T>> Get(const std::vector<std::string>& ids,
                                    const int& timeout_ms) {
  return Get<T>(std::vector<ObjectRef<T>>(ids.begin(), ids.end()), timeout_ms);
}
template <typename T>
std::vector<std::shared_ptr<T>> Get(const std::vector<std::string>& ids) {
  return Get<T>(ids, -1);
}

// Waits until `num_objects` of the refs are ready or the time is over (-1: for
// ever); more than that may be. Throws RayException where there are not as
// many, or one twice.
template <typename T>
WaitResult<T> Wait(const std::vector<ObjectRef<T>>& objects, int num_objects,
                   int timeout_ms) {
  std::vector<internal::HeldPtr> held;
  held.reserve(objects.size());
  for (const ObjectRef<T>& object : objects) held.push_back(object.held());
  const std::vector<bool> is_ready =
      internal::AwaitSome(held, num_objects, timeout_ms);
  WaitResult<T> result;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    (is_ready[i] ? result.ready : result.unready).push_back(objects[i]);
  }
  return result;
}

template <typename T>
std::vector<std::string> ObjectRefsToObjectIDs(
    const std::vector<ObjectRef<T>>& object_refs) {
  std::vector<std::string> ids;
  for (const ObjectRef<T>& object : object_refs) ids.push_back(object.ID());
  return ids;
}

// A call of a function that RAY_REMOTE has registered; else RayException.
template <typename F>
internal::TaskCaller<F> Task(F func) {
  static_assert(!std::is_member_function_pointer_v<F>,
                "ray: a method needs an actor: actor.Task(&Class::Method)");
  if constexpr (internal::kIsXlang<F>) {
    return internal::TaskCaller<F>();
  } else {
    static_assert(internal::CallTraits<F>::kIsCallable,
                  "ray: ray::Task wants a function, a static method or a "
                  "lambda without captures");
    const auto* const function =
        internal::RemoteFunctions::Instance().FindBy(func);
    if (function == nullptr) internal::RefuseUnregistered();
    return internal::TaskCaller<F>(function);
  }
}

// An actor that this factory makes. One that is not registered is refused by
// Remote.
template <typename F>
internal::ActorCreator<F> Actor(F create_func) {
  if constexpr (internal::kIsXlang<F>) {
    return internal::ActorCreator<F>();
  } else {
    static_assert(internal::CallTraits<F>::kIsCallable,
                  "ray: ray::Actor wants a function that returns a pointer to "
                  "the actor's object");
    return internal::ActorCreator<F>(
        internal::RemoteFunctions::Instance().FindBy(create_func));
  }
}

// A handle of the living actor that has the name, in the job's namespace or in
// that one; nothing where there is none. The actor may still be starting.
template <typename T>
boost::optional<ActorHandle<T>> GetActor(const std::string& actor_name,
                                         const std::string& ray_namespace) {
  internal::HeldActorPtr held = internal::FindActor(actor_name, ray_namespace);
  if (held == nullptr) return {};
  return ActorHandle<T>(std::move(held));
}
template <typename T>
boost::optional<ActorHandle<T>> GetActor(const std::string& actor_name) {
  return GetActor<T>(actor_name, "");
}
inline boost::optional<ActorHandleXlang> GetActor(
    const std::string& actor_name, const std::string& ray_namespace = "") {
  internal::HeldActorPtr held = internal::FindActor(actor_name, ray_namespace);
  if (held == nullptr) return {};
  return ActorHandleXlang(std::move(held));
}

// Ends the actor whose method calls it: that call and later ones throw
// RayActorException, and it is not restarted. Never returns. std::logic_error
// outside of an actor's method.
[[noreturn]] void ExitActor();
// Whether the actor whose factory or method asks lives again after its process
// died.
bool WasCurrentActorRestarted();

// There are no placement groups yet: these throw RayException.
PlacementGroup CreatePlacementGroup(
    const PlacementGroupCreationOptions& create_options);
void RemovePlacementGroup(const std::string& placement_group_id);
std::vector<PlacementGroup> GetAllPlacementGroups();
PlacementGroup GetPlacementGroupById(const std::string& id);
PlacementGroup GetPlacementGroup(const std::string& name);

}  // namespace ray

#endif  // MOBULA_API_COMPAT_RAY_API_H_
