// The codec of plain aggregates: an array of their fields in order, nothing to
// be declared at the type.
//
//   struct Count { std::string word; std::int64_t n; };   // ["ray", 7]
//
// Refused, with kEncodable false: aggregates with a base class, a bit-field or
// a C array, a reference or const field, a field without a default
// constructor, more than 64 fields. They need MOBULA_FIELDS or MobulaEncode.
// Threading: none.
// Failure: an array of another length is refused; fields cannot be left out.
#ifndef MOBULA_BASE_CODEC_AGGREGATE_H_
#define MOBULA_BASE_CODEC_AGGREGATE_H_

#include "base/codec/aggregate_fields.h"
#include "base/codec/custom.h"
#include "base/codec/fields.h"
#include "base/codec/value.h"

namespace mobula::base {
namespace codec_internal {

template <class T>
concept Aggregate = !Custom<T> && !HasFields<T> && kIsPlainAggregate<T>;

}  // namespace codec_internal

template <codec_internal::Aggregate T>
struct Codec<T> {
  using Parts = FieldTypes<T>;
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, const T& value) {
    WithFields(value, [&out](const auto&... fields) {
      out.Array(sizeof...(fields));
      (WriteValue(out, fields), ...);
    });
  }
  static bool Read(Reader& in, T* value) {
    return WithFields(*value, [&in](auto&... fields) {
      return (in.ArrayOf(sizeof...(fields)) && ... && ReadValue(in, &fields));
    });
  }
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_CODEC_AGGREGATE_H_
