// Then says what comes after a ref: on a worker, or here.
//
//   mobula::Ref<Page> page = mobula::Spawn<Fetch>(url);
//   mobula::Ref<int> words = mobula::Then<CountWords>(page);      // remote
//   auto report = mobula::Then(page, [](Page p) { return p.size(); });  // here
//   std::size_t size = co_await report;
//
// Then<F>(ref, args...) is Spawn<F>(ref, args...): a task that waits for the
// ref, and fails as it fails. Its value does not come by here, and what it
// gives is a Ref again, so chains of it run without this process. Then(ref, fn)
// is a coroutine of this process: it waits for the ref and calls fn with its
// value, with nothing for a Ref<void>; where fn is a coroutine, it awaits that
// too. Like every Coro it begins when it is awaited, BlockOn, or started in a
// TaskGroup, and can be awaited once; it is a Coro and no Ref, because a
// function with captures cannot travel. Threading: any. fn runs on the
// process's pool, or wherever the Coro is awaited. Errors: Then<F> throws as
// Spawn. Awaiting Then(ref, fn) throws what the ref holds, what fn throws,
// TimeoutError or Cancelled when the scope is stopped.
#ifndef MOBULA_API_MOBULA_VERBS_THEN_H_
#define MOBULA_API_MOBULA_VERBS_THEN_H_

#include <functional>
#include <type_traits>
#include <utility>

#include "api/mobula/coro/coro.h"
#include "api/mobula/coro/ref_await.h"
#include "api/mobula/options.h"
#include "api/mobula/ref.h"
#include "api/mobula/spawn.h"

namespace mobula {
namespace detail {

template <class R>
struct Unwrapped {
  using Type = R;
  static constexpr bool kIsCoro = false;
};
template <class R>
struct Unwrapped<Coro<R>> {
  using Type = R;
  static constexpr bool kIsCoro = true;
};

template <class T, class Body>
struct ThenBody {
  using Returned = std::invoke_result_t<Body&, T>;
};
template <class Body>
struct ThenBody<void, Body> {
  using Returned = std::invoke_result_t<Body&>;
};
template <class T, class Body>
using ThenReturned = Unwrapped<typename ThenBody<T, Body>::Returned>;

}  // namespace detail

template <auto kFunction, class T, class... A>
detail::SpawnRef<kFunction> Then(const TaskOptions& options, const Ref<T>& ref,
                                 A&&... args) {
  return Spawn<kFunction>(options, ref, std::forward<A>(args)...);
}

template <auto kFunction, class T, class... A>
detail::SpawnRef<kFunction> Then(const Ref<T>& ref, A&&... args) {
  return Spawn<kFunction>(ref, std::forward<A>(args)...);
}

template <class T, class Body>
Coro<typename detail::ThenReturned<T, Body>::Type> Then(Ref<T> ref, Body body) {
  using Returned = detail::ThenReturned<T, Body>;
  if constexpr (std::is_void_v<T>) {
    co_await ref;
    if constexpr (Returned::kIsCoro) {
      auto next = std::invoke(body);
      co_return co_await next;
    } else {
      co_return std::invoke(body);
    }
  } else {
    T value = co_await ref;
    if constexpr (Returned::kIsCoro) {
      auto next = std::invoke(body, std::move(value));
      co_return co_await next;
    } else {
      co_return std::invoke(body, std::move(value));
    }
  }
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_VERBS_THEN_H_
