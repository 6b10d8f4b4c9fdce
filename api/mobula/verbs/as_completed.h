// AsCompleted gives refs one after the other as they are settled, each once:
// to a thread in a loop, to a coroutine by co_await.
//
//   for (const mobula::Settled<Page>& done : mobula::AsCompleted(fetches, 10s))
//   {
//     Use(urls[done.index], done.Get());           // throws where that failed
//   }
//
//   mobula::Completions<Page> pages = mobula::AsCompleted(fetches);
//   while (auto done = co_await pages.Next()) Use(done->Get());
//
// A ref that is given twice comes twice. The whole of n refs costs n steps, in
// whatever order they come. The time given is for all together; when it is over
// the loop throws TimeoutError, and may be begun again for the rest. Leaving it
// early gives up nothing but the wait: the tasks go on.
// Threading: one thread or coroutine at a time.
// Errors: AsCompleted throws BadArgument for an empty Ref, and RuntimeClosed;
// begin, ++ and Next throw TimeoutError, and Cancelled when the scope is
// stopped; what a task threw comes out of Settled::Get alone.
// The idea: concurrent.futures.as_completed of Python.
#ifndef MOBULA_API_MOBULA_VERBS_AS_COMPLETED_H_
#define MOBULA_API_MOBULA_VERBS_AS_COMPLETED_H_

#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "api/mobula/coro/block_on.h"
#include "api/mobula/coro/detail/arrivals.h"
#include "api/mobula/ref.h"
#include "api/mobula/timeout.h"
#include "api/mobula/verbs/detail/settled_iterator.h"
#include "api/mobula/verbs/settled.h"

namespace mobula {

template <class T>
class [[nodiscard]] Completions {
 public:
  Completions(std::vector<Ref<T>> refs, Timeout timeout)
      : refs_(std::move(refs)),
        watched_(detail::ObjectsOf(refs_),
                 detail::Arrivals::Order::kAsTheyCome),
        deadline_(timeout) {}
  Completions(Completions&&) noexcept = default;
  Completions& operator=(Completions&&) = delete;
  ~Completions() = default;

  // co_await it, or BlockOn it: the next one, nothing after the last.
  [[nodiscard]] auto Next() { return NextWait(*this); }

  // For a thread: begin waits for the first. One loop at a time; a second one
  // goes on where the first was left.
  auto begin() { return detail::SettledIterator<Completions>(*this); }
  std::default_sentinel_t end() const { return {}; }

  // How many have not been given yet.
  [[nodiscard]] std::size_t size() const { return watched_.arrivals().size(); }

 private:
  class NextWait final : public detail::TakeWait {
   public:
    explicit NextWait(Completions& of)
        : TakeWait(of.watched_.arrivals(), of.deadline_.Left()), of_(of) {}
    std::optional<Settled<T>> await_resume() {
      const std::optional<std::size_t> index = TakeWait::await_resume();
      if (!index) return std::nullopt;
      return Settled<T>{*index, of_.refs_[*index]};
    }

   private:
    Completions& of_;
  };

  std::vector<Ref<T>> refs_;
  detail::WatchedRefs watched_;
  Deadline deadline_;
};

template <class T>
Completions<T> AsCompleted(std::vector<Ref<T>> refs, Timeout timeout = {}) {
  return Completions<T>(std::move(refs), timeout);
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_VERBS_AS_COMPLETED_H_
