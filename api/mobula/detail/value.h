// What a type must be to travel between processes, said so that a person can
// read it, and how it travels. Not for users.
// Threading: pure.
#ifndef MOBULA_API_MOBULA_DETAIL_VALUE_H_
#define MOBULA_API_MOBULA_DETAIL_VALUE_H_

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>

#include "api/mobula/detail/calls.h"
#include "api/mobula/detail/type_name.h"
#include "api/mobula/error.h"
#include "base/codec/codec.h"
#include "base/value.h"

namespace mobula {

template <class T>
class Ref;
template <class T>
class View;
template <class C>
class Actor;
template <class T>
class BoundCall;
template <class T>
class RefStream;
template <class T>
class Generator;
template <class T>
class AsyncGenerator;

namespace detail {

template <class T>
inline constexpr bool kIsRef = false;
template <class T>
inline constexpr bool kIsRef<Ref<T>> = true;
template <class T>
inline constexpr bool kIsView = false;
template <class T>
inline constexpr bool kIsView<View<T>> = true;
template <class T>
inline constexpr bool kIsBoundCall = false;
template <class T>
inline constexpr bool kIsBoundCall<BoundCall<T>> = true;
template <class T>
inline constexpr bool kIsSpan = false;
template <class E, std::size_t kSize>
inline constexpr bool kIsSpan<std::span<E, kSize>> = true;
template <class T>
inline constexpr bool kIsRefStream = false;
template <class T>
inline constexpr bool kIsRefStream<RefStream<T>> = true;
template <class T>
inline constexpr bool kIsGenerator = false;
template <class T>
inline constexpr bool kIsGenerator<Generator<T>> = true;
template <class T>
inline constexpr bool kIsGenerator<AsyncGenerator<T>> = true;
template <class T>
inline constexpr bool kIsActor = false;
template <class C>
inline constexpr bool kIsActor<Actor<C>> = true;

// Whether T passes all that CheckValue asks.
template <class T>
inline constexpr bool kIsValue =
    !std::is_reference_v<T> && !std::is_pointer_v<T> && !std::is_array_v<T> &&
    !std::is_member_pointer_v<T> && !std::is_function_v<T> && !kIsView<T> &&
    !kIsSpan<T> && !kIsActor<T> && !kIsRefStream<T> && !kIsGenerator<T> &&
    std::is_object_v<T> && !std::is_abstract_v<T> &&
    std::is_default_constructible_v<T> && std::is_move_constructible_v<T> &&
    base::kEncodable<T> && base::kDecodable<T>;

// Whether the codec knows T; else why not, where it can tell.
template <class T>
constexpr void CheckCodec() {
  constexpr bool kIsKnown = base::kEncodable<T> && base::kDecodable<T>;
  if constexpr (base::codec_internal::HasFields<T>) {
    static_assert(
        kIsKnown,
        "mobula: a member that this type's MOBULA_FIELDS names cannot "
        "be turned into bytes (a pointer, say, or a class that needs "
        "MOBULA_FIELDS too): leave it out there, or change its type");
  } else if constexpr (base::kHasBaseClass<T>) {
    static_assert(kIsKnown,
                  "mobula: a type with a base class cannot be taken apart: it "
                  "needs MOBULA_FIELDS(Type, member, ...), which may name the "
                  "base's members too");
  } else if constexpr (base::kHasBitField<T> || base::kHasCArray<T>) {
    static_assert(kIsKnown,
                  "mobula: a type with bit-fields or C arrays cannot be taken "
                  "apart: it needs MOBULA_FIELDS(Type, member, ...)");
  } else {
    static_assert(kIsKnown,
                  "mobula: this type, or one inside it, cannot be turned into "
                  "bytes: a class that is not a plain aggregate (private "
                  "members, base classes, bit-fields, C arrays, pointers) "
                  "needs MOBULA_FIELDS(Type, member, ...), or MobulaEncode and "
                  "MobulaDecode");
  }
}

// Compiles if T can travel; else says the first reason why not.
template <class T>
constexpr void CheckValue() {
  if constexpr (std::is_reference_v<T>) {
    static_assert(!std::is_reference_v<T>,
                  "mobula: a reference cannot travel to another process: take "
                  "or return the value itself");
  } else if constexpr (std::is_pointer_v<T> || std::is_member_pointer_v<T>) {
    static_assert(!std::is_pointer_v<T> && !std::is_member_pointer_v<T>,
                  "mobula: a pointer means nothing in another process: use the "
                  "value itself, std::string, std::vector or std::unique_ptr");
  } else if constexpr (std::is_array_v<T>) {
    static_assert(!std::is_array_v<T>,
                  "mobula: a C array cannot travel: use std::array or "
                  "std::vector");
  } else if constexpr (kIsView<T>) {
    static_assert(!kIsView<T>,
                  "mobula: a View cannot be returned or put: its bytes stay "
                  "here; use the value itself (Copy), or the Ref that it is "
                  "of");
  } else if constexpr (kIsSpan<T>) {
    static_assert(!kIsSpan<T>,
                  "mobula: this std::span cannot travel: as a parameter it "
                  "must be of const numbers or bytes and of any length; else "
                  "use std::vector");
  } else if constexpr (kIsActor<T>) {
    static_assert(!kIsActor<T>,
                  "mobula: an Actor handle cannot travel in this version: call "
                  "the actor from the process that created it");
  } else if constexpr (kIsRefStream<T>) {
    static_assert(!kIsRefStream<T>,
                  "mobula: a RefStream cannot travel: one process reads it, "
                  "the one that called its generator; hand its Refs on, or "
                  "call the generator where it is to be read");
  } else if constexpr (kIsGenerator<T>) {
    static_assert(!kIsGenerator<T>,
                  "mobula: a generator is no value: a remote function may "
                  "return one itself (Generator<T> F()), of which the caller "
                  "gets a RefStream<T>; inside of a value, or given by a "
                  "coroutine, it cannot travel");
  } else if constexpr (std::is_abstract_v<T>) {
    static_assert(!std::is_abstract_v<T>,
                  "mobula: an abstract class cannot travel: the other side "
                  "could not make one");
  } else if constexpr (!std::is_default_constructible_v<T>) {
    static_assert(std::is_default_constructible_v<T>,
                  "mobula: a type that travels needs a public default "
                  "constructor: the other side makes one and fills it in");
  } else if constexpr (!std::is_move_constructible_v<T>) {
    static_assert(std::is_move_constructible_v<T>,
                  "mobula: a type that travels must be movable");
  } else {
    CheckCodec<T>();
  }
}

// A value that travels by itself. Throws BadArgument where there are Refs
// inside: nobody would keep them.
template <class T>
std::string EncodeAlone(const T& value) {
  try {
    return base::Encode(value);
  } catch (const base::EncodeError& error) {
    ThrowBadArgument(error.what());
  }
}

// Makes handles of the refs inside. Whoever calls it holds the value.
template <class T>
bool ReadValueOf(const base::Value& bytes, T* value, std::string* why) {
  base::Reader in(bytes.view(), nullptr, base::ReadLimits(), &bytes.refs());
  if (base::ReadValue(in, value) && in.End()) return true;
  *why = in.error();
  return false;
}

// Throws DecodeError if the bytes hold no T.
template <class T>
T DecodeValue(const base::Value& bytes) {
  T value{};
  std::string why;
  if (!ReadValueOf(bytes, &value, &why)) {
    ThrowFailure(DecodeFailure(TypeName<T>(), why));
  }
  return value;
}

}  // namespace detail
}  // namespace mobula

#endif  // MOBULA_API_MOBULA_DETAIL_VALUE_H_
