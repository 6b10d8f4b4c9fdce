// MOBULA_FIELDS(Type, fields...) makes a class travel that the library cannot
// take apart by itself: one with a base class, bit-fields, C arrays, private
// members or constructors. FieldNames<Type>() tells what they are called.
//
//   class Job : public Named {
//    public:
//     Job() = default;
//     Job(std::string name, int priority);
//    private:
//     int priority_ = 0;
//     unsigned is_urgent_ : 1 = 0;
//     char code_[4] = {};
//     MOBULA_FIELDS(Job, name, priority_, is_urgent_, code_)
//   };
//
//   static_assert(mobula::FieldNames<Job>().size() == 4);
//   for (std::string_view field : mobula::FieldNames<Job>()) ...
//
// Inside a class, where it reaches private members; or outside, beside a type
// whose members are public (of a library, say), in its namespace:
//
//   MOBULA_FIELDS_OF(Job, name, priority, code)
//
// Members of a base are named as its own. The class needs a public default
// constructor. A member that is not named does not travel: the other side has
// what its constructor gives it. 0 to 256 members, in templates too.
// It travels as a map from names to values (docs/formats/values.md), so that
// members can change their order and programs of different age understand one
// another: names that a program does not know are passed over, but one that it
// wants and does not get is an error, which names it (DecodeError). A value
// that does not fit says in which member ("..., in field parts.size").
// A plain aggregate needs none of this; it may have it for the names. A class
// that wants to say itself how it travels has MobulaEncode and MobulaDecode.
// Threading: pure.
#ifndef MOBULA_API_MOBULA_VALUES_FIELDS_H_
#define MOBULA_API_MOBULA_VALUES_FIELDS_H_

#include <array>
#include <cstddef>
#include <string_view>

#include "base/codec/fields.h"  // IWYU pragma: export

namespace mobula {

// The names given to MOBULA_FIELDS, in that order: std::array<string_view, n>.
template <class T>
constexpr auto FieldNames() {
  constexpr bool kHasNames = base::codec_internal::HasFields<T>;
  static_assert(kHasNames,
                "mobula: FieldNames of a type without MOBULA_FIELDS(Type, "
                "member, ...)");
  if constexpr (kHasNames) {
    return MobulaFieldNames(base::codec_internal::TypeTag<T>());
  } else {
    return std::array<std::string_view, 0>();
  }
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_VALUES_FIELDS_H_
