// MOBULA_FIELDS(Type, fields...) inside a class makes it travel as a map from
// its fields' names to their values. It is what a class needs that has private
// fields, a base class, bit-fields or C arrays, and what a plain aggregate may
// use so that fields can be added and put into another order later.
//
//   class Job : public Named {
//    public:
//     ...
//    private:
//     int priority_ = 0;
//     unsigned is_urgent_ : 1 = 0;
//     char code_[4] = {};
//     MOBULA_FIELDS(Job, name, priority_, is_urgent_, code_)
//   };
//
// MOBULA_FIELDS_OF does the same from outside, in the type's own namespace, for
// a type whose fields are public. Fields of a base class are named as its own,
// where it may reach them. Reading accepts any order and passes over names that
// it does not know; a name that is missing or comes twice is an error, and what
// is wrong inside of a field names it. 0 to 256 fields.
#ifndef MOBULA_BASE_CODEC_FIELDS_H_
#define MOBULA_BASE_CODEC_FIELDS_H_

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/codec/value.h"

namespace mobula::base {
namespace codec_internal {

template <class T>
struct TypeTag {};

template <class T>
concept HasFields = requires { MobulaFieldNames(TypeTag<T>()); };

template <class... Names>
constexpr std::array<std::string_view, sizeof...(Names)> NamesOf(
    Names... names) {
  return {names...};
}

template <class Field>
void WriteField(Writer& out, std::string_view name, const Field& field) {
  out.Str(name);
  WriteValue(out, field);
}

template <class T>
bool ReadFields(Reader& in, T& value) {
  const auto names = MobulaFieldNames(TypeTag<T>());
  std::array<bool, names.size() + 1> is_read{};
  std::size_t count = 0;
  if (!in.Map(&count)) return false;
  for (std::size_t i = 0; i < count; ++i) {
    std::string_view name;
    if (!in.Str(&name)) return false;
    std::size_t index = 0;
    if (!MobulaReadField(TypeTag<T>(), in, name, &index, value)) {
      return index < names.size() && in.FailedIn(names[index]);
    }
    const bool is_known = index < names.size();
    if (std::exchange(is_read[index], true) && is_known) {
      return in.Fail("before this, no field \"" + std::string(name) +
                     "\" twice");
    }
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!is_read[i]) {
      return in.Fail("before this, a field \"" + std::string(names[i]) + "\"");
    }
  }
  return true;
}

}  // namespace codec_internal

template <codec_internal::HasFields T>
struct Codec<T> {
  using Parts = decltype(MobulaFieldTypes(codec_internal::TypeTag<T>()));
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, const T& value) {
    out.Map(MobulaFieldNames(codec_internal::TypeTag<T>()).size());
    MobulaWriteFields(codec_internal::TypeTag<T>(), out, value);
  }
  static bool Read(Reader& in, T* value) {
    return codec_internal::ReadFields(in, *value);
  }
};

}  // namespace mobula::base

// Applies M to each of the arguments; M_COMMA puts commas between.
#define MOBULA_PARENS ()
#define MOBULA_EXPAND(...) \
  MOBULA_EXPAND_4(MOBULA_EXPAND_4(MOBULA_EXPAND_4(__VA_ARGS__)))
#define MOBULA_EXPAND_4(...) \
  MOBULA_EXPAND_3(MOBULA_EXPAND_3(MOBULA_EXPAND_3(__VA_ARGS__)))
#define MOBULA_EXPAND_3(...) \
  MOBULA_EXPAND_2(MOBULA_EXPAND_2(MOBULA_EXPAND_2(__VA_ARGS__)))
#define MOBULA_EXPAND_2(...) \
  MOBULA_EXPAND_1(MOBULA_EXPAND_1(MOBULA_EXPAND_1(__VA_ARGS__)))
#define MOBULA_EXPAND_1(...) \
  MOBULA_EXPAND_0(MOBULA_EXPAND_0(MOBULA_EXPAND_0(__VA_ARGS__)))
