// WithTimeout, Shield and WithScope run a coroutine in a scope of its own.
//
//   mobula::Coro<std::string> Patient(std::string url) {
//     auto fetch = mobula::WithTimeout(2s, Fetch(url));
//     co_return co_await fetch;            // TimeoutError after 2 s
//   }
//
// The time counts from when it is awaited. A coroutine whose time is over is
// told so by its waits, which throw TimeoutError; who awaits goes on when it
// has ended: nothing is left behind. One that computes asks with
// ThrowIfStopped. Shield is for what must not be broken off half way, a
// clean-up for example: it runs to its end also when the scope around it is
// stopped. Threading: as of the Coro. Errors: what the coroutine throws.
#ifndef MOBULA_API_MOBULA_CORO_WITH_SCOPE_H_
#define MOBULA_API_MOBULA_CORO_WITH_SCOPE_H_

#include <utility>

#include "api/mobula/coro/coro.h"
#include "api/mobula/coro/scope.h"
#include "api/mobula/coro/scope_options.h"
#include "api/mobula/timeout.h"

namespace mobula {

template <class T>
Coro<T> WithScope(ScopeOptions options, Coro<T> coro) {
  const Scope scope(options);
  co_return co_await coro;
}

template <class T>
Coro<T> WithTimeout(Timeout timeout, Coro<T> coro) {
  const Scope scope(ScopeOptions().Timeout(timeout));
  co_return co_await coro;
}

template <class T>
Coro<T> Shield(Coro<T> coro) {
  const Scope scope(ScopeOptions().Shielded());
  co_return co_await coro;
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_CORO_WITH_SCOPE_H_
