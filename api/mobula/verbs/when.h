// WhenAll, WhenAny and WhenSome wait for several refs at once: in a coroutine
// with co_await, on a thread with BlockOn.
//
//   std::vector<int> all = co_await mobula::WhenAll(refs);
//   auto [text, size] = mobula::BlockOn(mobula::WhenAll(text_ref, size_ref));
//   mobula::Settled<int> first = co_await mobula::WhenAny(refs, 2s);
//   auto [ready, not_ready] = co_await mobula::WhenSome(refs, 10, 100ms);
//
// WhenAll gives all values, in the order of the refs (of Ref<void>: nothing, in
// a tuple std::monostate), and throws as soon as one of them fails, without
// waiting for the others. WhenAny gives the first that is settled, with a value
// or with an error. WhenSome is Wait for coroutines: it gives what there is
// when its time is over. Whatever ends a wait, the tasks go on.
// Each costs the same for each ref, however many there are; no thread is held.
// Threading: any thread, any coroutine.
// Errors: TimeoutError when the time given is over; TimeoutError or Cancelled
// when the scope is stopped; BadArgument for an empty Ref, for WhenAny of none
// and for a WhenSome of more than there are; RuntimeClosed. WhenAll throws what
// the ref that failed first throws.
// The idea: Promise.all and Promise.race of JavaScript, asyncio.gather and
// asyncio.wait of Python.
#ifndef MOBULA_API_MOBULA_VERBS_WHEN_H_
#define MOBULA_API_MOBULA_VERBS_WHEN_H_

#include <cstddef>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "api/mobula/coro/detail/arrivals.h"
#include "api/mobula/detail/calls.h"
#include "api/mobula/detail/value.h"
#include "api/mobula/error.h"
#include "api/mobula/ref.h"
#include "api/mobula/timeout.h"
#include "api/mobula/verbs/settled.h"

namespace mobula {
namespace detail {

// A CountWait with what it waits for.
class RefsWait : private WatchedRefs, public CountWait {
 protected:
  RefsWait(std::span<const ObjectPtr> objects, std::size_t count,
           Timeout timeout, bool fails_early)
      : WatchedRefs(objects, Arrivals::Order::kAsAdded),
        CountWait(arrivals(), count, timeout, fails_early) {}

  // Of one that has arrived with a value.
  template <class T>
  T ValueOf(std::size_t index) const {
    const ObjectPtr& of = object(index);
    return DecodeValue<T>(OutcomeValue(of, outcome(index), Timeout()));
  }

  using WatchedRefs::arrivals;
};

template <class T>
class AllWait final : public RefsWait {
 public:
  AllWait(const std::vector<Ref<T>>& refs, Timeout timeout)
      : RefsWait(ObjectsOf(refs), refs.size(), timeout, /*fails_early=*/true),
        count_(refs.size()) {}

  auto await_resume() {
    FinishAll();
    if constexpr (!std::is_void_v<T>) {
      std::vector<T> values;
      values.reserve(count_);
      for (std::size_t i = 0; i < count_; ++i) {
        values.push_back(this->template ValueOf<T>(i));
      }
      return values;
    }
  }

 private:
  const std::size_t count_;
};

// In a tuple of values nothing must be something.
template <class T>
using InTuple = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <class... T>
class TupleWait final : public RefsWait {
 public:
  explicit TupleWait(std::span<const ObjectPtr> objects)
      : RefsWait(objects, sizeof...(T), Timeout(), /*fails_early=*/true) {}

  std::tuple<InTuple<T>...> await_resume() {
    FinishAll();
    return Values(std::index_sequence_for<T...>());
  }

 private:
  template <std::size_t... kIndex>
  std::tuple<InTuple<T>...> Values(std::index_sequence<kIndex...>) const {
    // Braces: from left to right.
    return std::tuple<InTuple<T>...>{Value<T>(kIndex)...};
  }
  template <class V>
  InTuple<V> Value(std::size_t index) const {
    if constexpr (std::is_void_v<V>) {
      return {};
    } else {
      return this->template ValueOf<V>(index);
    }
  }
};

template <class T>
class AnyWait final : private WatchedRefs, public TakeWait {
 public:
  AnyWait(const std::vector<Ref<T>>& refs, Timeout timeout)
      : WatchedRefs(ObjectsOf(refs), Arrivals::Order::kAsTheyCome),
        TakeWait(arrivals(), timeout),
        refs_(refs) {
    if (refs.empty()) ThrowBadArgument("WhenAny of no refs would never end");
  }

  Settled<T> await_resume() {
    const std::size_t index = *TakeWait::await_resume();
    return {index, refs_[index]};
  }

 private:
  const std::vector<Ref<T>> refs_;
};

template <class T>
class SomeWait final : public RefsWait {
 public:
  SomeWait(const std::vector<Ref<T>>& refs, std::size_t count, Timeout timeout)
      : RefsWait(ObjectsOf(refs), count, timeout, /*fails_early=*/false),
        refs_(refs) {
    if (count <= refs.size()) return;
    ThrowBadArgument("WhenSome of " + std::to_string(count) + " of " +
                     std::to_string(refs.size()) + " refs");
  }

  Waited<T> await_resume() {
    FinishSome();
    const std::vector<bool> arrived = this->arrivals().Arrived();
    Waited<T> waited;
    for (std::size_t i = 0; i < refs_.size(); ++i) {
      (arrived[i] ? waited.ready : waited.not_ready).push_back(refs_[i]);
    }
    return waited;
  }

 private:
  const std::vector<Ref<T>> refs_;
};

}  // namespace detail

template <class T>
[[nodiscard]] detail::AllWait<T> WhenAll(const std::vector<Ref<T>>& refs,
                                         Timeout timeout = {}) {
  return detail::AllWait<T>(refs, timeout);
}

// Of any types: gives a tuple.
template <class First, class... Rest>
[[nodiscard]] detail::TupleWait<First, Rest...> WhenAll(
    const Ref<First>& first, const Ref<Rest>&... rest) {
  const std::vector<detail::ObjectPtr> objects = {RefAccess::Object(first),
                                                  RefAccess::Object(rest)...};
  return detail::TupleWait<First, Rest...>(objects);
}

template <class T>
[[nodiscard]] detail::AnyWait<T> WhenAny(const std::vector<Ref<T>>& refs,
                                         Timeout timeout = {}) {
  return detail::AnyWait<T>(refs, timeout);
}

template <class T>
[[nodiscard]] detail::SomeWait<T> WhenSome(const std::vector<Ref<T>>& refs,
                                           std::size_t count,
                                           Timeout timeout = {}) {
  return detail::SomeWait<T>(refs, count, timeout);
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_VERBS_WHEN_H_
