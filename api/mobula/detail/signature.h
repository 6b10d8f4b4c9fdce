// What a function, method or lambda takes and returns, and whether it can run
// in another process. Not for users.
// Threading: pure.
#ifndef MOBULA_API_MOBULA_DETAIL_SIGNATURE_H_
#define MOBULA_API_MOBULA_DETAIL_SIGNATURE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "api/mobula/detail/value.h"
#include "api/mobula/ref.h"

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
  using Type = std::string;
};
template <class P>
using Storage = typename StorageOf<P>::Type;

template <class P>
inline constexpr bool kIsParameter =
    kIsValue<Storage<P>> && (!std::is_lvalue_reference_v<P> ||
                             std::is_const_v<std::remove_reference_t<P>>);
template <class R>
inline constexpr bool kIsReturn =
    std::is_void_v<R> || kIsValue<std::remove_cv_t<R>>;

template <class P>
constexpr void CheckParameter() {
  static_assert(
      !std::is_lvalue_reference_v<P> ||
          std::is_const_v<std::remove_reference_t<P>>,
      "mobula: a remote function cannot take a non-const reference: what it "
      "writes there would not come back; take the value and return the new "
      "one");
  CheckValue<Storage<P>>();
}

template <class R>
constexpr void CheckReturn() {
  static_assert(!std::is_reference_v<R>,
                "mobula: a remote function cannot return a reference: what it "
                "refers to stays in the other process; return the value");
  if constexpr (!std::is_void_v<R> && !std::is_reference_v<R>) {
    CheckValue<std::remove_cv_t<R>>();
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

// T in Ref<T> for a function that returns R.
template <class R>
using RefValue = std::remove_cvref_t<R>;

template <class A>
inline constexpr bool kIsAnyRef = kIsRef<std::remove_cvref_t<A>>;

template <class P, class A>
constexpr bool IsAccepted() {
  if constexpr (kIsAnyRef<A>) {
    return std::is_same_v<typename std::remove_cvref_t<A>::Value, Storage<P>>;
  } else {
    return std::is_convertible_v<A, Storage<P>>;
  }
}

// One argument as it travels: a Ref stays one, all else becomes the parameter's
// type here and is encoded.
template <class P, class A>
Argument MakeArgument(A&& given) {
  static_assert(!kIsAnyRef<A> || IsAccepted<P, A>(),
                "mobula: this Ref<T> refers to another type than the parameter "
                "that it stands for: T must be the parameter's type without "
                "const and &");
  static_assert(kIsAnyRef<A> || IsAccepted<P, A>(),
                "mobula: an argument does not convert to its parameter's type "
                "(see 'MakeArgument<parameter, argument>' in this message)");
  if constexpr (!IsAccepted<P, A>()) {
    return {};
  } else if constexpr (kIsAnyRef<A>) {
    return Argument{RefAccess::Object(given), std::string()};
  } else if constexpr (std::is_same_v<std::remove_cvref_t<A>, Storage<P>>) {
    return Argument{nullptr, EncodeValue<Storage<P>>(given)};
  } else {
    const Storage<P> converted = std::forward<A>(given);
    return Argument{nullptr, EncodeValue<Storage<P>>(converted)};
  }
}

template <class... P, class... A>
Arguments MakeArguments(std::tuple<P...>*, A&&... given) {
  static_assert(sizeof...(P) == sizeof...(A),
                "mobula: wrong number of arguments for this function (default "
                "arguments do not apply to remote calls)");
  Arguments arguments;
  if constexpr (sizeof...(P) == sizeof...(A)) {
    arguments.reserve(sizeof...(P));
    (arguments.push_back(MakeArgument<P>(std::forward<A>(given))), ...);
  }
  return arguments;
}

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_DETAIL_SIGNATURE_H_
