// BlockOn waits on a thread for what a coroutine would co_await: a Coro, or one
// wait (Event::Wait, Mutex::Lock, Channel::Send, SleepFor, ...).
//
//   std::string page = mobula::BlockOn(Fetch(url));
//   mobula::Mutex::Guard guard = mobula::BlockOn(mutex.Lock());
//
// The Coro runs on the process's pool, which the first one starts, one thread
// for each processor; it sees the scope of the thread that waits for it. A wait
// runs nowhere: the thread sleeps until it is over.
// Threading: any thread. On a thread of a pool another runs in its place while
// it is blocked, up to 256 of them: prefer co_await there. In a task of a
// worker the cpu is lent to others after 1 ms. Errors: throws what awaiting
// would throw. A Coro is never left behind: where the scope is stopped it is
// told so, and BlockOn returns when it has ended.
#ifndef MOBULA_API_MOBULA_CORO_BLOCK_ON_H_
#define MOBULA_API_MOBULA_CORO_BLOCK_ON_H_

#include <concepts>
#include <coroutine>
#include <type_traits>

#include "api/mobula/coro/coro.h"
#include "api/mobula/coro/detail/promise.h"
#include "api/mobula/coro/detail/wait.h"

namespace mobula {
namespace detail {

// Runs it on the process's pool, and sleeps until it has ended.
void RunToEnd(std::coroutine_handle<> frame, PromiseBase& promise);

}  // namespace detail

template <class T>
T BlockOn(const Coro<T>& coro) {
  const auto frame = CoroAccess::Frame(coro);
  detail::RunToEnd(frame, frame.promise());
  return frame.promise().Take();
}

template <class W>
  requires std::derived_from<std::remove_cvref_t<W>, detail::Wait>
auto BlockOn(W&& wait) -> decltype(wait.await_resume()) {
  wait.Block();
  return wait.await_resume();
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_CORO_BLOCK_ON_H_
