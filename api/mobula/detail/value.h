// What a type must be to travel between processes, said so that a person can
// read it, and how it travels. Not for users.
// Threading: pure.
#ifndef MOBULA_API_MOBULA_DETAIL_VALUE_H_
#define MOBULA_API_MOBULA_DETAIL_VALUE_H_

#include <string>
#include <string_view>
#include <type_traits>

#include "api/mobula/detail/calls.h"
#include "api/mobula/detail/type_name.h"
#include "api/mobula/error.h"
#include "base/codec/codec.h"

namespace mobula {

template <class T>
class Ref;
template <class C>
class Actor;

namespace detail {

template <class T>
inline constexpr bool kIsRef = false;
template <class T>
inline constexpr bool kIsRef<Ref<T>> = true;
template <class T>
inline constexpr bool kIsActor = false;
template <class C>
inline constexpr bool kIsActor<Actor<C>> = true;

// Whether T passes all that CheckValue asks.
template <class T>
inline constexpr bool kIsValue =
    !std::is_reference_v<T> && !std::is_pointer_v<T> && !std::is_array_v<T> &&
    !std::is_member_pointer_v<T> && !std::is_function_v<T> && !kIsRef<T> &&
    !kIsActor<T> && std::is_object_v<T> && !std::is_abstract_v<T> &&
    std::is_default_constructible_v<T> && std::is_move_constructible_v<T>;

template <class T>
constexpr void CheckValue() {
  static_assert(!std::is_reference_v<T>,
                "mobula: a reference cannot travel to another process: return "
                "or take the value itself");
  static_assert(!std::is_pointer_v<T> && !std::is_member_pointer_v<T>,
                "mobula: a pointer means nothing in another process: use the "
                "value itself, std::string, std::vector or std::unique_ptr");
  static_assert(!std::is_array_v<T>,
                "mobula: a C array cannot travel: use std::array or "
                "std::vector");
  static_assert(!kIsRef<T>,
                "mobula: a Ref cannot travel inside a value in this version: "
                "name T instead of Ref<T> and pass the Ref as an argument; its "
                "value takes its place");
  static_assert(!kIsActor<T>,
                "mobula: an Actor handle cannot travel in this version: call "
                "the actor from the program that created it");
  static_assert(kIsRef<T> || kIsActor<T> || std::is_reference_v<T> ||
                    !std::is_abstract_v<T>,
                "mobula: an abstract class cannot travel: there would be "
                "nothing to make on the other side");
  static_assert(std::is_reference_v<T> || std::is_array_v<T> ||
                    std::is_abstract_v<T> || std::is_default_constructible_v<T>,
                "mobula: a type that travels must have a default constructor: "
                "the other side makes one and fills it in");
  static_assert(std::is_reference_v<T> || std::is_array_v<T> ||
                    std::is_abstract_v<T> || std::is_move_constructible_v<T>,
                "mobula: a type that travels must be movable");
}

template <class T>
std::string EncodeValue(const T& value) {
  return base::Encode(value);
}

// Throws DecodeError if the bytes hold no T.
template <class T>
T DecodeValue(std::string_view bytes) {
  T value{};
  std::string why;
  if (!base::Decode(bytes, &value, &why)) {
    ThrowFailure(DecodeFailure(TypeName<T>(), why));
  }
  return value;
}

}  // namespace detail
}  // namespace mobula

#endif  // MOBULA_API_MOBULA_DETAIL_VALUE_H_
