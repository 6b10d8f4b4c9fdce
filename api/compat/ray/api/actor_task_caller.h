// ActorTaskCaller describes a call of an actor's method: ActorHandle::Task
// gives one, Remote makes the call.
//
//   counter.Task(&Counter::Add).Remote(1);
//
// It runs at most once. A name and resources of a call are taken and mean
// nothing: they are its actor's. Threading: a value.
// Errors thrown by Remote: as of TaskCaller; all others come from Get.
#ifndef MOBULA_API_COMPAT_RAY_API_ACTOR_TASK_CALLER_H_
#define MOBULA_API_COMPAT_RAY_API_ACTOR_TASK_CALLER_H_

#include <utility>

#include "api/compat/ray/api/object_ref.h"
#include "api/compat/ray/api/task_options.h"
#include "api/compat/ray/internal/arguments.h"
#include "api/compat/ray/internal/call_traits.h"
#include "api/compat/ray/internal/calls.h"
#include "api/compat/ray/internal/invoke.h"
#include "api/compat/ray/internal/xlang_function.h"

namespace ray::internal {

template <class F>
class ActorTaskCaller : public WithWishes<ActorTaskCaller<F>> {
 public:
  ActorTaskCaller() = default;
  ActorTaskCaller(HeldActorPtr actor, const RemoteEntry* method)
      : actor_(std::move(actor)), method_(method) {}

  template <class... Args>
  ObjectRef<ResultOf<F>> Remote(Args&&... args) {
    CheckTaskOptions(this->wishes_.resources);
    return internal::WithArguments(
        typename CallTraits<F>::Parameters{},
        [this](mobula::detail::Arguments arguments) {
          return ObjectRef<ResultOf<F>>(CallActor(actor_, method_, arguments));
        },
        std::forward<Args>(args)...);
  }

 private:
  HeldActorPtr actor_;
  const RemoteEntry* method_ = nullptr;
};

template <class F>
  requires kIsXlang<F>
class ActorTaskCaller<F> : public WithWishes<ActorTaskCaller<F>> {
 public:
  template <class... Args>
  ObjectRef<typename XlangResult<F>::Type> Remote(const Args&...) {
    RefuseLanguage();
  }
};

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_API_ACTOR_TASK_CALLER_H_
