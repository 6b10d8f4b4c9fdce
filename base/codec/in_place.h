// ReadInPlace reads strings and sequences of numbers without copying them: the
// view points into the bytes that are read.
//
//   std::span<const double> numbers;
//   std::shared_ptr<const void> copy;
//   if (!ReadInPlace(in, &numbers, &copy)) return false;
//
// Numbers that do not lie at a multiple of their size (of a value that somebody
// else placed) or that another language wrote one by one are copied into memory
// that `copy` then keeps; where it stays null, who keeps the bytes keeps the
// view.
// Threading: none.   Failure: as the Reader's.
#ifndef MOBULA_BASE_CODEC_IN_PLACE_H_
#define MOBULA_BASE_CODEC_IN_PLACE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/codec/sequences.h"
#include "base/codec/value.h"

namespace mobula::base {

// Numbers and bytes: what a sequence must have as elements to lie in place.
template <class T>
concept InPlace = codec_internal::Packed<T> || codec_internal::Byte<T>;

inline bool ReadInPlace(Reader& in, std::string_view* text) {
  return in.Str(text);
}

template <InPlace T>
bool ReadInPlace(Reader& in, std::span<const T>* items,
                 std::shared_ptr<const void>* copy) {
  std::string_view data;
  const bool is_array = in.NextIsArray();
  if (!is_array && !codec_internal::ReadPacked<T>(in, &data)) return false;
  if (!is_array &&
      reinterpret_cast<std::uintptr_t>(data.data()) % alignof(T) == 0) {
    *items = {reinterpret_cast<const T*>(data.data()), data.size() / sizeof(T)};
    return true;
  }
  auto own = std::make_shared<std::vector<T>>();
  if (is_array) {
    if (!codec_internal::ReadItems(in, own.get())) return false;
  } else {
    if (!in.Charge(data.size())) return false;
    own->resize(data.size() / sizeof(T));
    if (!data.empty()) std::memcpy(own->data(), data.data(), data.size());
  }
  *items = *own;
  *copy = std::move(own);
  return true;
}

// Writes what precedes `count` such numbers; their bytes must follow.
template <InPlace T>
void WriteHead(Writer& out, std::size_t count) {
  if constexpr (codec_internal::Byte<T>) {
    out.BinHead(count);
  } else {
    out.BlockHead(codec_internal::KindOf<T>(), sizeof(T), count * sizeof(T));
  }
}

}  // namespace mobula::base

#endif  // MOBULA_BASE_CODEC_IN_PLACE_H_
