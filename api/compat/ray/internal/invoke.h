// How a registered function runs: its arguments are decoded, it is called, and
// what it returns is encoded. Not for users.
//
// Threading: on the thread that runs the function.
// Failure: Run never throws; what the function throws becomes a Failure.
#ifndef MOBULA_API_COMPAT_RAY_INTERNAL_INVOKE_H_
#define MOBULA_API_COMPAT_RAY_INTERNAL_INVOKE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "api/compat/ray/internal/actor_box.h"
#include "api/compat/ray/internal/call_traits.h"
#include "api/compat/ray/values/wire.h"
#include "api/mobula/detail/type_name.h"
#include "api/mobula/values/writable.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "base/function_table.h"

namespace ray::internal {

// A function as workers know it.
struct RemoteEntry {
  mobula::base::FunctionEntry entry;  // `name`: the text of RAY_REMOTE
  std::size_t parameter_count = 0;
  bool is_factory = false;
  std::function<mobula::base::Outcome(mobula::base::Invocation&)> run;
};

// Runs it, under the scope in which it was called.
mobula::base::Outcome Run(const RemoteEntry& remote,
                          mobula::base::Invocation& invocation);

// Ends the method that calls ray::ExitActor; no exception of anybody's.
struct ActorExit {};

// Throws; for an argument that did not decode.
[[noreturn]] void RefuseArgument(std::size_t index, std::string_view type,
                                 const std::string& why);
// Throws; for a factory that gave nothing, and an actor of another class.
[[noreturn]] void RefuseNullActor();
[[noreturn]] void RefuseClass(const std::type_info& actor,
                              std::string_view method_class);
mobula::base::Outcome ResultOutcome(std::string_view function,
                                    const mobula::detail::Writable& result,
                                    mobula::base::Invocation& invocation);

template <class P>
Storage<P> ReadArgument(const mobula::base::Invocation& invocation,
                        std::size_t index) {
  static_assert(std::is_default_constructible_v<Storage<P>>,
                "ray: a parameter's type needs a default constructor: the "
                "other side makes one and fills it in");
  Storage<P> value{};
  std::string why;
  if (!ReadWire(invocation.args[index], &value, &why)) {
    RefuseArgument(index, mobula::detail::TypeName<Storage<P>>(), why);
  }
  return value;
}

// Calls `call` with the decoded arguments.
template <class... P, class Call, std::size_t... kIndex>
decltype(auto) CallDecoded(const mobula::base::Invocation& invocation,
                           const Call& call, std::tuple<P...>*,
                           std::index_sequence<kIndex...>) {
  // Braces: decoded from left to right.
  std::tuple<Storage<P>...> values{ReadArgument<P>(invocation, kIndex)...};
  return call(static_cast<P&&>(std::get<kIndex>(values))...);
}

template <class F, class Call>
mobula::base::Outcome RunWith(mobula::base::Invocation& invocation,
                              std::string_view name, const Call& call) {
  using R = typename CallTraits<F>::Result;
  using Parameters = typename CallTraits<F>::Parameters;
  static_assert(!std::is_reference_v<R>,
                "ray: a remote function cannot return a reference: what it "
                "refers to stays in the other process; return the value");
  constexpr auto kIndexes = std::make_index_sequence<
      std::tuple_size_v<std::remove_pointer_t<Parameters>>>();
  if constexpr (std::is_void_v<R>) {
    CallDecoded(invocation, call, Parameters{}, kIndexes);
    return mobula::base::Bytes();
  } else {
    const std::remove_cv_t<R> result =
        CallDecoded(invocation, call, Parameters{}, kIndexes);
    const Travelling<std::remove_cv_t<R>> travelling(result);
    return ResultOutcome(name, travelling.writable(), invocation);
  }
}

// Whether F makes an actor: it returns a pointer to an object of a class.
template <class F>
inline constexpr bool kIsFactory =
    std::is_pointer_v<typename CallTraits<F>::Result> &&
    std::is_class_v<std::remove_pointer_t<typename CallTraits<F>::Result>>;

template <class F>
mobula::base::Outcome RunFactory(const F& factory,
                                 mobula::base::Invocation& invocation) {
  using Parameters = typename CallTraits<F>::Parameters;
  auto* const object =
      CallDecoded(invocation, factory, Parameters{},
                  std::make_index_sequence<
                      std::tuple_size_v<std::remove_pointer_t<Parameters>>>());
  if (object == nullptr) RefuseNullActor();
  *invocation.instance = std::make_shared<ActorBox>(object);
  return mobula::base::Bytes();
}

template <class F>
mobula::base::Outcome RunMethod(const F& method, std::string_view name,
                                mobula::base::Invocation& invocation) {
  using C = typename CallTraits<F>::Class;
  auto* const box = static_cast<ActorBox*>(invocation.instance->get());
  C* const self = box->As<C>();
  if (self == nullptr) {
    RefuseClass(box->type(), mobula::detail::TypeName<C>());
  }
  return RunWith<F>(
      invocation, name, [self, &method](auto&&... args) -> decltype(auto) {
        return (self->*method)(std::forward<decltype(args)>(args)...);
      });
}

// `remote`: lives as long as what is made of it.
template <class F>
void FillIn(const F& f, RemoteEntry* remote) {
  remote->parameter_count = std::tuple_size_v<
      std::remove_pointer_t<typename CallTraits<F>::Parameters>>;
  const std::string_view name = remote->entry.name;
  if constexpr (std::is_member_function_pointer_v<F>) {
    remote->entry.actor_class = &typeid(ActorBox);
    remote->run = [f, name](mobula::base::Invocation& invocation) {
      return RunMethod(f, name, invocation);
    };
  } else if constexpr (kIsFactory<F>) {
    remote->is_factory = true;
    remote->entry.actor_class = &typeid(ActorBox);
    remote->run = [f](mobula::base::Invocation& invocation) {
      return RunFactory(f, invocation);
    };
  } else {
    remote->run = [f, name](mobula::base::Invocation& invocation) {
      return RunWith<F>(invocation, name, f);
    };
  }
}

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_INTERNAL_INVOKE_H_
