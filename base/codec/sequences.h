// Codecs of what holds many of one type: vectors, arrays, lists, sets and maps.
//
// A vector or array of numbers is one aligned block, a vector of bytes one bin;
// when decoding, a plain array of numbers will do for both, since that is what
// other languages write. Everything else is an array or a map.
// Threading: none.
// Failure: a key that comes twice is refused where the container holds it once.
#ifndef MOBULA_BASE_CODEC_SEQUENCES_H_
#define MOBULA_BASE_CODEC_SEQUENCES_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <list>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/codec/scalars.h"
#include "base/codec/value.h"

namespace mobula::base {
namespace codec_internal {

// A list, set or map takes about this much beside each element.
inline constexpr std::size_t kNodeBytes = 32;
// A count that was read is believed up to this much memory at once.
inline constexpr std::size_t kReservedBytesMax = 1 << 20;

template <class T>
concept Byte = std::same_as<T, std::byte> || std::same_as<T, char> ||
               std::same_as<T, unsigned char>;

// Numbers that lie in a block as they lie in memory.
template <class T>
concept Packed = (Integer<T> || Floating<T>) && !Byte<T>;

template <Packed T>
consteval ElementKind KindOf() {
  if constexpr (std::same_as<T, float>) {
    return ElementKind::kFloat;
  } else if constexpr (std::same_as<T, double>) {
    return ElementKind::kDouble;
  } else {
    constexpr int kLog2 = sizeof(T) == 1   ? 0
                          : sizeof(T) == 2 ? 1
                          : sizeof(T) == 4 ? 2
                                           : 3;
    return static_cast<ElementKind>(1 + 2 * kLog2 +
                                    (std::is_unsigned_v<T> ? 1 : 0));
  }
}

template <class T>
std::string_view AsBytes(const T* data, std::size_t count) {
  return count == 0 ? std::string_view()
                    : std::string_view(reinterpret_cast<const char*>(data),
                                       count * sizeof(T));
}

template <class T>
void WritePacked(Writer& out, const T* data, std::size_t count) {
  if constexpr (Byte<T>) {
    out.Bin(AsBytes(data, count));
  } else {
    out.Block(KindOf<T>(), sizeof(T), AsBytes(data, count));
  }
}

// The memory of `count` numbers, whole elements of T.
template <class T>
bool ReadPacked(Reader& in, std::string_view* data) {
  if constexpr (Byte<T>) {
    return in.Str(data);
  } else {
    return in.Block(KindOf<T>(), sizeof(T), data);
  }
}

template <class Container>
void WriteItems(Writer& out, const Container& items) {
  out.Array(items.size());
  for (const auto& item : items) WriteValue(out, item);
}

// Fixed-size storage: std::array and C arrays.
template <class T>
void WriteFixed(Writer& out, const T* items, std::size_t size) {
  if constexpr (Packed<T> || Byte<T>) {
    WritePacked(out, items, size);
  } else {
    out.Array(size);
    for (std::size_t i = 0; i < size; ++i) WriteValue(out, items[i]);
  }
}

template <class T>
bool ReadFixed(Reader& in, T* items, std::size_t size) {
  if constexpr (Packed<T> || Byte<T>) {
    if (!in.NextIsArray()) {
      std::string_view data;
      if (!ReadPacked<T>(in, &data)) return false;
      if (data.size() != size * sizeof(T)) {
        return in.Fail("before this, as many numbers as the array holds");
      }
      if (size > 0) std::memcpy(items, data.data(), data.size());
      return true;
    }
  }
  if (!in.ArrayOf(size)) return false;
  for (std::size_t i = 0; i < size; ++i) {
    if (!ReadValue(in, &items[i])) return false;
  }
  return true;
}

// std::deque, std::list and vectors whose elements are not packed.
template <class Container>
bool ReadItems(Reader& in, Container* items) {
  using T = typename Container::value_type;
  std::size_t count = 0;
  if (!in.Array(&count)) return false;
  items->clear();
  if constexpr (requires { items->reserve(count); }) {
    items->reserve(std::min(
        count, std::max<std::size_t>(1, kReservedBytesMax / sizeof(T))));
  }
  for (std::size_t i = 0; i < count; ++i) {
    T item{};
    if (!in.Charge(sizeof(T)) || !ReadValue(in, &item)) return false;
    items->push_back(std::move(item));
  }
  return true;
}

template <class Set>
bool ReadSet(Reader& in, Set* set) {
  using T = typename Set::value_type;
  std::size_t count = 0;
  if (!in.Array(&count)) return false;
  set->clear();
  for (std::size_t i = 0; i < count; ++i) {
    T item{};
    if (!in.Charge(sizeof(T) + kNodeBytes) || !ReadValue(in, &item)) {
      return false;
    }
    set->insert(set->end(), std::move(item));
    if (set->size() <= i) return in.Fail("before this, no element twice");
  }
  return true;
}

template <class Map>
void WriteMap(Writer& out, const Map& map) {
  out.Map(map.size());
  for (const auto& [key, value] : map) {
    WriteValue(out, key);
    WriteValue(out, value);
  }
}

template <class Map>
bool ReadMap(Reader& in, Map* map) {
  using Key = typename Map::key_type;
  using Value = typename Map::mapped_type;
  std::size_t count = 0;
  if (!in.Map(&count)) return false;
  map->clear();
  for (std::size_t i = 0; i < count; ++i) {
    Key key{};
    Value value{};
    if (!in.Charge(sizeof(typename Map::value_type) + kNodeBytes) ||
        !ReadValue(in, &key) || !ReadValue(in, &value)) {
      return false;
    }
    map->emplace_hint(map->end(), std::move(key), std::move(value));
    if (map->size() <= i) return in.Fail("before this, no key twice");
  }
  return true;
}

template <class Container>
struct ListCodec {
  using Parts = TypeList<typename Container::value_type>;
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, const Container& items) {
    WriteItems(out, items);
  }
  static bool Read(Reader& in, Container* items) {
    return ReadItems(in, items);
  }
};

template <class Set>
struct SetCodec {
  using Parts = TypeList<typename Set::key_type>;
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, const Set& set) { WriteItems(out, set); }
  static bool Read(Reader& in, Set* set) { return ReadSet(in, set); }
};

