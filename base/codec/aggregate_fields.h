// The fields of an aggregate, without a macro at the type: how many there are,
// of which types, and references to all of them.
//
//   struct Point { int x; int y; };
//   static_assert(kFieldCount<Point> == 2);
//   WithFields(point, [](const int& x, const int& y) { ... });
//
// The count is the largest number of empty initialisers "{}" that the type
// takes: each of them makes exactly one field, whatever the field's type, where
// a probe that converts to anything would be ambiguous for some and run into
// the elements of a C array. Structured bindings do the rest. Nothing in here
// fails to compile for a complete type: what cannot be taken apart has
// kIsPlainAggregate false, and the constants beside it say why.
// Threading: none.   Bound: kFieldCountMax fields.
#ifndef MOBULA_BASE_CODEC_AGGREGATE_FIELDS_H_
#define MOBULA_BASE_CODEC_AGGREGATE_FIELDS_H_

#include <concepts>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/codec/value.h"

// MOBULA_EMPTY_n is n times {}, MOBULA_NAMES_n is n names.
// clang-format off
#define MOBULA_EMPTY_1 {}
#define MOBULA_NAMES_1 f1
#define MOBULA_EMPTY_2 MOBULA_EMPTY_1, {}
#define MOBULA_EMPTY_3 MOBULA_EMPTY_2, {}
#define MOBULA_EMPTY_4 MOBULA_EMPTY_3, {}
#define MOBULA_EMPTY_5 MOBULA_EMPTY_4, {}
#define MOBULA_EMPTY_6 MOBULA_EMPTY_5, {}
#define MOBULA_EMPTY_7 MOBULA_EMPTY_6, {}
#define MOBULA_EMPTY_8 MOBULA_EMPTY_7, {}
#define MOBULA_EMPTY_9 MOBULA_EMPTY_8, {}
#define MOBULA_EMPTY_10 MOBULA_EMPTY_9, {}
#define MOBULA_EMPTY_11 MOBULA_EMPTY_10, {}
#define MOBULA_EMPTY_12 MOBULA_EMPTY_11, {}
#define MOBULA_EMPTY_13 MOBULA_EMPTY_12, {}
#define MOBULA_EMPTY_14 MOBULA_EMPTY_13, {}
#define MOBULA_EMPTY_15 MOBULA_EMPTY_14, {}
#define MOBULA_EMPTY_16 MOBULA_EMPTY_15, {}
#define MOBULA_EMPTY_17 MOBULA_EMPTY_16, {}
#define MOBULA_EMPTY_18 MOBULA_EMPTY_17, {}
#define MOBULA_EMPTY_19 MOBULA_EMPTY_18, {}
#define MOBULA_EMPTY_20 MOBULA_EMPTY_19, {}
#define MOBULA_EMPTY_21 MOBULA_EMPTY_20, {}
#define MOBULA_EMPTY_22 MOBULA_EMPTY_21, {}
#define MOBULA_EMPTY_23 MOBULA_EMPTY_22, {}
#define MOBULA_EMPTY_24 MOBULA_EMPTY_23, {}
#define MOBULA_EMPTY_25 MOBULA_EMPTY_24, {}
#define MOBULA_EMPTY_26 MOBULA_EMPTY_25, {}
#define MOBULA_EMPTY_27 MOBULA_EMPTY_26, {}
#define MOBULA_EMPTY_28 MOBULA_EMPTY_27, {}
#define MOBULA_EMPTY_29 MOBULA_EMPTY_28, {}
#define MOBULA_EMPTY_30 MOBULA_EMPTY_29, {}
#define MOBULA_EMPTY_31 MOBULA_EMPTY_30, {}
#define MOBULA_EMPTY_32 MOBULA_EMPTY_31, {}
#define MOBULA_EMPTY_33 MOBULA_EMPTY_32, {}
#define MOBULA_EMPTY_34 MOBULA_EMPTY_33, {}
#define MOBULA_EMPTY_35 MOBULA_EMPTY_34, {}
#define MOBULA_EMPTY_36 MOBULA_EMPTY_35, {}
#define MOBULA_EMPTY_37 MOBULA_EMPTY_36, {}
#define MOBULA_EMPTY_38 MOBULA_EMPTY_37, {}
#define MOBULA_EMPTY_39 MOBULA_EMPTY_38, {}
#define MOBULA_EMPTY_40 MOBULA_EMPTY_39, {}
#define MOBULA_EMPTY_41 MOBULA_EMPTY_40, {}
#define MOBULA_EMPTY_42 MOBULA_EMPTY_41, {}
#define MOBULA_EMPTY_43 MOBULA_EMPTY_42, {}
#define MOBULA_EMPTY_44 MOBULA_EMPTY_43, {}
#define MOBULA_EMPTY_45 MOBULA_EMPTY_44, {}
#define MOBULA_EMPTY_46 MOBULA_EMPTY_45, {}
#define MOBULA_EMPTY_47 MOBULA_EMPTY_46, {}
#define MOBULA_EMPTY_48 MOBULA_EMPTY_47, {}
#define MOBULA_EMPTY_49 MOBULA_EMPTY_48, {}
#define MOBULA_EMPTY_50 MOBULA_EMPTY_49, {}
#define MOBULA_EMPTY_51 MOBULA_EMPTY_50, {}
#define MOBULA_EMPTY_52 MOBULA_EMPTY_51, {}
#define MOBULA_EMPTY_53 MOBULA_EMPTY_52, {}
#define MOBULA_EMPTY_54 MOBULA_EMPTY_53, {}
#define MOBULA_EMPTY_55 MOBULA_EMPTY_54, {}
#define MOBULA_EMPTY_56 MOBULA_EMPTY_55, {}
#define MOBULA_EMPTY_57 MOBULA_EMPTY_56, {}
#define MOBULA_EMPTY_58 MOBULA_EMPTY_57, {}
#define MOBULA_EMPTY_59 MOBULA_EMPTY_58, {}
#define MOBULA_EMPTY_60 MOBULA_EMPTY_59, {}
#define MOBULA_EMPTY_61 MOBULA_EMPTY_60, {}
#define MOBULA_EMPTY_62 MOBULA_EMPTY_61, {}
#define MOBULA_EMPTY_63 MOBULA_EMPTY_62, {}
#define MOBULA_EMPTY_64 MOBULA_EMPTY_63, {}
#define MOBULA_NAMES_2 MOBULA_NAMES_1, f2
#define MOBULA_NAMES_3 MOBULA_NAMES_2, f3
#define MOBULA_NAMES_4 MOBULA_NAMES_3, f4
#define MOBULA_NAMES_5 MOBULA_NAMES_4, f5
#define MOBULA_NAMES_6 MOBULA_NAMES_5, f6
#define MOBULA_NAMES_7 MOBULA_NAMES_6, f7
#define MOBULA_NAMES_8 MOBULA_NAMES_7, f8
#define MOBULA_NAMES_9 MOBULA_NAMES_8, f9
#define MOBULA_NAMES_10 MOBULA_NAMES_9, f10
#define MOBULA_NAMES_11 MOBULA_NAMES_10, f11
#define MOBULA_NAMES_12 MOBULA_NAMES_11, f12
#define MOBULA_NAMES_13 MOBULA_NAMES_12, f13
#define MOBULA_NAMES_14 MOBULA_NAMES_13, f14
#define MOBULA_NAMES_15 MOBULA_NAMES_14, f15
#define MOBULA_NAMES_16 MOBULA_NAMES_15, f16
#define MOBULA_NAMES_17 MOBULA_NAMES_16, f17
#define MOBULA_NAMES_18 MOBULA_NAMES_17, f18
#define MOBULA_NAMES_19 MOBULA_NAMES_18, f19
#define MOBULA_NAMES_20 MOBULA_NAMES_19, f20
#define MOBULA_NAMES_21 MOBULA_NAMES_20, f21
#define MOBULA_NAMES_22 MOBULA_NAMES_21, f22
#define MOBULA_NAMES_23 MOBULA_NAMES_22, f23
#define MOBULA_NAMES_24 MOBULA_NAMES_23, f24
#define MOBULA_NAMES_25 MOBULA_NAMES_24, f25
#define MOBULA_NAMES_26 MOBULA_NAMES_25, f26
#define MOBULA_NAMES_27 MOBULA_NAMES_26, f27
#define MOBULA_NAMES_28 MOBULA_NAMES_27, f28
#define MOBULA_NAMES_29 MOBULA_NAMES_28, f29
#define MOBULA_NAMES_30 MOBULA_NAMES_29, f30
#define MOBULA_NAMES_31 MOBULA_NAMES_30, f31
#define MOBULA_NAMES_32 MOBULA_NAMES_31, f32
#define MOBULA_NAMES_33 MOBULA_NAMES_32, f33
#define MOBULA_NAMES_34 MOBULA_NAMES_33, f34
#define MOBULA_NAMES_35 MOBULA_NAMES_34, f35
#define MOBULA_NAMES_36 MOBULA_NAMES_35, f36
#define MOBULA_NAMES_37 MOBULA_NAMES_36, f37
#define MOBULA_NAMES_38 MOBULA_NAMES_37, f38
#define MOBULA_NAMES_39 MOBULA_NAMES_38, f39
#define MOBULA_NAMES_40 MOBULA_NAMES_39, f40
#define MOBULA_NAMES_41 MOBULA_NAMES_40, f41
#define MOBULA_NAMES_42 MOBULA_NAMES_41, f42
#define MOBULA_NAMES_43 MOBULA_NAMES_42, f43
#define MOBULA_NAMES_44 MOBULA_NAMES_43, f44
#define MOBULA_NAMES_45 MOBULA_NAMES_44, f45
#define MOBULA_NAMES_46 MOBULA_NAMES_45, f46
#define MOBULA_NAMES_47 MOBULA_NAMES_46, f47
#define MOBULA_NAMES_48 MOBULA_NAMES_47, f48
#define MOBULA_NAMES_49 MOBULA_NAMES_48, f49
#define MOBULA_NAMES_50 MOBULA_NAMES_49, f50
#define MOBULA_NAMES_51 MOBULA_NAMES_50, f51
#define MOBULA_NAMES_52 MOBULA_NAMES_51, f52
#define MOBULA_NAMES_53 MOBULA_NAMES_52, f53
#define MOBULA_NAMES_54 MOBULA_NAMES_53, f54
#define MOBULA_NAMES_55 MOBULA_NAMES_54, f55
#define MOBULA_NAMES_56 MOBULA_NAMES_55, f56
#define MOBULA_NAMES_57 MOBULA_NAMES_56, f57
#define MOBULA_NAMES_58 MOBULA_NAMES_57, f58
#define MOBULA_NAMES_59 MOBULA_NAMES_58, f59
#define MOBULA_NAMES_60 MOBULA_NAMES_59, f60
#define MOBULA_NAMES_61 MOBULA_NAMES_60, f61
#define MOBULA_NAMES_62 MOBULA_NAMES_61, f62
#define MOBULA_NAMES_63 MOBULA_NAMES_62, f63
#define MOBULA_NAMES_64 MOBULA_NAMES_63, f64
// Applies a macro to each number of fields.
#define MOBULA_EACH_COUNT(M) \
  M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) \
  M(9) M(10) M(11) M(12) M(13) M(14) M(15) M(16) \
  M(17) M(18) M(19) M(20) M(21) M(22) M(23) M(24) \
  M(25) M(26) M(27) M(28) M(29) M(30) M(31) M(32) \
  M(33) M(34) M(35) M(36) M(37) M(38) M(39) M(40) \
  M(41) M(42) M(43) M(44) M(45) M(46) M(47) M(48) \
  M(49) M(50) M(51) M(52) M(53) M(54) M(55) M(56) \
  M(57) M(58) M(59) M(60) M(61) M(62) M(63) M(64)
