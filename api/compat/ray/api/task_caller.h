// TaskCaller describes a call of a function: ray::Task gives one, Remote makes
// the call.
//
//   ray::Task(Plus).SetResource("CPU", 1).Remote(1, 2);
//
// A task asks for no CPU unless it is told to, and is run once more if its
// worker dies; never if the function throws. Threading: a value.
// Errors thrown by Remote: RayException (ray::Init was not called, a resource
// makes no sense, an ObjectRef refers to nothing, the store is full); all
// others come from Get.
#ifndef MOBULA_API_COMPAT_RAY_API_TASK_CALLER_H_
#define MOBULA_API_COMPAT_RAY_API_TASK_CALLER_H_

#include <utility>

#include "api/compat/ray/api/object_ref.h"
#include "api/compat/ray/internal/arguments.h"
#include "api/compat/ray/internal/call_traits.h"
#include "api/compat/ray/internal/calls.h"
#include "api/compat/ray/internal/invoke.h"
#include "api/compat/ray/internal/xlang_function.h"

namespace ray::internal {

template <class F>
class TaskCaller : public WithPlace<TaskCaller<F>> {
 public:
  TaskCaller() = default;
  explicit TaskCaller(const RemoteEntry* function) : function_(function) {}

  // Arguments convert to the parameters' types, or are ObjectRefs of them.
  template <class... Args>
  ObjectRef<ResultOf<F>> Remote(Args&&... args) {
    return internal::WithArguments(
        typename CallTraits<F>::Parameters{},
        [this](mobula::detail::Arguments arguments) {
          return ObjectRef<ResultOf<F>>(
              SubmitTask(function_, arguments, this->wishes_));
        },
        std::forward<Args>(args)...);
  }

 private:
  const RemoteEntry* function_ = nullptr;
};

// Of a function of another language.
template <class F>
  requires kIsXlang<F>
class TaskCaller<F> : public WithPlace<TaskCaller<F>> {
 public:
  template <class... Args>
  ObjectRef<typename XlangResult<F>::Type> Remote(const Args&...) {
    RefuseLanguage();
  }
};

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_API_TASK_CALLER_H_
