// Codecs of what may be absent or one of several, and of tuples: optional,
// smart pointers, variant, pair and tuple.
//
// Absent is nil. Where what is inside could be nil itself (an optional in an
// optional) the outer one is an array of none or one item instead.
// Threading: none.
// Failure: a variant left without a value by an exception throws EncodeError.
#ifndef MOBULA_BASE_CODEC_CHOICES_H_
#define MOBULA_BASE_CODEC_CHOICES_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/codec/value.h"

namespace mobula::base {
namespace codec_internal {

// For anything that tests as bool and dereferences to a T.
template <class T, class Holder>
void WriteNullable(Writer& out, const Holder& holder) {
  const bool is_present = static_cast<bool>(holder);
  if constexpr (Codec<T>::kMayBeNil) {
    out.Array(is_present ? 1 : 0);
  } else if (!is_present) {
    out.Nil();
  }
  if (is_present) WriteValue(out, *holder);
}

// Reads whether a value follows.
template <class T>
bool ReadPresence(Reader& in, bool* is_present) {
  if constexpr (Codec<T>::kMayBeNil) {
    std::size_t count = 0;
    if (!in.Array(&count)) return false;
    if (count > 1) return in.Fail("before this, an array of none or one");
    *is_present = count == 1;
  } else {
    *is_present = !in.NextIsNil();
    if (!*is_present && !in.Nil()) return false;
  }
  return true;
}

template <class T, class Pointer>
struct PointerCodec {
  using Parts = TypeList<T>;
  static constexpr bool kMayBeNil = true;
  static void Write(Writer& out, const Pointer& pointer) {
    WriteNullable<T>(out, pointer);
  }
  static bool Read(Reader& in, Pointer* pointer) {
    bool is_present = false;
    pointer->reset();
    if (!ReadPresence<T>(in, &is_present)) return false;
    if (!is_present) return true;
    if (!in.Charge(sizeof(T))) return false;
    auto target = std::make_unique<T>();
    if (!ReadValue(in, target.get())) return false;
    *pointer = std::move(target);
    return true;
  }
};

template <class Tuple>
struct TupleCodec;

template <template <class...> class Tuple, class... Types>
struct TupleCodec<Tuple<Types...>> {
  using Parts = TypeList<Types...>;
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, const Tuple<Types...>& tuple) {
    const auto write = [&out](const Types&... items) {
      out.Array(sizeof...(Types));
      (WriteValue(out, items), ...);
    };
    std::apply(write, tuple);
  }
  static bool Read(Reader& in, Tuple<Types...>* tuple) {
    const auto read = [&in](Types&... items) {
      return (in.ArrayOf(sizeof...(Types)) && ... && ReadValue(in, &items));
    };
    return std::apply(read, *tuple);
  }
};

}  // namespace codec_internal

template <class T>
struct Codec<std::optional<T>> {
  using Parts = TypeList<T>;
  static constexpr bool kMayBeNil = true;
  static void Write(Writer& out, const std::optional<T>& value) {
    codec_internal::WriteNullable<T>(out, value);
  }
  static bool Read(Reader& in, std::optional<T>* value) {
    bool is_present = false;
    value->reset();
    if (!codec_internal::ReadPresence<T>(in, &is_present)) return false;
    return !is_present || ReadValue(in, &value->emplace());
  }
};

// A null pointer is nil; two pointers to one object become two objects.
template <class T>
  requires(!std::is_array_v<T>)
struct Codec<std::unique_ptr<T>>
    : codec_internal::PointerCodec<T, std::unique_ptr<T>> {};

template <class T>
  requires(!std::is_array_v<T>)
struct Codec<std::shared_ptr<T>>
    : codec_internal::PointerCodec<T, std::shared_ptr<T>> {};

template <class A, class B>
struct Codec<std::pair<A, B>> : codec_internal::TupleCodec<std::pair<A, B>> {};

template <class... Types>
struct Codec<std::tuple<Types...>>
    : codec_internal::TupleCodec<std::tuple<Types...>> {};

// [index, value]
template <class... Types>
struct Codec<std::variant<Types...>> {
  using Variant = std::variant<Types...>;
  using Parts = TypeList<Types...>;
  static constexpr bool kMayBeNil = false;

  static void Write(Writer& out, const Variant& variant) {
    if (variant.valueless_by_exception()) {
      throw EncodeError("a variant holds no value");
    }
    out.Array(2);
    out.Uint(variant.index());
    std::visit([&out](const auto& value) { WriteValue(out, value); }, variant);
  }

  static bool Read(Reader& in, Variant* variant) {
    std::uint64_t index = 0;
    if (!in.ArrayOf(2) || !in.Uint(sizeof...(Types) - 1, &index)) return false;
    return ReadAlternative(in, index, variant,
                           std::index_sequence_for<Types...>());
  }

 private:
  template <std::size_t... kIndices>
  static bool ReadAlternative(Reader& in, std::size_t index, Variant* variant,
                              std::index_sequence<kIndices...>) {
    bool is_read = false;
    (void)((index == kIndices &&
            (is_read = ReadValue(in, &variant->template emplace<kIndices>()),
             true)) ||
           ...);
    return is_read;
  }
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_CODEC_CHOICES_H_
