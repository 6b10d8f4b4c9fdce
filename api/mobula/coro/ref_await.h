// co_await on a Ref: a coroutine waits for a task's or an actor's answer
// without holding a thread.
//
//   mobula::Coro<int> Sum() {
//     mobula::Ref<int> a = mobula::Spawn<Square>(3);
//     mobula::Ref<int> b = mobula::Spawn<Square>(4);
//     int sum = co_await a;
//     sum += co_await b;
//     co_return sum;
//   }
//
// Ten thousand may wait at once: each costs its coroutine, and no thread. Works
// in drivers and workers, and in local mode.
// Threading: as Ref: each coroutine its own copy.
// Errors: what Ref::Get throws; TimeoutError or Cancelled when the scope is
// stopped meanwhile: the task goes on.
#ifndef MOBULA_API_MOBULA_CORO_REF_AWAIT_H_
#define MOBULA_API_MOBULA_CORO_REF_AWAIT_H_

#include <type_traits>

#include "api/mobula/coro/detail/object_wait.h"
#include "api/mobula/detail/calls.h"
#include "api/mobula/detail/value.h"
#include "api/mobula/ref.h"
#include "api/mobula/timeout.h"
#include "base/value.h"

namespace mobula {
namespace detail {

template <class T>
class RefWait final : public ObjectWait {
 public:
  using ObjectWait::ObjectWait;
  T await_resume() {
    Finish();
    const base::Value value = OutcomeValue(object(), TakeOutcome(), Timeout());
    if constexpr (!std::is_void_v<T>) return DecodeValue<T>(value);
  }
};

}  // namespace detail

template <class T>
auto operator co_await(const Ref<T>& ref) {
  return detail::RefWait<T>(RefAccess::Object(ref));
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_CORO_REF_AWAIT_H_
