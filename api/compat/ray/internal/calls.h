// What the callers of tasks and actors stand on, without types. Not for users.
// Threading: any thread.   Failure: the exceptions of ray_exception.h.
#ifndef MOBULA_API_COMPAT_RAY_INTERNAL_CALLS_H_
#define MOBULA_API_COMPAT_RAY_INTERNAL_CALLS_H_

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "api/compat/ray/api/runtime_env.h"
#include "api/compat/ray/api/task_options.h"
#include "api/compat/ray/internal/invoke.h"
#include "api/compat/ray/values/held_actor.h"
#include "api/compat/ray/values/held_object.h"
#include "api/mobula/detail/calls.h"

namespace ray::internal {

// What a caller was told.
struct Wishes {
  std::string name;
  std::unordered_map<std::string, double> resources;
  // Of actors.
  std::string ray_namespace;
  int max_restarts = 0;
  int max_concurrency = 1;
};

// The setters of all callers.
template <class Caller>
class WithWishes {
 public:
  // Shown in errors and by `mobula list` instead of the function's own.
  Caller& SetName(std::string name) {
    wishes_.name = std::move(name);
    return self();
  }
  // Instead of those said before.
  Caller& SetResources(std::unordered_map<std::string, double> resources) {
    wishes_.resources = std::move(resources);
    return self();
  }
  // "CPU", "GPU", "memory" (bytes), or one that nodes were started with
  // (--resources). Of two with one name the first counts.
  Caller& SetResource(std::string name, double value) {
    wishes_.resources.emplace(std::move(name), value);
    return self();
  }

 protected:
  Wishes wishes_;
  Caller& self() { return static_cast<Caller&>(*this); }
};

template <class Caller>
class WithPlace : public WithWishes<Caller> {
 public:
  // Throws RayException unless the group is empty: there are none yet.
  Caller& SetPlacementGroup(const PlacementGroup& group,
                            [[maybe_unused]] int bundle_index) {
    if (!group.Empty()) RefusePlacementGroup();
    return this->self();
  }
  // Throws RayRuntimeEnvException unless it is empty (runtime_env.h).
  Caller& SetRuntimeEnv(const RuntimeEnv& runtime_env) {
    RefuseRuntimeEnv(runtime_env, "A task or actor");
    return this->self();
  }
};

// Throw RayException where it is null, not registered, or no such thing.
HeldPtr SubmitTask(const RemoteEntry* function,
                   mobula::detail::Arguments arguments, const Wishes& wishes);
// `class_name`: as a person reads it.
HeldActorPtr CreateActor(const RemoteEntry* factory,
                         std::string_view class_name,
                         mobula::detail::Arguments arguments,
                         const Wishes& wishes);
HeldPtr CallActor(const HeldActorPtr& actor, const RemoteEntry* method,
                  mobula::detail::Arguments arguments);

HeldPtr PutValue(const mobula::detail::Writable& value);
// Null where nobody living has that name.
HeldActorPtr FindActor(const std::string& name, const std::string& ns);
void KillActor(const HeldActorPtr& actor, bool no_restart);
[[noreturn]] void ExitThisActor();

[[noreturn]] void RefuseUnregistered();
[[noreturn]] void RefuseLanguage();

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_INTERNAL_CALLS_H_