// clang-format on

namespace mobula::base {

inline constexpr std::size_t kFieldCountMax = 64;

namespace codec_internal {

// NOLINTBEGIN(google-explicit-constructor): they are there to be converted.

// Converts to the bases of T only.
template <class T>
struct AnyBaseOf {
  template <class Base>
    requires(std::is_base_of_v<Base, T> && !std::same_as<Base, T>)
  operator Base() const;
};

// Convert to anything.
struct AnyValue {
  template <class T>
  operator T() const;
};
struct AnyReference {
  template <class T>
  operator T&() const;
};

// NOLINTEND(google-explicit-constructor)

// The number of empty initialisers that T takes; one more than the maximum
// where there are too many fields.
template <class T>
consteval std::size_t CountFields() {
#define MOBULA_COUNT(n)                               \
  if constexpr (!requires { T{MOBULA_EMPTY_##n}; }) { \
    return n - 1;                                     \
  } else
  MOBULA_EACH_COUNT(MOBULA_COUNT)
#undef MOBULA_COUNT
  return kFieldCountMax;
}

// Whether an initialiser fits behind the empty ones: then there is a field that
// "{}" does not make (no default constructor), and the count is wrong.
template <class T, std::size_t kCount>
consteval bool HasUncountedField() {
  if constexpr (kCount == 0) {
    return true;
#define MOBULA_ONE_MORE(n)                                  \
  }                                                         \
  else if constexpr (kCount == n) {                         \
    return requires { T{MOBULA_EMPTY_##n, AnyValue()}; } || \
           requires { T{MOBULA_EMPTY_##n, AnyReference()}; };
    MOBULA_EACH_COUNT(MOBULA_ONE_MORE)
#undef MOBULA_ONE_MORE
  }
}

// A bit-field does not bind to a reference.
template <class... Fields>
TypeList<Fields...> TypesOf(Fields&...);

struct NoFieldTypes {};

template <std::size_t kCount, class T>
auto FieldTypesOf([[maybe_unused]] T& value) {
  if constexpr (kCount == 0) {
    return TypeList<>();
#define MOBULA_TYPES(n)                                      \
  }                                                          \
  else if constexpr (kCount == n) {                          \
    auto& [MOBULA_NAMES_##n] = value;                        \
    if constexpr (requires { TypesOf(MOBULA_NAMES_##n); }) { \
      return decltype(TypesOf(MOBULA_NAMES_##n))();          \
    } else {                                                 \
      return NoFieldTypes();                                 \
    }
    MOBULA_EACH_COUNT(MOBULA_TYPES)
#undef MOBULA_TYPES
  }
}

template <class List>
inline constexpr bool kHasArray = false;
template <class... Fields>
inline constexpr bool kHasArray<TypeList<Fields...>> =
    (false || ... || std::is_array_v<Fields>);

template <class T, std::size_t kCount, bool kIsCounted>
auto TypesOfAll() {
  if constexpr (kIsCounted) {
    return decltype(FieldTypesOf<kCount>(std::declval<T&>()))();
  } else {
    return NoFieldTypes();
  }
}

// Types that say themselves what structured bindings make of them.
template <class T>
concept TupleLike = requires { std::tuple_size<T>::value; };

// What of T can be said without an error, one step after another.
template <class T>
struct Shape {
  static constexpr bool kIsAggregate =
      std::is_aggregate_v<T> && std::is_class_v<T> && !TupleLike<T>;
  static constexpr bool kHasBase = [] {
    if constexpr (kIsAggregate) {
      return requires { T{AnyBaseOf<T>()}; };
    } else {
      return false;
    }
  }();
  static constexpr std::size_t kCount = [] {
    if constexpr (kIsAggregate && !kHasBase && !std::is_empty_v<T>) {
      return CountFields<T>();
    } else {
      return std::size_t{0};
    }
  }();
  static constexpr bool kIsCounted = [] {
    if constexpr (!kIsAggregate || kHasBase) {
      return false;
    } else if constexpr (std::is_empty_v<T>) {
      return requires { T{}; };
    } else if constexpr (kCount > 0) {
      return requires { T{}; } && !HasUncountedField<T, kCount>();
    } else {
      return false;
    }
  }();
  using Types = decltype(TypesOfAll<T, kCount, kIsCounted>());
};

}  // namespace codec_internal

// An aggregate with a base class.
template <class T>
inline constexpr bool kHasBaseClass = codec_internal::Shape<T>::kHasBase;

// An aggregate with a bit-field.
template <class T>
inline constexpr bool kHasBitField =
    codec_internal::Shape<T>::kIsCounted &&
    std::same_as<typename codec_internal::Shape<T>::Types,
                 codec_internal::NoFieldTypes>;

// An aggregate with a C array.
template <class T>
inline constexpr bool kHasCArray =
    codec_internal::kHasArray<typename codec_internal::Shape<T>::Types>;

// An aggregate that can be taken apart, field by field.
template <class T>
inline constexpr bool kIsPlainAggregate =
    codec_internal::Shape<T>::kIsCounted && !kHasBitField<T> && !kHasCArray<T>;

template <class T>
inline constexpr std::size_t kFieldCount = codec_internal::Shape<T>::kCount;

template <class T>
using FieldTypes = typename codec_internal::Shape<T>::Types;

// Calls `visit` with a reference to each field of `value`, in their order.
template <class T, class Visit>
decltype(auto) WithFields([[maybe_unused]] T& value, Visit&& visit) {
  constexpr std::size_t kCount = kFieldCount<std::remove_const_t<T>>;
  if constexpr (kCount == 0) {
    return visit();
#define MOBULA_VISIT(n)               \
  }                                   \
  else if constexpr (kCount == n) {   \
    auto& [MOBULA_NAMES_##n] = value; \
    return visit(MOBULA_NAMES_##n);
    MOBULA_EACH_COUNT(MOBULA_VISIT)
#undef MOBULA_VISIT
  }
}

}  // namespace mobula::base

#endif  // MOBULA_BASE_CODEC_AGGREGATE_FIELDS_H_
