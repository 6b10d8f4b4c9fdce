// Writer appends MessagePack to a string: the lower half of the codec.
//
//   std::string bytes;
//   Writer out(&bytes);
//   out.Array(2);
//   out.Str("ray");
//   out.Uint(7);
//
// Every item takes its shortest form, so equal values have equal bytes (but for
// unordered containers). Types are written by WriteValue (base/codec/value.h);
// a class of your own calls that in its MobulaEncode.
// Owner: whoever encodes one value.   Threading: none.
// Invariants: (1) only whole items are appended; (2) the data of a Block starts
// at a multiple of its element's size, counted from where the Writer began.
// Failure: EncodeError where a value is nested deeper than kDepthMax or a
// length is over 2^32 - 1; the string then holds an unfinished value.
#ifndef MOBULA_BASE_CODEC_WRITER_H_
#define MOBULA_BASE_CODEC_WRITER_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mobula::base {

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

static_assert(std::endian::native == std::endian::little,
              "Blocks are little-endian and copied as they are");

class Writer {
 public:
  explicit Writer(std::string* out) : out_(*out), start_(out->size()) {}
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

  // Around everything that can hold another value; WriteValue calls them.
  void Enter() {
    if (++depth_ > kDepthMax) {
      throw EncodeError("a value is nested deeper than 256 levels");
    }
  }
  void Leave() { --depth_; }

 private:
  void Byte(std::uint8_t byte) { out_.push_back(static_cast<char>(byte)); }

  // A tag and the low kBytes bytes of `value`, highest first.
  template <int kBytes>
  void Tagged(std::uint8_t tag, std::uint64_t value) {
    char bytes[kBytes + 1];
    bytes[0] = static_cast<char>(tag);
    for (int i = 0; i < kBytes; ++i) {
      bytes[kBytes - i] = static_cast<char>(value >> (8 * i));
    }
    out_.append(bytes, sizeof(bytes));
  }

  // A length of 16 or 32 bits; throws if it needs more.
  void Length(std::uint8_t tag16, std::size_t length);
  static void CheckLength(std::size_t length) {
    if (length > std::numeric_limits<std::uint32_t>::max()) {
      throw EncodeError("a length is over 2^32 - 1");
    }
  }

  std::string& out_;
  const std::size_t start_;
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
  out_.append(text);
}

inline void Writer::Bin(std::string_view bytes) {
  if (bytes.size() <= 0xff) {
    Tagged<1>(0xc4, bytes.size());
  } else {
    Length(0xc5, bytes.size());
  }
  out_.append(bytes);
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

inline void Writer::Block(ElementKind kind, std::size_t element_bytes,
                          std::string_view data) {
  // ext: tag, length, type; then element kind, padding's length, padding, data.
  const bool is_small = data.size() + 2 + 8 <= 0xff;
  const std::size_t header = (is_small ? 3 : 6) + 2;
  const std::size_t unpadded = out_.size() - start_ + header;
  const std::size_t padding =
      (element_bytes - unpadded % element_bytes) % element_bytes;
  const std::size_t length = 2 + padding + data.size();
  CheckLength(length);
  if (is_small) {
    Tagged<1>(0xc7, length);
  } else {
    Tagged<4>(0xc9, length);
  }
  Byte(kBlockExtension);
  Byte(static_cast<std::uint8_t>(kind));
  Byte(static_cast<std::uint8_t>(padding));
  out_.append(padding, '\0');
  out_.append(data);
}

}  // namespace mobula::base

#endif  // MOBULA_BASE_CODEC_WRITER_H_
