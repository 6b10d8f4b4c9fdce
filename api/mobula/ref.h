// Ref<T> is a value that a task, an actor call or Put gave or will give.
//
//   mobula::Ref<std::vector<Count>> counts = mobula::Spawn<CountWords>(path);
//   index.Call<&Index::Add>(counts);           // goes wherever a T is wanted
//   std::vector<Count> here = mobula::Get(counts);
//
//   struct Scene { std::string name; std::vector<mobula::Ref<Image>> tiles; };
//   mobula::Spawn<Stitch>(Scene{"sea", tiles});    // Refs travel inside values
//
// Copies share one value, which is kept until the last of them is gone, in
// whatever process it is. Get copies it out each time; GetView reads it where
// it lies (view.h). A Ref may be a member of a value, to any depth, be returned
// (Ref<Ref<T>> too), be kept in an actor, and be what a function takes: given
// to a parameter of type Ref<T> it travels itself, given to one of type T its
// value takes its place. It cannot be a value under a key (KvPut) or an
// argument of a detached actor's constructor, where nobody would count it. A
// value of more than 4 KiB lies in the node's store, in memory that processes
// share; docs/values.md has the whole of it.
// Threading: a Ref is a value like std::shared_ptr: each thread its own copy;
// what it refers to may be used from any thread.
// Errors thrown by Get: TaskError, WorkerDied, WorkerStartError, ActorDied,
// ActorRestarted, TimeoutError, Cancelled, Infeasible, ValueTooLarge,
// DecodeError, NoSuchFunction, RayletDied, LimitError, ObjectStoreFull (for its
// result, or for the value, which is on disk: 30 s), ObjectLost, OwnerDied, and
// RuntimeClosed after Shutdown: the Ref is inert then.
// The idea: futures of a distributed program are values that name their owner
// (Nishihara, Moritz and others, "Ray", OSDI 2018; Wang and others,
// "Ownership", NSDI 2021).
#ifndef MOBULA_API_MOBULA_REF_H_
#define MOBULA_API_MOBULA_REF_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/mobula/detail/calls.h"
#include "api/mobula/detail/value.h"
#include "api/mobula/error.h"
#include "api/mobula/result.h"
#include "api/mobula/timeout.h"
#include "api/mobula/values/put_options.h"
#include "api/mobula/values/view.h"
#include "api/mobula/values/writable.h"
#include "base/codec/codec.h"
#include "base/value.h"

namespace mobula {

template <class T>
class Ref {
 public:
  using Value = T;

  // Refers to nothing; all it does is throw BadArgument.
  Ref() = default;

  // Waits for the value; throws what there is instead, or TimeoutError. A long
  // value that is there and not yet in this process's memory is brought in,
  // for which there is always a second.
  T Get(Timeout timeout = {}) const {
    const base::Value value = detail::AwaitValue(object_, timeout);
    if constexpr (!std::is_void_v<T>) return detail::DecodeValue<T>(value);
  }

  // The same, read where it lies.
  View<T> GetView(Timeout timeout = {}) const {
    if constexpr (detail::kIsViewable<T>) {
      return detail::ReadView<T>(detail::AwaitValue(object_, timeout), object_);
    }
    return {};
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

  // Inside a value it is an index among the Refs that travel beside it.
  void MobulaEncode(base::Writer& out) const { detail::WriteRef(out, object_); }
  bool MobulaDecode(base::Reader& in) { return detail::ReadRef(in, &object_); }

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

// ref.GetView(timeout).
template <class T>
View<T> GetView(const Ref<T>& ref, Timeout timeout = {}) {
  return ref.GetView(timeout);
}

namespace detail {

template <class T>
std::vector<ObjectPtr> ObjectsOf(const std::vector<Ref<T>>& refs) {
  std::vector<ObjectPtr> objects;
  objects.reserve(refs.size());
  for (const Ref<T>& ref : refs) objects.push_back(RefAccess::Object(ref));
  return objects;
}

}  // namespace detail

// All values, in the order of the refs; the first failure in that order is
// thrown. `timeout` is for all together.
template <class T>
auto Get(const std::vector<Ref<T>>& refs, Timeout timeout = {}) {
  const Deadline deadline(timeout);
  detail::AskForAll(detail::ObjectsOf(refs));
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

namespace detail {

// What a V is once it has been put.
template <class V>
struct PutAs {
  using Type = V;
};
template <>
struct PutAs<std::string_view> {
  using Type = std::string;
};
template <class E, std::size_t kSize>
  requires base::kEncodable<std::span<E, kSize>>
struct PutAs<std::span<E, kSize>> {
  using Type = std::vector<std::remove_cv_t<E>>;
};

}  // namespace detail

// Makes a value available to many calls while encoding it once, straight to
// where it stays. A std::string_view is put as std::string, a std::span of
// numbers or bytes as std::vector.
//   mobula::Ref<Model> model = mobula::Put(LoadModel());
// Waits while the node's store is full, see PutOptions. Throws ObjectStoreFull,
// ValueTooLarge, RuntimeClosed, and BadArgument for what is nested over 256
// deep.
template <class V>
auto Put(const V& value, const PutOptions& options = PutOptions()) {
  using T = typename detail::PutAs<std::decay_t<V>>::Type;
  detail::CheckValue<T>();
  if constexpr (detail::kIsValue<T>) {
    return RefAccess::Make<T>(
        detail::PutValue(detail::WritableOf(value), options.values().timeout));
  } else {
    return Ref<T>();
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
  const std::vector<bool> settled =
      detail::AwaitSome(detail::ObjectsOf(refs), count, timeout);
  Waited<T> waited;
  for (std::size_t i = 0; i < refs.size(); ++i) {
    (settled[i] ? waited.ready : waited.not_ready).push_back(refs[i]);
  }
  return waited;
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_REF_H_
