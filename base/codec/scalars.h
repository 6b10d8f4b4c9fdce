// Codecs of what holds one item: numbers, booleans, enums, strings, bytes and
// times.
// Threading: none.
#ifndef MOBULA_BASE_CODEC_SCALARS_H_
#define MOBULA_BASE_CODEC_SCALARS_H_

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "base/bytes.h"
#include "base/codec/value.h"

namespace mobula::base {
namespace codec_internal {

// Integers and characters of up to 64 bits, not bool.
template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && sizeof(T) <= 8;

template <class T>
concept Floating = std::same_as<T, float> || std::same_as<T, double>;

// Whether T is written without a sign. char is, since its own sign differs
// between machines.
template <Integer T>
inline constexpr bool kIsUnsigned =
    std::is_unsigned_v<T> || std::same_as<T, char>;

}  // namespace codec_internal

template <>
struct Codec<bool> {
  using Parts = TypeList<>;
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, bool value) { out.Bool(value); }
  static bool Read(Reader& in, bool* value) { return in.Bool(value); }
};

template <codec_internal::Integer T>
struct Codec<T> {
  using Parts = TypeList<>;
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, T value) {
    if constexpr (codec_internal::kIsUnsigned<T>) {
      out.Uint(static_cast<std::make_unsigned_t<T>>(value));
    } else {
      out.Int(static_cast<std::int64_t>(value));
    }
  }
  static bool Read(Reader& in, T* value) {
    if constexpr (codec_internal::kIsUnsigned<T>) {
      using Unsigned = std::make_unsigned_t<T>;
      std::uint64_t wide = 0;
      if (!in.Uint(std::numeric_limits<Unsigned>::max(), &wide)) return false;
      *value = static_cast<T>(static_cast<Unsigned>(wide));
    } else {
      using Limits = std::numeric_limits<T>;
      std::int64_t wide = 0;
      if (!in.Int(static_cast<std::int64_t>(Limits::min()),
                  static_cast<std::int64_t>(Limits::max()), &wide)) {
        return false;
      }
      *value = static_cast<T>(wide);
    }
    return true;
  }
};

template <>
struct Codec<float> {
  using Parts = TypeList<>;
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, float value) { out.Float(value); }
  static bool Read(Reader& in, float* value) { return in.Float(value); }
};

template <>
struct Codec<double> {
  using Parts = TypeList<>;
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, double value) { out.Double(value); }
  static bool Read(Reader& in, double* value) { return in.Double(value); }
};

// As its number; one that the enum does not name is kept. std::byte too.
template <class T>
  requires std::is_enum_v<T>
struct Codec<T> {
  using Number = std::underlying_type_t<T>;
  using Parts = TypeList<Number>;
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, T value) {
    Codec<Number>::Write(out, static_cast<Number>(value));
  }
  static bool Read(Reader& in, T* value) {
    Number number{};
    if (!Codec<Number>::Read(in, &number)) return false;
    *value = static_cast<T>(number);
    return true;
  }
};

template <>
struct Codec<std::string> {
  using Parts = TypeList<>;
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, const std::string& value) { out.Str(value); }
  static bool Read(Reader& in, std::string* value) {
    std::string_view text;
    if (!in.Str(&text) || !in.Charge(text.size())) return false;
    value->assign(text);
    return true;
  }
};

// Encode only: nothing would own what a decoded one points to.
template <>
struct Codec<std::string_view> {
  using Parts = TypeList<>;
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, std::string_view value) { out.Str(value); }
};

template <>
struct Codec<Bytes> {
  using Parts = TypeList<>;
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, const Bytes& value) { out.Bin(value.view()); }
  static bool Read(Reader& in, Bytes* value) { return in.BytesItem(value); }
};

template <>
struct Codec<std::monostate> {
  using Parts = TypeList<>;
  static constexpr bool kMayBeNil = true;
  static void Write(Writer& out, std::monostate) { out.Nil(); }
  static bool Read(Reader& in, std::monostate*) { return in.Nil(); }
};

// The count of its own ticks.
template <class Rep, class Period>
struct Codec<std::chrono::duration<Rep, Period>> {
  using Duration = std::chrono::duration<Rep, Period>;
  using Parts = TypeList<Rep>;
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, const Duration& value) {
    Codec<Rep>::Write(out, value.count());
  }
  static bool Read(Reader& in, Duration* value) {
    Rep count{};
    if (!Codec<Rep>::Read(in, &count)) return false;
    *value = Duration(count);
    return true;
  }
};

// The duration since its clock's epoch. That of a steady clock means something
// on one machine only.
template <class Clock, class Duration>
struct Codec<std::chrono::time_point<Clock, Duration>> {
  using TimePoint = std::chrono::time_point<Clock, Duration>;
  using Parts = TypeList<Duration>;
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, const TimePoint& value) {
    Codec<Duration>::Write(out, value.time_since_epoch());
  }
  static bool Read(Reader& in, TimePoint* value) {
    Duration since_epoch{};
    if (!Codec<Duration>::Read(in, &since_epoch)) return false;
    *value = TimePoint(since_epoch);
    return true;
  }
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_CODEC_SCALARS_H_
