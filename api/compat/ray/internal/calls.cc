#include "api/compat/ray/internal/calls.h"

#include <cstdint>
#include <memory>
#include <stdexcept>

#include "api/compat/ray/internal/await.h"
#include "api/compat/ray/start/job.h"
#include "api/mobula/context.h"
#include "api/mobula/error.h"
#include "api/mobula/options.h"

namespace ray::internal {
namespace {

using mobula::detail::Arguments;

// What a system's failure costs a task, as in Ray.
constexpr int kTaskRetries = 1;

// In local mode they mean nothing: there is one thread.
template <class Options>
void AddResources(const Wishes& wishes, Options* options) {
  CheckTaskOptions(wishes.resources);
  if (wishes.resources.empty() || mobula::IsLocalMode()) return;
  for (const auto& [name, quantity] : wishes.resources) {
    if (name == "CPU") {
      options->Cpus(quantity);
    } else if (name == "memory") {
      options->Memory(static_cast<std::int64_t>(quantity));
    } else {
      options->Resource(name, quantity);
    }
  }
}

mobula::TaskOptions TaskOptionsOf(const Wishes& wishes) {
  mobula::TaskOptions options;
  options.Cpus(0).Retries(kTaskRetries);
  if (!wishes.name.empty()) options.Name(wishes.name);
  AddResources(wishes, &options);
  return options;
}

mobula::ActorOptions ActorOptionsOf(const Wishes& wishes) {
  mobula::ActorOptions options;
  options.MaxRestarts(wishes.max_restarts);
  if (wishes.max_concurrency != 1) {
    options.MaxConcurrency(wishes.max_concurrency);
  }
  if (!wishes.name.empty()) options.Name(wishes.name);
  if (!wishes.ray_namespace.empty()) options.Namespace(wishes.ray_namespace);
  AddResources(wishes, &options);
  if (IsDetachedByDefault()) {
    options.Detached();
    if (wishes.name.empty()) options.Name("ray-actor-" + RandomName());
  }
  return options;
}

// Runs `body`, and turns the runtime's errors into Ray's.
template <class Body>
auto AsRay(const Body& body) {
  try {
    return body();
  } catch (const mobula::Error& error) {
    ThrowAsRay(error);
  }
}

HeldPtr Held(mobula::detail::ObjectPtr object) {
  return std::make_shared<const HeldObject>(std::move(object));
}

mobula::detail::ActorPtr ActorOf(const HeldActorPtr& actor) {
  if (actor == nullptr) {
    throw RayException("This ActorHandle names no actor.");
  }
  return actor->actor();
}

}  // namespace

HeldPtr SubmitTask(const RemoteEntry* function, Arguments arguments,
                   const Wishes& wishes) {
  if (function == nullptr) RefuseUnregistered();
  if (function->entry.actor_class != nullptr) {
    throw RayException(function->entry.name +
                       " makes an actor: give it to ray::Actor.");
  }
  return AsRay([&] {
    if (wishes.name.empty() && wishes.resources.empty()) {
      static const mobula::TaskOptions& usual =
          *new mobula::TaskOptions(TaskOptionsOf(Wishes()));
      return Held(mobula::detail::SpawnTask(function->entry, arguments, usual));
    }
    return Held(mobula::detail::SpawnTask(function->entry, arguments,
                                          TaskOptionsOf(wishes)));
  });
}

HeldActorPtr CreateActor(const RemoteEntry* factory,
                         std::string_view class_name, Arguments arguments,
                         const Wishes& wishes) {
  if (factory == nullptr) RefuseUnregistered();
  if (!factory->is_factory) {
    throw RayException(factory->entry.name +
                       " makes no actor: a factory returns a pointer to the "
                       "object that it made.");
  }
  try {
    mobula::detail::ActorPtr actor = mobula::detail::CreateActor(
        factory->entry, class_name, arguments, ActorOptionsOf(wishes));
    KeepActor(actor);
    return std::make_shared<const HeldActor>(std::move(actor));
  } catch (const mobula::Error& error) {
    if (error.code() == mobula::ErrorCode::kNameTaken) {
      throw RayException("Create actor error: " + error.message());
    }
    ThrowAsRay(error);
  }
}

HeldPtr CallActor(const HeldActorPtr& actor, const RemoteEntry* method,
                  Arguments arguments) {
  if (method == nullptr) RefuseUnregistered();
  static const mobula::CallOptions& usual = *new mobula::CallOptions();
  return AsRay([&] {
    return Held(mobula::detail::CallActor(ActorOf(actor), method->entry,
                                          arguments, usual));
  });
}

HeldPtr PutValue(const mobula::detail::Writable& value) {
  return AsRay(
      [&] { return Held(mobula::detail::PutValue(value, mobula::Timeout())); });
}

HeldActorPtr FindActor(const std::string& name, const std::string& ns) {
  if (name.empty()) return nullptr;
  try {
    return std::make_shared<const HeldActor>(
        mobula::detail::GetActor("", name, ns));
  } catch (const mobula::Error& error) {
    if (error.code() == mobula::ErrorCode::kNoSuchActor) return nullptr;
    ThrowAsRay(error);
  }
}

void KillActor(const HeldActorPtr& actor, bool no_restart) {
  AsRay([&] {
    const mobula::detail::ActorPtr target = ActorOf(actor);
    mobula::detail::KillActor(target,
                              mobula::KillOptions().Restart(!no_restart));
    if (no_restart) LetActorGo(target);
  });
}

void ExitThisActor() {
  try {
    mobula::ExitActor();
  } catch (const mobula::Error& error) {
    throw std::logic_error(std::string("ray::ExitActor: ") +
                           std::string(error.message()));
  }
  throw ActorExit();
}

void RefuseUnregistered() {
  throw RayException(
      "Function not found. Please use RAY_REMOTE to register this function.");
}

void RefuseLanguage() {
  throw RayException(
      "Functions and classes of Python and Java cannot be called: Mobula has "
      "workers of this program alone.");
}

}  // namespace ray::internal
