// Writer puts a value down as MessagePack: the lower half of the codec.
//
//   std::string bytes;
//   Writer out(&bytes);                    // appends
//   out.Array(2);
//   out.Str("ray");
//   out.Uint(7);
//
//   Writer count(std::span<char>{});       // counts only
//   WriteValue(count, matrix);
//   std::span<char> room = Room(count.size());
//   Writer out(room);                      // writes in place
//   WriteValue(out, matrix);
//
// Every item takes its shortest form, so equal values have equal bytes (but for
// unordered containers). Counting costs nothing for strings and for vectors of
// numbers, however long. Types are written by WriteValue (base/codec/value.h);
// a class of your own calls that in its MobulaEncode.
// Owner: whoever encodes one value.   Threading: none.
// Invariants: (1) only whole items are appended; (2) the data of a Block starts
// at a multiple of its element's size, and a long one's at a multiple of 64,
// counted from where the Writer began; (3) a span gets all or, where it is too
// short, nothing that can be relied on, and fits() says so.
// Failure: EncodeError where a value is nested deeper than kDepthMax or a
// length is over 2^32 - 1; a string then holds an unfinished value.
#ifndef MOBULA_BASE_CODEC_WRITER_H_
#define MOBULA_BASE_CODEC_WRITER_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mobula::base {

struct ObjectName;

// A value that cannot be encoded, though its type can.
class EncodeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The elements of a Block; the numbers are part of the format.
enum class ElementKind : std::uint8_t {
  kInt8 = 1,
  kUint8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kUint64,
  kFloat,
  kDouble,
};

// MessagePack's extension type of a Block.
inline constexpr std::uint8_t kBlockExtension = 1;

// Values nest at most this deep, in both directions.
inline constexpr int kDepthMax = 256;

// The data of a Block from this size on is aligned to kBlockAlignment.
inline constexpr std::size_t kLongBlockBytes = 1024;
inline constexpr std::size_t kBlockAlignment = 64;

static_assert(std::endian::native == std::endian::little,
              "Blocks are little-endian and copied as they are");

// Gathers the refs that a value mentions while it is encoded.
class RefSink {
 public:
  // The index by which the encoding mentions it. `holder` keeps it.
  virtual std::size_t Add(const ObjectName& ref,
                          std::shared_ptr<const void> holder) = 0;

 protected:
  ~RefSink() = default;
};

class Writer {
 public:
  // Copies as memcpy does, perhaps past the caches.
  using CopyFn = void (*)(char* to, const char* from, std::size_t count);

  // Appends. Without `refs` the value cannot have refs inside.
  explicit Writer(std::string* out, RefSink* refs = nullptr)
      : string_(out), refs_(refs) {}
  // Writes to `room` from its beginning; what does not fit is only counted.
  explicit Writer(std::span<char> room, RefSink* refs = nullptr)
      : room_(room), refs_(refs) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void Nil() { Byte(0xc0); }
  void Bool(bool value) { Byte(value ? 0xc3 : 0xc2); }
  void Uint(std::uint64_t value);
  void Int(std::int64_t value);
  void Float(float value) {
    Tagged<4>(0xca, std::bit_cast<std::uint32_t>(value));
  }
  void Double(double value) {
    Tagged<8>(0xcb, std::bit_cast<std::uint64_t>(value));
  }
  void Str(std::string_view text);
  void Bin(std::string_view bytes);
  // The `count` items that follow belong to it.
  void Array(std::size_t count);
  // The 2 * `count` items that follow, key by key, belong to it.
  void Map(std::size_t count);
  // `data` holds whole elements of `element_bytes` each.
  void Block(ElementKind kind, std::size_t element_bytes,
             std::string_view data);
  // What precedes the data of a Block, and of a Bin; `byte_count` bytes of data
  // must follow, by Skip where they come later.
  void BlockHead(ElementKind kind, std::size_t element_bytes,
                 std::size_t byte_count);
  void BinHead(std::size_t byte_count);
  // Leaves bytes out; of a span only.
  void Skip(std::size_t byte_count) { size_ += byte_count; }

  // How `room` is filled with long data; memcpy otherwise.
  void SetCopy(CopyFn copy) { copy_ = copy; }

  // Bytes since it began, those that did not fit too.
  [[nodiscard]] std::size_t size() const { return size_; }
  // Whether all of them are where they belong.
  [[nodiscard]] bool fits() const {
    return string_ != nullptr || size_ <= room_.size();
  }
  // Null where there can be none.
  [[nodiscard]] RefSink* refs() const { return refs_; }

  // Around everything that can hold another value; WriteValue calls them.
  void Enter() {
    if (++depth_ > kDepthMax) {
      throw EncodeError("a value is nested deeper than 256 levels");
    }
  }
  void Leave() { --depth_; }

 private:
  void Byte(std::uint8_t byte) {
    if (string_ != nullptr) {
      string_->push_back(static_cast<char>(byte));
    } else if (size_ < room_.size()) {
      room_[size_] = static_cast<char>(byte);
    }
    ++size_;
  }

