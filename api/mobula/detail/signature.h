// What a function, method or lambda takes and returns, and whether it can run
// in another process. Not for users.
// Threading: pure.
#ifndef MOBULA_API_MOBULA_DETAIL_SIGNATURE_H_
#define MOBULA_API_MOBULA_DETAIL_SIGNATURE_H_

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/mobula/coro/coro.h"
#include "api/mobula/detail/calls.h"
#include "api/mobula/detail/value.h"
#include "api/mobula/ref.h"
#include "api/mobula/values/view.h"
#include "base/codec/codec.h"

namespace mobula::detail {

enum class Kind { kFunction, kMethod, kDataMember, kGeneric, kOther };

// Taken apart: R(C::*)(P...) and so on. The primary: a class with one call
// operator (a lambda), a generic lambda, or nothing that can be called.
template <class F>
struct Signature {
  static constexpr Kind kKind = std::is_member_object_pointer_v<F>
                                    ? Kind::kDataMember
                                : std::is_class_v<F> ? Kind::kGeneric
                                                     : Kind::kOther;
  using Result = void;
  using Parameters = std::tuple<>*;
};

template <class R, class... P>
struct FunctionSignature {
  static constexpr Kind kKind = Kind::kFunction;
  using Result = R;
  using Parameters = std::tuple<P...>*;  // a pointer: never completed
  using Function = R(P...);
};
template <class C, class R, class... P>
struct MethodSignature : FunctionSignature<R, P...> {
  static constexpr Kind kKind = Kind::kMethod;
  using Class = C;
};

template <class R, class... P>
struct Signature<R (*)(P...)> : FunctionSignature<R, P...> {};
template <class R, class... P>
struct Signature<R (*)(P...) noexcept> : FunctionSignature<R, P...> {};

template <class C, class R, class... P>
struct Signature<R (C::*)(P...)> : MethodSignature<C, R, P...> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) const> : MethodSignature<C, R, P...> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...)&> : MethodSignature<C, R, P...> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) const&> : MethodSignature<C, R, P...> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) noexcept> : MethodSignature<C, R, P...> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) const noexcept> : MethodSignature<C, R, P...> {
};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) & noexcept> : MethodSignature<C, R, P...> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) const & noexcept>
    : MethodSignature<C, R, P...> {};

template <class M>
struct CallOperator : Signature<void> {};
template <class C, class R, class... P>
  requires(Signature<R (C::*)(P...) const>::kKind == Kind::kMethod)
struct CallOperator<R (C::*)(P...) const> : FunctionSignature<R, P...> {};
template <class C, class R, class... P>
struct CallOperator<R (C::*)(P...) const noexcept>
    : FunctionSignature<R, P...> {};

template <class F>
  requires requires { &F::operator(); }
struct Signature<F> : CallOperator<decltype(&F::operator())> {};

template <auto kFunction>
using SignatureOf = Signature<std::remove_const_t<decltype(kFunction)>>;

// What holds an argument between decoding it and the call.
template <class P>
struct StorageOf {
  using Type = std::remove_cvref_t<P>;
};
template <class P>
  requires std::is_same_v<std::remove_cvref_t<P>, std::string_view>
struct StorageOf<P> {
  using Type = View<std::string>;
};
template <class P>
using Elements = std::vector<std::remove_cv_t<typename P::element_type>>;
template <class P>
  requires kIsSpan<std::remove_cvref_t<P>> &&
           std::is_const_v<typename std::remove_cvref_t<P>::element_type> &&
           (std::remove_cvref_t<P>::extent == std::dynamic_extent) &&
           kIsViewable<Elements<std::remove_cvref_t<P>>>
struct StorageOf<P> {
  using Type = View<Elements<std::remove_cvref_t<P>>>;
};
template <class P>
using Storage = typename StorageOf<P>::Type;

// What an argument is that travels: T of a View<T>.
template <class S>
struct ValueIn {
  using Type = S;
};
template <class T>
struct ValueIn<View<T>> {
  using Type = T;
};
template <class P>
using ValueOf = typename ValueIn<Storage<P>>::Type;

