// WriteValue and ReadValue encode and decode a value of any type that has a
// Codec, and kEncodable and kDecodable say at compile time which types do.
//
//   static_assert(kEncodable<std::vector<std::string>>);
//   WriteValue(out, words);                    // out is a Writer
//   if (!ReadValue(in, &words)) return false;  // in is a Reader
//
// A Codec<T> is a struct with
//   using Parts = TypeList<...>;               // types that T is made of
//   static constexpr bool kMayBeNil = ...;     // whether it can write nil
//   static void Write(Writer& out, const T& value);
//   static bool Read(Reader& in, T* value);    // absent: encode only
// and is specialised in the other headers of this folder; include codec.h to
// have them all. Asking whether a type is encodable never fails to compile
// where the type is complete.
// Threading: none; pure functions.
#ifndef MOBULA_BASE_CODEC_VALUE_H_
#define MOBULA_BASE_CODEC_VALUE_H_

#include <concepts>
#include <type_traits>

#include "base/codec/reader.h"
#include "base/codec/writer.h"

namespace mobula::base {

template <class... Types>
struct TypeList {};

// No codec: a type that no specialisation knows.
template <class T>
struct Codec {};

namespace codec_internal {

enum class Direction { kWrite, kRead };

template <Direction kDirection, class T, class... Seen>
consteval bool HasCodec();

template <Direction kDirection, class List, class... Seen>
struct AllHaveCodec;

template <Direction kDirection, class... Parts, class... Seen>
struct AllHaveCodec<kDirection, TypeList<Parts...>, Seen...> {
  static constexpr bool kValue =
      (true && ... && HasCodec<kDirection, Parts, Seen...>());
};

// `Seen` are the types around T: a tree's node holds nodes, and what is being
// asked is taken for granted.
template <Direction kDirection, class T, class... Seen>
consteval bool HasCodec() {
  if constexpr ((std::is_same_v<T, Seen> || ...)) {
    return true;
  } else if constexpr (std::is_reference_v<T> || std::is_const_v<T> ||
                       std::is_volatile_v<T>) {
    return false;
  } else if constexpr (!requires { typename Codec<T>::Parts; }) {
    return false;
  } else if constexpr (kDirection == Direction::kRead && !(requires {
                         &Codec<T>::Read;
                       } && std::default_initializable<T>)) {
    return false;
  } else {
    return AllHaveCodec<kDirection, typename Codec<T>::Parts, T,
                        Seen...>::kValue;
  }
}

}  // namespace codec_internal

template <class T>
inline constexpr bool kEncodable =
    codec_internal::HasCodec<codec_internal::Direction::kWrite, T>();

template <class T>
inline constexpr bool kDecodable =
    codec_internal::HasCodec<codec_internal::Direction::kRead, T>();

template <class T>
concept Encodable = kEncodable<T>;

template <class T>
concept Decodable = kDecodable<T>;

template <class T>
void WriteValue(Writer& out, const T& value) {
  static_assert(kEncodable<T>,
                "this type cannot be encoded: it needs MOBULA_FIELDS, or "
                "MobulaEncode and MobulaDecode");
  out.Enter();
  Codec<T>::Write(out, value);
  out.Leave();
}

template <class T>
bool ReadValue(Reader& in, T* value) {
  static_assert(kDecodable<T>,
                "this type cannot be decoded: it needs MOBULA_FIELDS, or "
                "MobulaEncode and MobulaDecode, and a default constructor");
  if (!in.Enter()) return false;
  if (!Codec<T>::Read(in, value)) {
    // A user's MobulaDecode may refuse without saying why.
    if (in.ok()) in.Fail("a value that its type accepts");
    return false;
  }
  in.Leave();
  return true;
}

}  // namespace mobula::base

#endif  // MOBULA_BASE_CODEC_VALUE_H_
