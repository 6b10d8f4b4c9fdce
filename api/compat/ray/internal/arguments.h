// From the arguments of Remote to those of a call: each becomes what its
// parameter is, or, an ObjectRef, stands for it. Not for users.
//
//   return WithArguments(Parameters{}, use, std::forward<Args>(args)...);
//
// Numbers are not cut down to their parameter: an integer that does not fit is
// refused where the function runs, as in Ray.
// Threading: pure.
// Failure: RayException for an ObjectRef that refers to nothing.
#ifndef MOBULA_API_COMPAT_RAY_INTERNAL_ARGUMENTS_H_
#define MOBULA_API_COMPAT_RAY_INTERNAL_ARGUMENTS_H_

#include <array>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "api/compat/ray/api/object_ref.h"
#include "api/compat/ray/api/ray_exception.h"
#include "api/compat/ray/internal/call_traits.h"
#include "api/compat/ray/values/wire.h"
#include "api/mobula/detail/calls.h"

namespace ray::internal {

enum class Passing {
  kRef,        // its value takes its place
  kAsItIs,     // of the parameter's type, or an integer that must fit there
  kConverted,  // first to the parameter's type
  kNot,
};

template <class T>
inline constexpr bool kIsPlainInteger =
    std::is_integral_v<T> && !std::is_same_v<T, bool> &&
    !std::is_same_v<T, char> && Native<T>::value;

// V: the parameter's Storage; A: the argument's type.
template <class V, class A>
constexpr Passing PassingOf() {
  using Given = std::remove_cvref_t<A>;
  if constexpr (std::is_same_v<Given, V>) {
    return Passing::kAsItIs;
  } else if constexpr (kIsObjectRef<Given> && !kIsObjectRef<V>) {
    using Target = typename RefTarget<Given>::Type;
    return std::is_convertible_v<Target, V> ? Passing::kRef : Passing::kNot;
  } else if constexpr (kIsPlainInteger<Given> && kIsPlainInteger<V>) {
    return Passing::kAsItIs;
  } else {
    return std::is_convertible_v<A, V> || std::is_constructible_v<V, A>
               ? Passing::kConverted
               : Passing::kNot;
  }
}

// What lives for the length of the call.
template <class V, class A, Passing = PassingOf<V, A>()>
class Given {
 public:
  explicit Given(A&&) {
    static_assert(PassingOf<V, A>() != Passing::kNot,
                  "ray: an argument does not match its parameter (see "
                  "'Given<parameter, argument>' in this message)");
  }
  [[nodiscard]] mobula::detail::Argument argument() const { return {}; }
};

template <class V, class A>
class Given<V, A, Passing::kRef> {
 public:
  explicit Given(A&& ref) : object_(ObjectOf(ref.held())) {
    if (object_ == nullptr) {
      throw RayException("An argument is an ObjectRef that refers to nothing.");
    }
  }
  [[nodiscard]] mobula::detail::Argument argument() const {
    mobula::detail::Argument argument;
    argument.ref = &object_;
    return argument;
  }

 private:
  const mobula::detail::ObjectPtr object_;
};

template <class V, class A>
class Given<V, A, Passing::kAsItIs> {
 public:
  explicit Given(A&& value) : travelling_(value) {}
  [[nodiscard]] mobula::detail::Argument argument() const {
    mobula::detail::Argument argument;
    argument.value = travelling_.writable();
    return argument;
  }

 private:
  const Travelling<std::remove_cvref_t<A>> travelling_;
};

template <class V, class A>
class Given<V, A, Passing::kConverted> {
 public:
  explicit Given(A&& value)
      : value_(std::forward<A>(value)), travelling_(value_) {}
  Given(const Given&) = delete;
  Given& operator=(const Given&) = delete;
  [[nodiscard]] mobula::detail::Argument argument() const {
    mobula::detail::Argument argument;
    argument.value = travelling_.writable();
    return argument;
  }

 private:
  const V value_;
  const Travelling<V> travelling_;
};

template <class... P, class Use, class... A>
auto WithArguments(std::tuple<P...>*, const Use& use, A&&... args) {
  static_assert(sizeof...(P) == sizeof...(A),
                "ray: the wrong number of arguments for this function (default "
                "arguments do not apply to remote calls)");
  if constexpr (sizeof...(P) == sizeof...(A)) {
    // Not a std::tuple of them: std::any would convert to and from anything.
    return [&use](const Given<Storage<P>, A&&>&... each) {
      const std::array<mobula::detail::Argument, sizeof...(P)> list{
          each.argument()...};
      return use(mobula::detail::Arguments(list));
    }(Given<Storage<P>, A&&>(std::forward<A>(args))...);
  } else {
    return use(mobula::detail::Arguments());
  }
}

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_INTERNAL_ARGUMENTS_H_