// What a function gives: T where it returns a Coro<T>, and for each item where
// it returns a generator.
template <class R>
struct GivenBy {
  using Type = R;
  static constexpr bool kIsCoroutine = false;
};
template <class T>
struct GivenBy<Generator<T>> {
  using Type = T;
  static constexpr bool kIsCoroutine = false;
};
template <class T>
struct GivenBy<AsyncGenerator<T>> {
  using Type = T;
  static constexpr bool kIsCoroutine = false;
};
template <class T>
struct GivenBy<Coro<T>> {
  using Type = T;
  static constexpr bool kIsCoroutine = true;
};
template <class R>
using ResultGiven = typename GivenBy<std::remove_cv_t<R>>::Type;
template <class R>
inline constexpr bool kIsCoroutine = GivenBy<std::remove_cv_t<R>>::kIsCoroutine;
template <class R>
inline constexpr bool kYields = kIsGenerator<std::remove_cv_t<R>>;

template <class P>
inline constexpr bool kIsParameter =
    kIsValue<ValueOf<P>> && (!kIsView<Storage<P>> || kIsViewable<ValueOf<P>>) &&
    (!std::is_lvalue_reference_v<P> ||
     std::is_const_v<std::remove_reference_t<P>>);
template <class R>
inline constexpr bool kIsReturn =
    !kIsCoroutine<ResultGiven<R>> &&
    ((std::is_void_v<ResultGiven<R>> && !kYields<R>) ||
     kIsValue<std::remove_cv_t<ResultGiven<R>>>);

template <class P>
constexpr void CheckParameter() {
  static_assert(
      !std::is_lvalue_reference_v<P> ||
          std::is_const_v<std::remove_reference_t<P>>,
      "mobula: a remote function cannot take a non-const reference: what it "
      "writes there would not come back; take the value and return the new "
      "one");
  if constexpr (kIsView<Storage<P>> && !kIsViewable<ValueOf<P>>) {
    (void)sizeof(Storage<P>);  // it says itself what is wrong
  } else {
    CheckValue<ValueOf<P>>();
  }
}

template <class R>
constexpr void CheckReturn() {
  static_assert(!std::is_reference_v<R>,
                "mobula: a remote function cannot return a reference: what it "
                "refers to stays in the other process; return the value");
  using T = ResultGiven<R>;
  static_assert(!kIsCoroutine<R> || !std::is_reference_v<T>,
                "mobula: a remote coroutine cannot give a reference "
                "(Coro<T&>): what it refers to stays in the other process; "
                "give the value");
  static_assert(!kIsCoroutine<R> || !kIsCoroutine<T>,
                "mobula: a remote coroutine cannot give a coroutine "
                "(Coro<Coro<T>>): await the inner one and give what it gives");
  static_assert(!kYields<R> || (!std::is_void_v<T> && !std::is_reference_v<T>),
                "mobula: a remote generator cannot yield references "
                "(Generator<T&>): what they refer to stays in the other "
                "process; yield values");
  if constexpr (!std::is_void_v<T> && !std::is_reference_v<T> &&
                !std::is_reference_v<R> && !kIsCoroutine<T>) {
    CheckValue<std::remove_cv_t<T>>();
  }
}

// Whether a call of this signature can be compiled at all.
template <class R, class... P>
constexpr bool IsRemote(std::tuple<P...>*) {
  return kIsReturn<R> && (kIsParameter<P> && ...);
}
template <class S>
inline constexpr bool kIsRemote =
    IsRemote<typename S::Result>(typename S::Parameters{});

template <class R, class... P>
constexpr void CheckSignature(std::tuple<P...>*) {
  CheckReturn<R>();
  (CheckParameter<P>(), ...);
}

// T in Ref<T> for a function that returns R, or a Coro of it.
template <class R>
using RefValue = std::remove_cvref_t<ResultGiven<R>>;

template <class A>
inline constexpr bool kIsAnyRef = kIsRef<std::remove_cvref_t<A>>;

