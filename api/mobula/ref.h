// Ref<T> is a value that a task, an actor call or Put gave or will give.
//
//   mobula::Ref<std::vector<Count>> counts = mobula::Spawn<CountWords>(path);
//   index.Call<&Index::Add>(counts);           // goes wherever a T is wanted
//   std::vector<Count> here = mobula::Get(counts);
//
// Copies share one value, which is kept until the last of them is gone. Get
// copies it out each time. A Ref cannot be put inside a value in this version.
// Threading: a Ref is a value like std::shared_ptr: each thread its own copy;
// what it refers to may be used from any thread.
// Errors thrown by Get: TaskError, WorkerDied, WorkerStartError, ActorDied,
// ActorRestarted, TimeoutError, Cancelled, Infeasible, ValueTooLarge,
// DecodeError, NoSuchFunction, RayletDied, LimitError, and RuntimeClosed after
// Shutdown: the Ref is inert then.
// The idea: futures of a distributed program are values that name their owner
// (Nishihara, Moritz and others, "Ray", OSDI 2018; Wang and others,
// "Ownership", NSDI 2021).
#ifndef MOBULA_API_MOBULA_REF_H_
#define MOBULA_API_MOBULA_REF_H_

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/mobula/detail/calls.h"
#include "api/mobula/detail/value.h"
#include "api/mobula/error.h"
#include "api/mobula/result.h"
#include "api/mobula/timeout.h"

namespace mobula {

template <class T>
class Ref {
 public:
  using Value = T;

  // Refers to nothing; all it does is throw BadArgument.
  Ref() = default;

  // Waits for the value; throws what there is instead, or TimeoutError.
  T Get(Timeout timeout = {}) const {
    const base::Bytes bytes = detail::AwaitValue(object_, timeout);
    if constexpr (!std::is_void_v<T>) {
      return detail::DecodeValue<T>(bytes.view());
    }
  }

  // Waits as Get; an error is returned and not thrown. Only running out of
  // memory throws.
  Result<T> TryGet(Timeout timeout = {}) const {
    try {
      if constexpr (std::is_void_v<T>) {
        Get(timeout);
        return Result<void>();
      } else {
        return Get(timeout);
      }
    } catch (const Error& error) {
      return error;
    }
  }

  // Whether Get would not wait. True after the runtime has ended.
  [[nodiscard]] bool Ready() const { return detail::IsReady(object_); }

  // Of the actor that gave the value, from 1; 0 before there is one, and for
  // tasks and Put.
  [[nodiscard]] std::int64_t Incarnation() const {
    return detail::IncarnationOf(object_);
  }

  // Whether it refers to anything.
  explicit operator bool() const { return object_ != nullptr; }
  // Whether both refer to one value.
  friend bool operator==(const Ref& a, const Ref& b) {
    return a.object_ == b.object_;
  }

  // A Ref inside a value does not compile; see CheckValue.
  void MobulaEncode(base::Writer&) const { detail::CheckValue<Ref>(); }
  bool MobulaDecode(base::Reader&) { return detail::CheckValue<Ref>(), false; }

 private:
  friend struct RefAccess;
  explicit Ref(detail::ObjectPtr object) : object_(std::move(object)) {}

  detail::ObjectPtr object_;
};

// The library's own way into a Ref. Not for users.
struct RefAccess {
  template <class T>
  static Ref<T> Make(detail::ObjectPtr object) {
    return Ref<T>(std::move(object));
  }
  template <class T>
  static const detail::ObjectPtr& Object(const Ref<T>& ref) {
    return ref.object_;
  }
};

// ref.Get(timeout).
template <class T>
T Get(const Ref<T>& ref, Timeout timeout = {}) {
  return ref.Get(timeout);
}

// All values, in the order of the refs; the first failure in that order is
// thrown. `timeout` is for all together.
template <class T>
auto Get(const std::vector<Ref<T>>& refs, Timeout timeout = {}) {
  const Deadline deadline(timeout);
  if constexpr (std::is_void_v<T>) {
    for (const Ref<T>& ref : refs) ref.Get(deadline.Left());
  } else {
    std::vector<T> values;
    values.reserve(refs.size());
    for (const Ref<T>& ref : refs) values.push_back(ref.Get(deadline.Left()));
    return values;
  }
}

// ref.TryGet(timeout).
template <class T>
Result<T> TryGet(const Ref<T>& ref, Timeout timeout = {}) {
  return ref.TryGet(timeout);
}

// Makes a value available to many calls while encoding it once.
//   mobula::Ref<Model> model = mobula::Put(LoadModel());
// Throws ValueTooLarge, RuntimeClosed.
template <class V>
Ref<std::decay_t<V>> Put(const V& value) {
  using T = std::decay_t<V>;
  detail::CheckValue<T>();
  if constexpr (detail::kIsValue<T>) {
    return RefAccess::Make<T>(detail::PutValue(detail::EncodeValue<T>(value)));
  } else {
    return {};
  }
}

// What Wait found; both in the order in which the refs were given.
template <class T>
struct Waited {
  std::vector<Ref<T>> ready;  // settled: with a value or an error
  std::vector<Ref<T>> not_ready;
};

// Waits until `count` of the refs are settled or the time is up; the failed
// ones count as settled. More than `count` may be ready.
//   auto [ready, not_ready] = mobula::Wait(refs, 1, 100ms);
// Throws BadArgument if there are fewer than `count` refs.
template <class T>
Waited<T> Wait(const std::vector<Ref<T>>& refs, std::size_t count,
               Timeout timeout = {}) {
  std::vector<detail::ObjectPtr> objects;
  objects.reserve(refs.size());
  for (const Ref<T>& ref : refs) objects.push_back(RefAccess::Object(ref));
  const std::vector<bool> settled = detail::AwaitSome(objects, count, timeout);
  Waited<T> waited;
  for (std::size_t i = 0; i < refs.size(); ++i) {
    (settled[i] ? waited.ready : waited.not_ready).push_back(refs[i]);
  }
  return waited;
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_REF_H_
