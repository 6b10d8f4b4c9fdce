// Value is what a ref comes to hold, as it travels: the encoded bytes, or where
// in the node's store they lie, and the refs that are inside.
//
//   Value small = Bytes::Own(encoded);            // inline
//   Value large = Value::Stored(name, extent);    // bytes in shared memory
//
// An inline value without refs is encoded as its bytes alone.
// Threading: a value; what it shares never changes.
#ifndef MOBULA_BASE_VALUE_H_
#define MOBULA_BASE_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"

namespace mobula::base {

class Reader;
class Writer;

// Longer values lie in the node's store, where there is one.
inline constexpr std::size_t kInlineBytesMax = 4096;

// An object, and the process that decides over it.
struct ObjectName {
  ObjectId object;
  ProcessId owner;

  friend bool operator==(const ObjectName&, const ObjectName&) = default;
};

// Where the bytes of a value lie in its node's store. `generation` grows each
// time that the place is used anew: a stale extent is known by it.
struct Extent {
  ArenaId arena;                 // nil: nowhere
  std::uint64_t offset = 0;      // of the first byte, from the arena's start
  std::uint64_t byte_count = 0;  // of the value
  std::uint32_t generation = 0;

  friend bool operator==(const Extent&, const Extent&) = default;
};

class Value {
 public:
  Value() = default;
  Value(Bytes bytes) : bytes_(std::move(bytes)) {}  // NOLINT: is one
  Value(Bytes bytes, std::vector<ObjectName> refs)
      : bytes_(std::move(bytes)), refs_(std::move(refs)) {}
  // `name` is the object whose bytes these are; its owner says when the extent
  // is free.
  static Value Stored(const ObjectName& name, const Extent& extent,
                      std::vector<ObjectName> refs = {}) {
    Value value;
    value.name_ = name;
    value.extent_ = extent;
    value.refs_ = std::move(refs);
    return value;
  }

  // The same, with the bytes as this process maps them; they do not travel.
  [[nodiscard]] Value WithBytes(Bytes bytes) const {
    Value value = *this;
    value.bytes_ = std::move(bytes);
    return value;
  }

  [[nodiscard]] bool is_stored() const { return !extent_.arena.IsNil(); }
  // The encoding; where it is stored, empty until it is mapped.
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] std::string_view view() const { return bytes_.view(); }
  // Of the encoding, wherever it lies.
  [[nodiscard]] std::uint64_t size() const {
    return is_stored() ? extent_.byte_count : bytes_.size();
  }
  // Nil unless it is stored.
  [[nodiscard]] const ObjectName& name() const { return name_; }
  [[nodiscard]] const Extent& extent() const { return extent_; }
  // The refs inside, which the encoding mentions by their index.
  [[nodiscard]] const std::vector<ObjectName>& refs() const { return refs_; }

  friend bool operator==(const Value&, const Value&) = default;

  void MobulaEncode(Writer& out) const;
  bool MobulaDecode(Reader& in);

 private:
  Bytes bytes_;
  ObjectName name_;
  Extent extent_;
  std::vector<ObjectName> refs_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_VALUE_H_