// Whether the argument is written as it is: it is, or is encoded as, a V.
template <class V, class A>
constexpr bool IsWrittenAs() {
  if constexpr (std::is_same_v<A, V>) {
    return true;
  } else if constexpr (kIsView<A>) {
    return std::is_same_v<typename ValueIn<A>::Type, V>;
  } else if constexpr (kIsSpan<A>) {
    return base::kEncodable<A> && std::is_same_v<Elements<A>, V>;
  } else {
    return std::is_same_v<A, std::string_view> &&
           std::is_same_v<V, std::string>;
  }
}

// Whether the argument is a ref of which the value takes its place.
template <class V, class A>
constexpr bool IsRefOf() {
  if constexpr (kIsRef<A>) {
    return std::is_same_v<typename A::Value, V>;
  } else {
    return false;
  }
}

// Whether the argument is a call not made yet of which the value does.
template <class V, class A>
constexpr bool IsCallOf() {
  if constexpr (kIsBoundCall<A>) {
    return std::is_same_v<typename A::Value, V>;
  } else {
    return false;
  }
}

// Whether the argument is taken as it is, and not converted.
template <class V, class A>
constexpr bool IsTaken() {
  return IsWrittenAs<V, A>() || IsRefOf<V, A>() || IsCallOf<V, A>();
}

template <class P, class A>
constexpr bool IsAccepted() {
  using V = ValueOf<P>;
  using Given = std::remove_cvref_t<A>;
  if constexpr (IsTaken<V, Given>()) {
    return true;
  } else {
    return !kIsRef<Given> && std::is_convertible_v<A, V>;
  }
}

// What lives for the length of the call: the argument itself, or the value that
// it converts to.
template <class P, class A>
using Held =
    std::conditional_t<IsTaken<ValueOf<P>, std::remove_cvref_t<A>>(),
                       const std::remove_cvref_t<A>&, const ValueOf<P>>;

// One argument as it travels: a Ref of the parameter's type stays one, a View
// is the object that it is of, a call is made; all else is encoded.
template <class P, class H>
Argument MakeArgument(const H& held) {
  Argument argument;
  if constexpr (IsRefOf<ValueOf<P>, H>()) {
    argument.ref = &RefAccess::Object(held);
  } else if constexpr (IsCallOf<ValueOf<P>, H>()) {
    SetCall(held, &argument);  // beside BoundCall
  } else if constexpr (kIsView<H>) {
    argument.ref = ViewAccess::Object(held);
    argument.value = WritableOf(held);
  } else {
    argument.value = WritableOf(held);
  }
  return argument;
}

template <class P, class A>
constexpr void CheckArgument() {
  constexpr bool kFits = IsAccepted<P, A>();
  static_assert(!kIsAnyRef<A> || kFits,
                "mobula: this Ref<T> refers to another type than the parameter "
                "that it stands for: T must be the parameter's type without "
                "const and & (or the parameter a Ref<T>)");
  static_assert(kIsAnyRef<A> || kFits,
                "mobula: an argument does not convert to its parameter's type "
                "(see 'CheckArgument<parameter, argument>' in this message)");
}

// Calls `use` with the arguments, which live as long as that takes.
template <class... P, class Use, class... A>
auto WithArguments(std::tuple<P...>*, Use use, A&&... given)
    -> decltype(use(Arguments())) {
  static_assert(sizeof...(P) == sizeof...(A),
                "mobula: wrong number of arguments for this function (default "
                "arguments do not apply to remote calls)");
  if constexpr (sizeof...(P) == sizeof...(A)) {
    (CheckArgument<P, A>(), ...);
    if constexpr ((IsAccepted<P, A>() && ...)) {
      const std::tuple<Held<P, A>...> held(std::forward<A>(given)...);
      return std::apply(
          [&use](const auto&... each) {
            const std::array<Argument, sizeof...(P)> list{
                MakeArgument<P>(each)...};
            return use(Arguments(list));
          },
          held);
    }
  }
  return {};
}

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_DETAIL_SIGNATURE_H_
