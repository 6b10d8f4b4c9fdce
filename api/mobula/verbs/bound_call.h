// Bind describes a call without making it: a value that can be kept, sent, and
// made as often as wanted.
//
//   mobula::BoundCall<Image> frame = mobula::Bind<Render>(scene, 1);
//   mobula::Ref<Image> image = frame.Spawn();          // or Spawn(frame)
//   frame = frame.With(mobula::TaskOptions().Cpus(4));
//
//   struct Job { std::string name; mobula::BoundCall<Image> call; };
//   mobula::Spawn<RunLater>(Job{"sea", frame});         // travels in values
//
//   // A BoundCall<T> goes wherever a T is wanted: a tree says what is to be
//   // computed from what, and nothing runs before its root is spawned.
//   auto sum = mobula::Bind<Add>(mobula::Bind<Load>("a"),
//   mobula::Bind<Load>("b")); int total = mobula::Get(sum.Spawn());
//
// Arguments are what Spawn takes; they are checked and encoded by Bind, refs
// are kept as long as the BoundCall, and a long argument is put into the node's
// store once for all spawns. Copies share all of it. In a tree each call has
// options of its own, and one that stands in several places (copies of one
// BoundCall) is made once for each Spawn of the root. As a member of a value,
// an argument or a result it travels to any process of the job, which spawns it
// as if it had bound it: that process is then the owner of the result. Where it
// has Refs inside it follows their rules: not under a key (KvPut). Threading: a
// value; copies may be spawned from any thread. Errors: Bind throws
// BadArgument, ObjectStoreFull, ValueTooLarge. Spawn throws as Spawn<F>, and
// BadArgument for an empty BoundCall. The function is looked up where it runs:
// NoSuchFunction from Get where another build lacks it. The idea:
// functools.partial, Celery's signatures and dask.delayed of Python.
#ifndef MOBULA_API_MOBULA_VERBS_BOUND_CALL_H_
#define MOBULA_API_MOBULA_VERBS_BOUND_CALL_H_

#include <string>
#include <type_traits>
#include <utility>

#include "api/mobula/detail/calls.h"
#include "api/mobula/detail/remote_function.h"
#include "api/mobula/detail/signature.h"
#include "api/mobula/options.h"
#include "api/mobula/ref.h"
#include "api/mobula/spawn.h"
#include "api/mobula/verbs/detail/call_node.h"
#include "base/codec/codec.h"

namespace mobula {

template <class T>
class BoundCall {
 public:
  using Value = T;

  // Of no function: can be kept and sent, not spawned.
  BoundCall() = default;

  // The same call with these options in place of those it had.
  [[nodiscard]] BoundCall With(const TaskOptions& options) const {
    return BoundCall(detail::CallWith(call_, options));
  }
  Ref<T> Spawn() const { return RefAccess::Make<T>(detail::SpawnCall(call_)); }

  [[nodiscard]] const TaskOptions& options() const {
    return detail::OptionsOf(call_);
  }
  // As a person reads it.
  [[nodiscard]] const std::string& function() const {
    return detail::FunctionOf(call_);
  }
  explicit operator bool() const { return call_ != nullptr; }

  void MobulaEncode(base::Writer& out) const { detail::WriteCall(out, call_); }
  bool MobulaDecode(base::Reader& in) { return detail::ReadCall(in, &call_); }

  // As an argument of a call. Not for users.
  friend void SetCall(const BoundCall& bound, detail::Argument* argument) {
    argument->call = &bound.call_;
    argument->spawn = &detail::SpawnCall;
  }

 private:
  friend struct BoundAccess;
  explicit BoundCall(detail::CallPtr call) : call_(std::move(call)) {}

  detail::CallPtr call_;
};

// The library's own way into a BoundCall. Not for users.
struct BoundAccess {
  template <class T>
  static BoundCall<T> Make(detail::CallPtr call) {
    return BoundCall<T>(std::move(call));
  }
};

namespace detail {

template <auto kFunction>
using BindCallOf = BoundCall<RefValue<typename SignatureOf<kFunction>::Result>>;

}  // namespace detail

template <auto kFunction, class... A>
detail::BindCallOf<kFunction> Bind(const TaskOptions& options, A&&... args) {
  using S = detail::SignatureOf<kFunction>;
  detail::CheckFunction<kFunction>();
  detail::CheckOneValue<kFunction>();
  if constexpr (S::kKind == detail::Kind::kFunction && detail::kIsRemote<S>) {
    using Target =
        detail::RemoteFunction<std::remove_const_t<decltype(kFunction)>,
                               kFunction>;
    using T = detail::RefValue<typename S::Result>;
    return BoundAccess::Make<T>(detail::WithArguments(
        typename S::Parameters{},
        [&options](detail::Arguments arguments) {
          return detail::BindCall(Target::registration.entry(), arguments,
                                  options);
        },
        std::forward<A>(args)...));
  } else {
    return {};
  }
}

template <auto kFunction, class... A>
  requires(!detail::kFirstIs<TaskOptions, A...>)
detail::BindCallOf<kFunction> Bind(A&&... args) {
  return Bind<kFunction>(TaskOptions(), std::forward<A>(args)...);
}

// call.Spawn().
template <class T>
Ref<T> Spawn(const BoundCall<T>& call) {
  return call.Spawn();
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_VERBS_BOUND_CALL_H_