template <class Map>
struct MapCodec {
  using Parts = TypeList<typename Map::key_type, typename Map::mapped_type>;
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, const Map& map) { WriteMap(out, map); }
  static bool Read(Reader& in, Map* map) { return ReadMap(in, map); }
};

}  // namespace codec_internal

template <class T, class A>
struct Codec<std::vector<T, A>> : codec_internal::ListCodec<std::vector<T, A>> {
};

template <class T, class A>
  requires(codec_internal::Packed<T> || codec_internal::Byte<T>)
struct Codec<std::vector<T, A>> {
  using Parts = TypeList<T>;
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, const std::vector<T, A>& items) {
    codec_internal::WritePacked(out, items.data(), items.size());
  }
  static bool Read(Reader& in, std::vector<T, A>* items) {
    if (in.NextIsArray()) return codec_internal::ReadItems(in, items);
    std::string_view data;
    if (!codec_internal::ReadPacked<T>(in, &data) || !in.Charge(data.size())) {
      return false;
    }
    items->resize(data.size() / sizeof(T));
    if (!data.empty()) std::memcpy(items->data(), data.data(), data.size());
    return true;
  }
};

// Encode only, as the vector of the same elements.
template <class T, std::size_t kSize>
  requires(codec_internal::Packed<std::remove_const_t<T>> ||
           codec_internal::Byte<std::remove_const_t<T>>)
struct Codec<std::span<T, kSize>> {
  using Parts = TypeList<std::remove_const_t<T>>;
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, const std::span<T, kSize>& items) {
    codec_internal::WritePacked<std::remove_const_t<T>>(out, items.data(),
                                                        items.size());
  }
};

template <class T, class A>
struct Codec<std::deque<T, A>> : codec_internal::ListCodec<std::deque<T, A>> {};

template <class T, class A>
struct Codec<std::list<T, A>> : codec_internal::ListCodec<std::list<T, A>> {};

template <class T, std::size_t kSize>
struct Codec<std::array<T, kSize>> {
  using Parts = TypeList<T>;
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, const std::array<T, kSize>& items) {
    codec_internal::WriteFixed(out, items.data(), kSize);
  }
  static bool Read(Reader& in, std::array<T, kSize>* items) {
    return codec_internal::ReadFixed(in, items->data(), kSize);
  }
};

// Reached through MOBULA_FIELDS only: an aggregate that holds a C array is not
// taken apart (base/codec/aggregate.h).
template <class T, std::size_t kSize>
struct Codec<T[kSize]> {
  using Parts = TypeList<T>;
  static constexpr bool kMayBeNil = false;
  static void Write(Writer& out, const T (&items)[kSize]) {
    codec_internal::WriteFixed(out, items, kSize);
  }
  static bool Read(Reader& in, T (*items)[kSize]) {
    return codec_internal::ReadFixed(in, *items, kSize);
  }
};

template <class T, class C, class A>
struct Codec<std::set<T, C, A>> : codec_internal::SetCodec<std::set<T, C, A>> {
};

template <class T, class C, class A>
struct Codec<std::multiset<T, C, A>>
    : codec_internal::SetCodec<std::multiset<T, C, A>> {};

template <class T, class H, class E, class A>
struct Codec<std::unordered_set<T, H, E, A>>
    : codec_internal::SetCodec<std::unordered_set<T, H, E, A>> {};

template <class K, class V, class C, class A>
struct Codec<std::map<K, V, C, A>>
    : codec_internal::MapCodec<std::map<K, V, C, A>> {};

template <class K, class V, class C, class A>
struct Codec<std::multimap<K, V, C, A>>
    : codec_internal::MapCodec<std::multimap<K, V, C, A>> {};

template <class K, class V, class H, class E, class A>
struct Codec<std::unordered_map<K, V, H, E, A>>
    : codec_internal::MapCodec<std::unordered_map<K, V, H, E, A>> {};

}  // namespace mobula::base

#endif  // MOBULA_BASE_CODEC_SEQUENCES_H_
