// TaskGroup runs coroutines side by side and waits for all of them: nothing
// that it started outlives it.
//
//   mobula::Coro<> Both() {
//     mobula::TaskGroup group;
//     group.Start(Fetch("a"));
//     group.Start(Fetch("b"));
//     co_await group.Wait();         // throws what the first that failed threw
//   }
//
// When one fails the others are told to stop (their waits throw Cancelled), and
// Wait throws the first failure once all have ended. Each child begins at once,
// on the pool of who started it, in the group's scope: its deadline, stop
// token, priority and trace id are those of the scope in which the group was
// made, and of the options. Where a block is left without Wait, by an exception
// or co_return, the destructor stops the children and blocks the thread until
// they have ended. That is right on a thread; in a coroutine WithGroup does it
// without blocking:
//
//   auto fetches = mobula::WithGroup([&](mobula::TaskGroup& group)
//                                        -> mobula::Coro<> {
//     for (const auto& url : urls) group.Start(Fetch(url));
//     co_return;
//   });
//   co_await fetches;
//
// Threading: Start and Stop from any thread while it lives, its children's too.
// Errors: Wait throws the first failure of a child. What children throw because
// the group was stopped counts only where the stop came from outside of it.
// The idea: nurseries, from Trio (N. J. Smith, "Notes on structured
// concurrency", 2018).
#ifndef MOBULA_API_MOBULA_CORO_TASK_GROUP_H_
#define MOBULA_API_MOBULA_CORO_TASK_GROUP_H_

#include <cstddef>
#include <exception>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "api/mobula/coro/coro.h"
#include "api/mobula/coro/detail/context.h"
#include "api/mobula/coro/detail/wait_queue.h"
#include "api/mobula/coro/scope_options.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "base/threads/executor.h"

namespace mobula {

class TaskGroup final : private detail::WaitQueue {
 public:
  explicit TaskGroup(const ScopeOptions& options = ScopeOptions());
  ~TaskGroup() override;

  // Throws BadArgument if it is empty or was awaited.
  void Start(Coro<> child) MOBULA_EXCLUDES(mutex_);

  // co_await it, or BlockOn it, as often as wanted: until no child runs. It
  // waits for them also when the scope around is stopped.
  [[nodiscard]] auto Wait() { return AllWait(*this); }

  // Tells the children to stop. What they throw then is no failure.
  void Stop() MOBULA_EXCLUDES(mutex_);
  [[nodiscard]] const std::stop_token& token() const {
    return context_.token();
  }
  // Children that have not ended.
  [[nodiscard]] std::size_t size() const MOBULA_EXCLUDES(mutex_);

 private:
  friend struct GroupAccess;

  class AllWait final : public detail::QueuedWait {
   public:
    explicit AllWait(TaskGroup& group)
        : QueuedWait(group, Timeout(), /*can_stop=*/false), group_(group) {}
    void await_resume() {
      Finish();
      group_.ThrowFirstError();
    }

   private:
    TaskGroup& group_;
  };
  struct Child;

  static void Begin(base::Work* work) noexcept;
  static void Ended(void* child) noexcept;
  void TakeEnd(std::exception_ptr error) noexcept MOBULA_EXCLUDES(mutex_);
  void Fail(std::exception_ptr error) noexcept MOBULA_EXCLUDES(mutex_);
  void ThrowFirstError() MOBULA_EXCLUDES(mutex_);
  void NoteLostError() MOBULA_EXCLUDES(mutex_);
  bool Grant(detail::ListedWait& wait, detail::Woken& woken) override
      MOBULA_REQUIRES(mutex_);

  detail::Context context_;
  std::size_t running_ MOBULA_GUARDED_BY(mutex_) = 0;
  bool stopped_here_ MOBULA_GUARDED_BY(mutex_) = false;
  std::exception_ptr first_error_ MOBULA_GUARDED_BY(mutex_);
  bool is_error_taken_ MOBULA_GUARDED_BY(mutex_) = false;
};

// The library's own way into a TaskGroup. Not for users.
struct GroupAccess {
  static detail::Context* ContextOf(TaskGroup& group) {
    return &group.context_;
  }
  static void Fail(TaskGroup& group, std::exception_ptr error) {
    group.Fail(std::move(error));
  }
};

// Runs `body(group)` as a coroutine in the group's scope, and then waits for
// all that it started. Throws what the body or the first failing child threw.
// The body, a lambda with captures too, is kept until the end.
template <class Body>
Coro<> WithGroup(Body body, ScopeOptions options = ScopeOptions()) {
  TaskGroup group(options);
  try {
    const detail::Entered entered(GroupAccess::ContextOf(group));
    Coro<> run = body(group);
    co_await run;
  } catch (...) {
    GroupAccess::Fail(group, std::current_exception());
  }
  co_await group.Wait();
}

namespace detail {

template <class T>
Coro<> StoreResult(Coro<T> coro, std::optional<T>* result) {
  result->emplace(co_await coro);
}

}  // namespace detail

// Runs them side by side, and gives their values in the order given. When one
// throws the others are stopped, and that is thrown once all have ended.
template <class T>
Coro<std::vector<T>> WhenAll(std::vector<Coro<T>> coros) {
  std::vector<std::optional<T>> results(coros.size());
  TaskGroup group;
  for (std::size_t i = 0; i < coros.size(); ++i) {
    group.Start(detail::StoreResult(std::move(coros[i]), &results[i]));
  }
  co_await group.Wait();
  std::vector<T> values;
  values.reserve(results.size());
  for (std::optional<T>& result : results) {
    values.push_back(*std::move(result));
  }
  co_return values;
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_CORO_TASK_GROUP_H_
