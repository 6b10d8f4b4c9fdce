// What RAY_FUNC stands on: chooses one of several functions of one name by its
// parameters, and by tags where methods differ in const, volatile or & alone.
// The tags are Ray's. Not for users.
//
//   RAY_FUNC(Plus, int, int)
//   RAY_FUNC(&Cache::Find, ray::internal::cv_const, int)
// Threading: pure.
#ifndef MOBULA_API_COMPAT_RAY_INTERNAL_OVERLOAD_H_
#define MOBULA_API_COMPAT_RAY_INTERNAL_OVERLOAD_H_

#include <type_traits>

namespace ray::internal {

struct cv_none {};
struct cv_const {};
struct cv_volatile {};
struct cv_cv {};
struct ref_none {};
struct ref_lval {};
struct ref_rval {};

// What a tag says; `Any`: no tag was given.
struct AnyTag {};

template <class Asked, class Tag>
inline constexpr bool kTagFits =
    std::is_same_v<Asked, AnyTag> || std::is_same_v<Asked, Tag>;

// CV and Ref: what was asked for.
template <class CV, class Ref, class... P>
struct Chosen {
  template <class R>
  constexpr auto operator()(R (*f)(P...)) const {
    return f;
  }
#define MOBULA_RAY_CHOICE(cv_tag, ref_tag, qualifiers)          \
  template <class R, class C>                                   \
    requires(kTagFits<CV, cv_tag> && kTagFits<Ref, ref_tag>)    \
  constexpr auto operator()(R (C::*f)(P...) qualifiers) const { \
    return f;                                                   \
  }
  MOBULA_RAY_CHOICE(cv_none, ref_none, )
  MOBULA_RAY_CHOICE(cv_const, ref_none, const)
  MOBULA_RAY_CHOICE(cv_volatile, ref_none, volatile)
  MOBULA_RAY_CHOICE(cv_cv, ref_none, const volatile)
  MOBULA_RAY_CHOICE(cv_none, ref_lval, &)
  MOBULA_RAY_CHOICE(cv_const, ref_lval, const &)
  MOBULA_RAY_CHOICE(cv_volatile, ref_lval, volatile &)
  MOBULA_RAY_CHOICE(cv_cv, ref_lval, const volatile &)
#undef MOBULA_RAY_CHOICE
};

template <class T>
inline constexpr bool kIsCvTag =
    std::is_same_v<T, cv_none> || std::is_same_v<T, cv_const> ||
    std::is_same_v<T, cv_volatile> || std::is_same_v<T, cv_cv>;
template <class T>
inline constexpr bool kIsRefTag =
    std::is_same_v<T, ref_none> || std::is_same_v<T, ref_lval> ||
    std::is_same_v<T, ref_rval>;

// Takes the tags, at most one of each kind, off the front.
template <class CV, class Ref, class... P>
struct Tags {
  using Type = Chosen<CV, Ref, P...>;
};
template <class CV, class Ref, class First, class... P>
  requires kIsCvTag<First>
struct Tags<CV, Ref, First, P...> : Tags<First, Ref, P...> {};
template <class CV, class Ref, class First, class... P>
  requires kIsRefTag<First>
struct Tags<CV, Ref, First, P...> : Tags<CV, First, P...> {};

template <class... P>
inline constexpr typename Tags<AnyTag, AnyTag, P...>::Type underload{};

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_INTERNAL_OVERLOAD_H_
