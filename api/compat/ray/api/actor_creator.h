// ActorCreator describes an actor: ray::Actor gives one, Remote creates it.
//
//   auto counter = ray::Actor(Counter::FactoryCreate)
//                      .SetName("counter")
//                      .SetMaxRestarts(-1)
//                      .Remote(0);
//
// An actor is a process of its own. Remote returns before it is there; if its
// factory throws, calls of it throw RayActorException. With a name Remote waits
// until the name is registered.
// Threading: a value.
// Errors thrown by Remote: as of TaskCaller; RayException "Create actor error"
// where a living actor has the name.
#ifndef MOBULA_API_COMPAT_RAY_API_ACTOR_CREATOR_H_
#define MOBULA_API_COMPAT_RAY_API_ACTOR_CREATOR_H_

#include <string>
#include <type_traits>
#include <utility>

#include "api/compat/ray/api/actor_handle.h"
#include "api/compat/ray/internal/arguments.h"
#include "api/compat/ray/internal/call_traits.h"
#include "api/compat/ray/internal/calls.h"
#include "api/compat/ray/internal/invoke.h"
#include "api/compat/ray/internal/xlang_function.h"
#include "api/mobula/detail/type_name.h"

namespace ray::internal {

template <class Caller>
class WithActorWishes : public WithPlace<Caller> {
 public:
  using WithPlace<Caller>::SetName;
  // By which ray::GetActor finds it, in the job's namespace or that one.
  Caller& SetName(std::string name, std::string ray_namespace) {
    this->wishes_.ray_namespace = std::move(ray_namespace);
    return SetName(std::move(name));
  }
  // Lives after the first, with the factory run again; -1: no limit.
  Caller& SetMaxRestarts(int max_restarts) {
    this->wishes_.max_restarts = max_restarts;
    return this->self();
  }
  // So many methods at the same time, on threads of their own.
  Caller& SetMaxConcurrency(int max_concurrency) {
    this->wishes_.max_concurrency = max_concurrency;
    return this->self();
  }
};

template <class F>
class ActorCreator : public WithActorWishes<ActorCreator<F>> {
 public:
  using Class = std::remove_pointer_t<ResultOf<F>>;

  ActorCreator() = default;
  explicit ActorCreator(const RemoteEntry* factory) : factory_(factory) {}

  template <class... Args>
  ActorHandle<Class> Remote(Args&&... args) {
    static_assert(kIsFactory<F>,
                  "ray: ray::Actor wants a function that returns a pointer to "
                  "an object that it made: static Counter* Create(int)");
    return internal::WithArguments(
        typename CallTraits<F>::Parameters{},
        [this](mobula::detail::Arguments arguments) {
          return ActorHandle<Class>(
              CreateActor(factory_, mobula::detail::TypeName<Class>(),
                          arguments, this->wishes_));
        },
        std::forward<Args>(args)...);
  }

 private:
  const RemoteEntry* factory_ = nullptr;
};

// Of a class of another language.
template <class F>
  requires kIsXlang<F>
class ActorCreator<F> : public WithActorWishes<ActorCreator<F>> {
 public:
  template <class... Args>
  ActorHandleXlang Remote(const Args&...) {
    RefuseLanguage();
  }
};

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_API_ACTOR_CREATOR_H_