#define MOBULA_EXPAND_0(...) __VA_ARGS__
#define MOBULA_EACH(M, ...) \
  __VA_OPT__(MOBULA_EXPAND(MOBULA_EACH_STEP(M, __VA_ARGS__)))
#define MOBULA_EACH_STEP(M, first, ...) \
  M(first) __VA_OPT__(MOBULA_EACH_AGAIN MOBULA_PARENS(M, __VA_ARGS__))
#define MOBULA_EACH_AGAIN() MOBULA_EACH_STEP
#define MOBULA_LIST(M, ...) \
  __VA_OPT__(MOBULA_EXPAND(MOBULA_LIST_STEP(M, __VA_ARGS__)))
#define MOBULA_LIST_STEP(M, first, ...) \
  M(first) __VA_OPT__(, MOBULA_LIST_AGAIN MOBULA_PARENS(M, __VA_ARGS__))
#define MOBULA_LIST_AGAIN() MOBULA_LIST_STEP

#define MOBULA_FIELD_NAME(field) std::string_view(#field)
#define MOBULA_FIELD_TYPE(field) decltype(std::declval<MobulaSelf&>().field)
#define MOBULA_FIELD_WRITE(field) \
  ::mobula::base::codec_internal::WriteField(out, #field, value.field);
// A bit-field has no address: it goes through a copy.
#define MOBULA_FIELD_READ(field)                                    \
  if (name == #field) {                                             \
    if constexpr (requires { std::addressof(value.field); }) {      \
      return ::mobula::base::ReadValue(in, &value.field);           \
    } else {                                                        \
      auto copy = value.field;                                      \
      if (!::mobula::base::ReadValue(in, &copy)) return false;      \
      value.field = copy;                                           \
      return value.field == copy || in.Fail(                        \
                                        "before this, a number "    \
                                        "that fits its bit-field"); \
    }                                                               \
  }                                                                 \
  ++*index;

#define MOBULA_FIELDS_AS(specifier, Type, ...)                            \
  [[maybe_unused]] specifier constexpr auto MobulaFieldNames(             \
      ::mobula::base::codec_internal::TypeTag<Type>) {                    \
    return ::mobula::base::codec_internal::NamesOf(                       \
        MOBULA_LIST(MOBULA_FIELD_NAME, __VA_ARGS__));                     \
  }                                                                       \
  [[maybe_unused]] specifier auto MobulaFieldTypes(                       \
      ::mobula::base::codec_internal::TypeTag<Type>) {                    \
    using MobulaSelf [[maybe_unused]] = Type;                             \
    return ::mobula::base::TypeList<MOBULA_LIST(MOBULA_FIELD_TYPE,        \
                                                __VA_ARGS__)>();          \
  }                                                                       \
  template <class MobulaType>                                             \
  specifier void MobulaWriteFields(                                       \
      ::mobula::base::codec_internal::TypeTag<Type>,                      \
      [[maybe_unused]] ::mobula::base::Writer& out,                       \
      [[maybe_unused]] const MobulaType& value) {                         \
    MOBULA_EACH(MOBULA_FIELD_WRITE, __VA_ARGS__)                          \
  }                                                                       \
  template <class MobulaType>                                             \
  specifier bool MobulaReadField(                                         \
      ::mobula::base::codec_internal::TypeTag<Type>,                      \
      ::mobula::base::Reader& in, [[maybe_unused]] std::string_view name, \
      [[maybe_unused]] std::size_t* index,                                \
      [[maybe_unused]] MobulaType& value) {                               \
    MOBULA_EACH(MOBULA_FIELD_READ, __VA_ARGS__)                           \
    return in.Skip();                                                     \
  }

#define MOBULA_FIELDS(Type, ...) MOBULA_FIELDS_AS(friend, Type, __VA_ARGS__)
#define MOBULA_FIELDS_OF(Type, ...) MOBULA_FIELDS_AS(inline, Type, __VA_ARGS__)

#endif  // MOBULA_BASE_CODEC_FIELDS_H_