  void Append(std::string_view bytes) {
    if (string_ != nullptr) {
      string_->append(bytes);
    } else if (size_ <= room_.size() && bytes.size() <= room_.size() - size_ &&
               !bytes.empty()) {
      if (copy_ != nullptr && bytes.size() >= kLongBlockBytes) {
        copy_(room_.data() + size_, bytes.data(), bytes.size());
      } else {
        std::memcpy(room_.data() + size_, bytes.data(), bytes.size());
      }
    }
    size_ += bytes.size();
  }

  // A tag and the low kBytes bytes of `value`, highest first.
  template <int kBytes>
  void Tagged(std::uint8_t tag, std::uint64_t value) {
    char bytes[kBytes + 1];
    bytes[0] = static_cast<char>(tag);
    for (int i = 0; i < kBytes; ++i) {
      bytes[kBytes - i] = static_cast<char>(value >> (8 * i));
    }
    Append(std::string_view(bytes, sizeof(bytes)));
  }

  // A length of 16 or 32 bits; throws if it needs more.
  void Length(std::uint8_t tag16, std::size_t length);
  static void CheckLength(std::size_t length) {
    if (length > std::numeric_limits<std::uint32_t>::max()) {
      throw EncodeError("a length is over 2^32 - 1");
    }
  }

  std::string* const string_ = nullptr;  // else room_
  const std::span<char> room_;
  RefSink* const refs_;
  CopyFn copy_ = nullptr;
  std::size_t size_ = 0;
  int depth_ = 0;
};

inline void Writer::Uint(std::uint64_t value) {
  if (value < 0x80) {
    Byte(static_cast<std::uint8_t>(value));
  } else if (value <= 0xff) {
    Tagged<1>(0xcc, value);
  } else if (value <= 0xffff) {
    Tagged<2>(0xcd, value);
  } else if (value <= 0xffffffff) {
    Tagged<4>(0xce, value);
  } else {
    Tagged<8>(0xcf, value);
  }
}

inline void Writer::Int(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  if (value >= 0) {
    Uint(bits);
  } else if (value >= -32) {
    Byte(static_cast<std::uint8_t>(bits));
  } else if (value >= std::numeric_limits<std::int8_t>::min()) {
    Tagged<1>(0xd0, bits);
  } else if (value >= std::numeric_limits<std::int16_t>::min()) {
    Tagged<2>(0xd1, bits);
  } else if (value >= std::numeric_limits<std::int32_t>::min()) {
    Tagged<4>(0xd2, bits);
  } else {
    Tagged<8>(0xd3, bits);
  }
}

inline void Writer::Length(std::uint8_t tag16, std::size_t length) {
  CheckLength(length);
  if (length <= 0xffff) {
    Tagged<2>(tag16, length);
  } else {
    Tagged<4>(tag16 + 1, length);
  }
}

inline void Writer::Str(std::string_view text) {
  if (text.size() < 32) {
    Byte(static_cast<std::uint8_t>(0xa0 | text.size()));
  } else if (text.size() <= 0xff) {
    Tagged<1>(0xd9, text.size());
  } else {
    Length(0xda, text.size());
  }
  Append(text);
}

inline void Writer::BinHead(std::size_t byte_count) {
  if (byte_count <= 0xff) {
    Tagged<1>(0xc4, byte_count);
  } else {
    Length(0xc5, byte_count);
  }
}

inline void Writer::Bin(std::string_view bytes) {
  BinHead(bytes.size());
  Append(bytes);
}

inline void Writer::Array(std::size_t count) {
  if (count < 16) {
    Byte(static_cast<std::uint8_t>(0x90 | count));
  } else {
    Length(0xdc, count);
  }
}

inline void Writer::Map(std::size_t count) {
  if (count < 16) {
    Byte(static_cast<std::uint8_t>(0x80 | count));
  } else {
    Length(0xde, count);
  }
}

inline void Writer::BlockHead(ElementKind kind, std::size_t element_bytes,
                              std::size_t byte_count) {
  // ext: tag, length, type; then element kind, padding's length, padding, data.
  const bool is_small = byte_count + 2 + 8 <= 0xff;
  const std::size_t alignment =
      byte_count < kLongBlockBytes ? element_bytes : kBlockAlignment;
  const std::size_t unpadded = size_ + (is_small ? 3 : 6) + 2;
  const std::size_t padding = (alignment - unpadded % alignment) % alignment;
  const std::size_t length = 2 + padding + byte_count;
  CheckLength(length);
  if (is_small) {
    Tagged<1>(0xc7, length);
  } else {
    Tagged<4>(0xc9, length);
  }
  Byte(kBlockExtension);
  Byte(static_cast<std::uint8_t>(kind));
  Byte(static_cast<std::uint8_t>(padding));
  static constexpr char kZeros[kBlockAlignment] = {};
  Append(std::string_view(kZeros, padding));
}

inline void Writer::Block(ElementKind kind, std::size_t element_bytes,
                          std::string_view data) {
  BlockHead(kind, element_bytes, data.size());
  Append(data);
}

}  // namespace mobula::base

#endif  // MOBULA_BASE_CODEC_WRITER_H_
