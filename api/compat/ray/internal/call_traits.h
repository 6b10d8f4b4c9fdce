// CallTraits takes a function's type apart: what ray::Task, ray::Actor and
// ActorHandle::Task were given. Not for users.
//
//   CallTraits<int (Counter::*)(int) const>::Result    // int
// Threading: pure.
#ifndef MOBULA_API_COMPAT_RAY_INTERNAL_CALL_TRAITS_H_
#define MOBULA_API_COMPAT_RAY_INTERNAL_CALL_TRAITS_H_

#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace ray::internal {

// The primary: nothing that can be called, or a class with several call
// operators.
template <class F>
struct CallTraits {
  static constexpr bool kIsCallable = false;
};

template <class R, class... P>
struct FreeTraits {
  static constexpr bool kIsCallable = true;
  using Result = R;
  using Parameters = std::tuple<P...>*;  // a pointer: never completed
  using Class = void;
};
template <class C, class R, class... P>
struct MemberTraits : FreeTraits<R, P...> {
  using Class = C;
};

template <class R, class... P>
struct CallTraits<R (*)(P...)> : FreeTraits<R, P...> {};
template <class R, class... P>
struct CallTraits<R (*)(P...) noexcept> : FreeTraits<R, P...> {};

#define MOBULA_RAY_MEMBER(qualifiers)                                         \
  template <class C, class R, class... P>                                     \
  struct CallTraits<R (C::*)(P...) qualifiers> : MemberTraits<C, R, P...> {}; \
  template <class C, class R, class... P>                                     \
  struct CallTraits<R (C::*)(P...) qualifiers noexcept>                       \
      : MemberTraits<C, R, P...> {};
MOBULA_RAY_MEMBER()
MOBULA_RAY_MEMBER(const)
MOBULA_RAY_MEMBER(volatile)
MOBULA_RAY_MEMBER(const volatile)
MOBULA_RAY_MEMBER(&)
MOBULA_RAY_MEMBER(const&)
MOBULA_RAY_MEMBER(volatile&)
MOBULA_RAY_MEMBER(const volatile&)
#undef MOBULA_RAY_MEMBER

template <class Operator>
struct OperatorTraits {
  static constexpr bool kIsCallable = false;
};
template <class C, class R, class... P>
struct OperatorTraits<R (C::*)(P...) const> : FreeTraits<R, P...> {};
template <class C, class R, class... P>
struct OperatorTraits<R (C::*)(P...) const noexcept> : FreeTraits<R, P...> {};

// A lambda without captures.
template <class F>
  requires requires { &F::operator(); } && std::is_empty_v<F>
struct CallTraits<F> : OperatorTraits<decltype(&F::operator())> {};

template <class F>
using ResultOf = std::remove_cvref_t<typename CallTraits<F>::Result>;

// What holds an argument between decoding it and the call: every function gets
// a copy of its own.
template <class P>
using Storage =
    std::conditional_t<std::is_same_v<std::remove_cvref_t<P>, std::string_view>,
                       std::string, std::remove_cvref_t<P>>;

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_INTERNAL_CALL_TRAITS_H_
