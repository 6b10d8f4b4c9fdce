// Arguments of a call whose parameters are not known here: each travels as what
// it is. Not for users.
// Threading: pure.
#ifndef MOBULA_API_MOBULA_NAMED_GIVEN_H_
#define MOBULA_API_MOBULA_NAMED_GIVEN_H_

#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "api/mobula/detail/calls.h"
#include "api/mobula/detail/signature.h"
#include "api/mobula/detail/value.h"
#include "api/mobula/ref.h"

namespace mobula::detail {

// An argument's type by itself: "text" and std::string_view are std::string, a
// std::span is a std::vector.
template <class A>
struct GivenAs {
  using Type = std::decay_t<A>;
};
template <class A>
  requires std::is_same_v<std::decay_t<A>, const char*> ||
           std::is_same_v<std::decay_t<A>, char*> ||
           std::is_same_v<std::decay_t<A>, std::string_view>
struct GivenAs<A> {
  using Type = std::string;
};
template <class A>
  requires kIsSpan<std::decay_t<A>>
struct GivenAs<A> {
  using Type = Elements<std::decay_t<A>>;
};
template <class A>
using Given = typename GivenAs<A>::Type;
// What has to be able to travel for it.
template <class T>
struct ValueGiven : ValueIn<T> {};
template <class T>
struct ValueGiven<Ref<T>> {
  using Type = T;
};
template <class A>
using GivenValue = typename ValueGiven<Given<A>>::Type;

// Calls `use` with the arguments, which live as long as that takes; a Ref is
// its value. What cannot travel does not compile.
template <class Use, class... A>
auto WithGiven(Use use, A&&... args) -> decltype(use(Arguments())) {
  (CheckValue<GivenValue<A>>(), ...);
  if constexpr ((kIsValue<GivenValue<A>> && ...)) {
    using Parameters = std::tuple<GivenValue<A>...>*;
    return WithArguments(Parameters{}, std::move(use),
                         std::forward<A>(args)...);
  }
  return {};
}

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_NAMED_GIVEN_H_
