// Reader takes MessagePack apart, item by item, and believes nothing: the lower
// half of the codec.
//
//   Reader in(bytes);
//   std::size_t count = 0;
//   std::string_view name;
//   if (!in.Array(&count) || count != 1 || !in.Str(&name)) return in.error();
//
// Each method reads one item and returns false at the first that is not what
// was asked for; from then on every method returns false. error() then says at
// which byte, what was expected and what stood there. Types are read by
// ReadValue (base/codec/value.h); a class of your own calls that in its
// MobulaDecode.
// Owner: whoever decodes one value.   Threading: none.
// Invariants: (1) nothing outside the view is read; (2) a count of items is
// never larger than the bytes that are left, and memory is charged before it
// is taken; (3) views handed out point into the bytes given.
// Failure: false and error(); never an exception but for lack of memory.
#ifndef MOBULA_BASE_CODEC_READER_H_
#define MOBULA_BASE_CODEC_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/codec/writer.h"

namespace mobula::base {

struct ObjectName;

// Bounds on what one value may cost its reader.
struct ReadLimits {
  int depth_max = kDepthMax;
  // Of the containers that come to be, elements and overhead. A few bytes can
  // stand for a large struct, so the input's size alone bounds nothing.
  std::size_t memory_bytes_max = std::size_t{8} << 30;

  // For a message or record of `size` bytes, whose containers take more than
  // it is long: a log line of one byte becomes a string of 32.
  static ReadLimits ForMessage(std::size_t size) {
    ReadLimits limits;
    limits.memory_bytes_max = (std::size_t{64} << 10) + 64 * size;
    return limits;
  }
};

class Reader {
 public:
  // `owner`, if given, holds `bytes` and outlives the reader: BytesItem then
  // shares it instead of copying. `refs`: of the value, which mentions them by
  // their index; without them it cannot have refs inside.
  explicit Reader(std::string_view bytes, const Bytes* owner = nullptr,
                  ReadLimits limits = ReadLimits(),
                  const std::vector<ObjectName>* refs = nullptr)
      : bytes_(bytes), owner_(owner), refs_(refs), limits_(limits) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool Nil();
  bool Bool(bool* value);
  // Any integer form whose value lies in [min, max].
  bool Int(std::int64_t min, std::int64_t max, std::int64_t* value);
  bool Uint(std::uint64_t max, std::uint64_t* value);
  // Any number that a float or double holds; integers only if exact.
  bool Float(float* value);
  bool Double(double* value);
  // str or bin: C++ strings hold any bytes.
  bool Str(std::string_view* text);
  bool BytesItem(Bytes* bytes);
  bool Array(std::size_t* count);
  // An array of exactly this many items.
  bool ArrayOf(std::size_t count);
  bool Map(std::size_t* count);
  // The data of a block of such elements.
  bool Block(ElementKind kind, std::size_t element_bytes,
             std::string_view* data);
  // Passes over one whole item.
  bool Skip();

  // What comes next, without reading it; false also at the end.
  [[nodiscard]] bool NextIsNil() const { return NextTag() == 0xc0; }
  [[nodiscard]] bool NextIsArray() const {
    const int tag = NextTag();
    return (tag & 0xff0) == 0x90 || tag == 0xdc || tag == 0xdd;
  }

  // Around everything that can hold another value; ReadValue calls them.
  bool Enter() {
    if (depth_ >= limits_.depth_max) return Fail("less deeply nested values");
    ++depth_;
    return true;
  }
  void Leave() { --depth_; }
  // Counts memory about to be taken.
  bool Charge(std::size_t memory_bytes) {
    if (memory_bytes > limits_.memory_bytes_max - memory_bytes_) {
      return Fail("a value within the memory limit");
    }
    memory_bytes_ += memory_bytes;
    return true;
  }
  // There must be nothing left.
  bool End();

  // Null where there can be none.
  [[nodiscard]] const std::vector<ObjectName>* refs() const { return refs_; }

  // Records the first failure, at the next item; always false. `expected`
  // completes "expected ...".
  bool Fail(std::string_view expected) { return FailAt(position_, expected); }

  // After a failure: it was in the field of that name. Of fields within one
  // another the innermost is named first. Always false.
  bool FailedIn(std::string_view field);

  [[nodiscard]] bool ok() const { return error_.empty(); }
  // "at byte 9 of 12: expected an integer, found a string, in field a.b"
  [[nodiscard]] std::string error() const {
    return path_.empty() ? error_ : error_ + ", in field " + path_;
  }
  [[nodiscard]] std::size_t offset() const { return position_; }
  [[nodiscard]] std::size_t remaining() const {
    return bytes_.size() - position_;
  }

 private:
  // An integer of either sign: value, or -1 - value where negative.
  struct Integer {
    bool is_negative = false;
    std::uint64_t magnitude = 0;
  };

  [[nodiscard]] int NextTag() const {
    return ok() && position_ < bytes_.size()
               ? static_cast<unsigned char>(bytes_[position_])
               : -1;
  }
  bool FailAt(std::size_t offset, std::string_view expected);
  // Reads the tag; -1 and a failure at the end.
  int Tag(std::string_view expected);
  bool BigEndian(int byte_count, std::uint64_t* value);
  bool Take(std::size_t count, std::string_view* bytes);
  // Whether the next item is an integer, without failing otherwise.
  [[nodiscard]] bool NextIsInteger() const;
  bool AnyInteger(std::string_view expected, Integer* integer);
  bool Number(std::string_view expected, double* value);
  bool StrOrBin(std::string_view expected, std::string_view* bytes);
  bool Count(std::size_t items_each, int base_tag, int tag16,
             std::string_view expected, std::size_t* count);
  // The bytes after the tag that are not items, and the number of items that
  // follow; false where the tag is no tag.
  bool Extent(int tag, std::uint64_t* byte_count, std::uint64_t* item_count);

  const std::string_view bytes_;
  const Bytes* const owner_;
  const std::vector<ObjectName>* const refs_;
  const ReadLimits limits_;
  std::size_t position_ = 0;
  std::size_t memory_bytes_ = 0;
  int depth_ = 0;
  std::string error_;
  std::string path_;  // of names, where it failed
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_CODEC_READER_H_
