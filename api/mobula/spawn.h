// Spawn runs a function on a worker process and returns a Ref to its result at
// once.
//
//   std::vector<Count> CountWords(const std::string& path);
//
//   mobula::Ref<std::vector<Count>> counts =
//       mobula::Spawn<CountWords>("a.txt");
//   mobula::Ref<int> eight = mobula::Spawn<[](int x) { return x + 1; }>(7);
//   mobula::Ref<Image> image = mobula::Spawn<Render>(
//       mobula::TaskOptions().Cpus(4), scene, 1920, 1080);
//
// The function is a template argument: a function, a static method or a lambda
// without captures; nothing is registered by hand. A function with external
// linkage is found by its name and signature, in this program and in another
// build of it; lambdas and functions of one file only within one build. Of
// overloads one is chosen with static_cast<R (*)(P...)>(F).
// Arguments convert to the parameters' types as in a call, or are Refs of just
// that type: the task then waits for them, and fails as they fail. A parameter
// of type Ref<T> gets the Ref itself, which may have no value yet. Parameters
// and results must be movable values with a default constructor that the codec
// knows (numbers, strings, containers, aggregates, Refs). A parameter that is a
// View<T>, std::string_view (counts as std::string) or std::span<const E>
// (counts as std::vector<E>) is read in place; see view.h.
// An argument of more than 4 KiB is put into the node's store by the way, and
// waits while that is full: as long as TaskOptions::Timeout, else
// kStoreTimeout. A task runs at least once; when its worker dies it runs again
// (TaskOptions). Of a function that returns a Generator<T> or AsyncGenerator<T>
// it gives a RefStream<T> (ref_stream.h). Errors thrown by Spawn:
// RuntimeClosed, ValueTooLarge, BadArgument, ObjectStoreFull; all others come
// from Get. Threading: any thread, in tasks and actors too.
#ifndef MOBULA_API_MOBULA_SPAWN_H_
#define MOBULA_API_MOBULA_SPAWN_H_

#include <type_traits>
#include <utility>

#include "api/mobula/detail/remote_function.h"
#include "api/mobula/options.h"
#include "api/mobula/ref.h"
#include "api/mobula/streams/ref_stream.h"

namespace mobula {
namespace detail {

// Whether the first of the types is Options.
template <class Options, class... A>
inline constexpr bool kFirstIs = false;
template <class Options, class First, class... A>
inline constexpr bool kFirstIs<Options, First, A...> =
    std::is_same_v<std::remove_cvref_t<First>, Options>;

template <auto kFunction>
constexpr void CheckFunction() {
  using S = SignatureOf<kFunction>;
  static_assert(S::kKind != Kind::kMethod,
                "mobula: Spawn of a method: it needs an object; Create an "
                "actor and use actor.Call<&Class::Method>(...)");
  static_assert(S::kKind != Kind::kDataMember,
                "mobula: Spawn of a data member: name a function");
  static_assert(S::kKind != Kind::kGeneric,
                "mobula: Spawn of a generic or mutable lambda, or of a class "
                "with several call operators: give the lambda's parameters "
                "types and leave out 'mutable'");
  static_assert(S::kKind != Kind::kOther,
                "mobula: Spawn wants a function, a static method or a lambda "
                "without captures (and no '...' parameters)");
  CheckSignature<typename S::Result>(typename S::Parameters{});
}

// What a call gives of a function that returns R, and how it is made.
template <class R>
using CallGives =
    std::conditional_t<kYields<R>, RefStream<RefValue<R>>, Ref<RefValue<R>>>;
template <class R>
CallGives<R> MakeGiven(ObjectPtr object) {
  if constexpr (kYields<R>) {
    return RefStreamAccess::Make<RefValue<R>>(std::move(object));
  } else {
    return RefAccess::Make<RefValue<R>>(std::move(object));
  }
}

template <auto kFunction>
using SpawnRef = CallGives<typename SignatureOf<kFunction>::Result>;

// Of verbs that give one Ref for each call.
template <auto kFunction>
constexpr void CheckOneValue() {
  static_assert(!kYields<typename SignatureOf<kFunction>::Result>,
                "mobula: this verb takes functions that give one value; Spawn "
                "a generator, and read its RefStream");
}

}  // namespace detail

template <auto kFunction, class... A>
detail::SpawnRef<kFunction> Spawn(const TaskOptions& options, A&&... args) {
  using S = detail::SignatureOf<kFunction>;
  detail::CheckFunction<kFunction>();
  if constexpr (S::kKind == detail::Kind::kFunction && detail::kIsRemote<S>) {
    using Target =
        detail::RemoteFunction<std::remove_const_t<decltype(kFunction)>,
                               kFunction>;
    return detail::MakeGiven<typename S::Result>(detail::WithArguments(
        typename S::Parameters{},
        [&options](detail::Arguments arguments) {
          return detail::SpawnTask(Target::registration.entry(), arguments,
                                   options);
        },
        std::forward<A>(args)...));
  } else {
    return {};
  }
}

template <auto kFunction, class... A>
  requires(!detail::kFirstIs<TaskOptions, A...>)
detail::SpawnRef<kFunction> Spawn(A&&... args) {
  static const TaskOptions& options = *new TaskOptions();
  return Spawn<kFunction>(options, std::forward<A>(args)...);
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_SPAWN_H_
