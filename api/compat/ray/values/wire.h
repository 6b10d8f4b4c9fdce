// How a value of a Ray program travels: as one value of Mobula's. What Mobula's
// codec knows goes through that (native.h); every other class is packed by
// MessagePack's library, and those bytes are the value, with the refs that are
// inside beside them: [bin, ref, ...]. Not for users.
//
//   const Travelling<Person> travelling(person);     // borrows it
//   use(travelling.writable());
//   Person back;
//   ReadWire(value, &back, &why);
//
// Threading: pure.
// Failure: what does not fit is false and why, never an exception but what the
// user's own adaptors throw.
#ifndef MOBULA_API_COMPAT_RAY_VALUES_WIRE_H_
#define MOBULA_API_COMPAT_RAY_VALUES_WIRE_H_

#include <exception>
#include <msgpack.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/compat/ray/values/adaptors.h"
#include "api/compat/ray/values/native.h"
#include "api/compat/ray/values/packed_refs.h"
#include "api/mobula/values/writable.h"
#include "base/codec/codec.h"
#include "base/value.h"

namespace ray::internal {

// Bytes of MessagePack's library, and the refs inside.
struct Packed {
  std::string bytes;
  std::vector<HeldPtr> refs;

  void MobulaEncode(mobula::base::Writer& out) const;
};

// Reads it from what a Packed wrote; the bytes lie where the value does.
bool ReadPacked(mobula::base::Reader& in, std::string_view* bytes,
                std::vector<HeldPtr>* refs);
// Whether the bytes are one whole item, every length of which they cover: what
// the library may be given.
bool IsOneItem(std::string_view bytes);

template <class T>
Packed Pack(const T& value) {
  PackedRefs refs;
  PackStream stream;
  msgpack::pack(stream, value);
  return {stream.bytes(), refs.objects()};
}

template <class T, bool kNative = kIsNative<T>>
class Travelling {
 public:
  explicit Travelling(const T& value) : value_(value) {}
  [[nodiscard]] mobula::detail::Writable writable() const {
    return mobula::detail::WritableOf(value_);
  }

 private:
  const T& value_;
};

template <class T>
class Travelling<T, false> {
 public:
  explicit Travelling(const T& value) : packed_(Pack(value)) {}
  [[nodiscard]] mobula::detail::Writable writable() const {
    return mobula::detail::WritableOf(packed_);
  }

 private:
  const Packed packed_;
};

template <class T>
bool Unpack(std::string_view bytes, T* value, std::string* why) {
  try {
    const msgpack::object_handle handle =
        msgpack::unpack(bytes.data(), bytes.size());
    handle.get().convert(*value);
    return true;
  } catch (const std::exception& e) {  // the library's, or an adaptor's
    *why = std::string("its MessagePack adaptor refused it: ") + e.what();
    return false;
  }
}

// The handles of the refs inside are made; who calls it holds `value`.
template <class T>
bool ReadWire(const mobula::base::Value& value, T* to, std::string* why) {
  mobula::base::Reader in(value.view(), nullptr, mobula::base::ReadLimits(),
                          &value.refs());
  if constexpr (kIsNative<T>) {
    if (mobula::base::ReadValue(in, to) && in.End()) return true;
  } else {
    std::string_view bytes;
    std::vector<HeldPtr> refs;
    if (ReadPacked(in, &bytes, &refs) && in.End()) {
      const PackedRefs beside(std::move(refs));
      return Unpack(bytes, to, why);
    }
  }
  *why = in.error();
  return false;
}

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_VALUES_WIRE_H_
