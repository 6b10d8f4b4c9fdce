// Codecs of types that say themselves how they travel: either members
//
//   void MobulaEncode(mobula::base::Writer& out) const;
//   bool MobulaDecode(mobula::base::Reader& in);
//
// or free functions found beside the type
//
//   void MobulaEncode(mobula::base::Writer& out, const Matrix& matrix);
//   bool MobulaDecode(mobula::base::Reader& in, Matrix& matrix);
//
// Each writes, or reads, exactly one item: WriteValue(out, x) of something
// simpler, or an array of several. Decoding returns false to refuse, and says
// why by in.Fail("a square matrix").
// Threading: none.
#ifndef MOBULA_BASE_CODEC_CUSTOM_H_
#define MOBULA_BASE_CODEC_CUSTOM_H_

#include <concepts>
#include <type_traits>

#include "base/codec/value.h"

namespace mobula::base {
namespace codec_internal {

// So that the names are looked up beside their arguments only.
void MobulaEncode() = delete;
void MobulaDecode() = delete;

template <class T>
concept MemberEncode =
    requires(const T& value, Writer& out) { value.MobulaEncode(out); };

template <class T>
concept MemberDecode = requires(T& value, Reader& in) {
  { value.MobulaDecode(in) } -> std::same_as<bool>;
};

template <class T>
concept FreeEncode =
    requires(const T& value, Writer& out) { MobulaEncode(out, value); };

template <class T>
concept FreeDecode = requires(T& value, Reader& in) {
  { MobulaDecode(in, value) } -> std::same_as<bool>;
};

template <class T>
concept Encodes = MemberEncode<T> || FreeEncode<T>;

template <class T>
concept Decodes = MemberDecode<T> || FreeDecode<T>;

// Types that have one half of it are custom too, and refused the other way.
template <class T>
concept Custom = std::is_class_v<T> && (Encodes<T> || Decodes<T>);

template <class T>
struct EncodeOnlyCodec {
  using Parts = TypeList<>;
  static constexpr bool kMayBeNil = true;  // who knows
  static void Write(Writer& out, const T& value) {
    if constexpr (MemberEncode<T>) {
      value.MobulaEncode(out);
    } else {
      MobulaEncode(out, value);
    }
  }
};

}  // namespace codec_internal

template <codec_internal::Custom T>
  requires(codec_internal::Encodes<T> && !codec_internal::Decodes<T>)
struct Codec<T> : codec_internal::EncodeOnlyCodec<T> {};

template <codec_internal::Custom T>
  requires(codec_internal::Encodes<T> && codec_internal::Decodes<T>)
struct Codec<T> : codec_internal::EncodeOnlyCodec<T> {
  static bool Read(Reader& in, T* value) {
    if constexpr (codec_internal::MemberDecode<T>) {
      return value->MobulaDecode(in);
    } else {
      return MobulaDecode(in, *value);
    }
  }
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_CODEC_CUSTOM_H_
