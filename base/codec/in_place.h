// ReadInPlace reads strings and sequences of numbers without copying them: the
// view points into the bytes that are read.
//
//   std::span<const double> numbers;
//   std::shared_ptr<const void> copy;
//   if (!ReadInPlace(in, &numbers, &copy)) return false;
//
// Numbers that do not lie at a multiple of their size, long ones at a multiple
// of 64 (of a value that was not placed so), or that another language wrote one
// by one, are copied into memory that `copy` then keeps; where it stays null,
// who keeps the bytes keeps the view. So a long block is always aligned to 64.
// Threading: none.   Failure: as the Reader's.
#ifndef MOBULA_BASE_CODEC_IN_PLACE_H_
#define MOBULA_BASE_CODEC_IN_PLACE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
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

namespace codec_internal {

// Where `byte_count` bytes of such numbers must lie. Bytes may lie anywhere.
template <class T>
constexpr std::size_t AlignmentOf(std::size_t byte_count) {
  return !Byte<T> && byte_count >= kLongBlockBytes ? kBlockAlignment
                                                   : alignof(T);
}

}  // namespace codec_internal

// A copy of whole elements, aligned to 64.
template <InPlace T>
std::span<const T> CopyAligned(std::string_view data,
                               std::shared_ptr<const void>* copy) {
  constexpr std::align_val_t kAlignment{kBlockAlignment};
  if (data.empty()) return {};
  std::shared_ptr<void> own(
      ::operator new(data.size(), kAlignment),
      [](void* memory) { ::operator delete(memory, kAlignment); });
  std::memcpy(own.get(), data.data(), data.size());
  const auto* const first = static_cast<const T*>(own.get());
  *copy = std::move(own);
  return {first, data.size() / sizeof(T)};
}

template <InPlace T>
bool ReadInPlace(Reader& in, std::span<const T>* items,
                 std::shared_ptr<const void>* copy) {
  std::string_view data;
  std::vector<T> single;  // that another language wrote so
  if (in.NextIsArray()) {
    if (!codec_internal::ReadItems(in, &single)) return false;
    data = codec_internal::AsBytes(single.data(), single.size());
  } else {
    if (!codec_internal::ReadPacked<T>(in, &data)) return false;
    const auto address = reinterpret_cast<std::uintptr_t>(data.data());
    if (address % codec_internal::AlignmentOf<T>(data.size()) == 0) {
      *items = {reinterpret_cast<const T*>(data.data()),
                data.size() / sizeof(T)};
      return true;
    }
  }
  if (!in.Charge(data.size())) return false;
  *items = CopyAligned<T>(data, copy);
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
