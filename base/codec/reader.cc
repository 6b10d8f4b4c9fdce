#include "base/codec/reader.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace mobula::base {
namespace {

// "a string", for the tag of an item.
const char* Describe(int tag) {
  if (tag < 0) return "the end";
  if (tag < 0x80 || tag >= 0xe0) return "an integer";
  if (tag < 0x90) return "a map";
  if (tag < 0xa0) return "an array";
  if (tag < 0xc0) return "a string";
  switch (tag) {
    case 0xc0:
      return "nil";
    case 0xc1:
      return "no item at all";
    case 0xc2:
    case 0xc3:
      return "a boolean";
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return "bytes";
    case 0xca:
    case 0xcb:
      return "a floating-point number";
    case 0xd9:
    case 0xda:
    case 0xdb:
      return "a string";
    case 0xdc:
    case 0xdd:
      return "an array";
    case 0xde:
    case 0xdf:
      return "a map";
    default:
      return tag >= 0xcc && tag <= 0xd3 ? "an integer" : "an extension";
  }
}

}  // namespace

bool Reader::FailAt(std::size_t offset, std::string_view expected) {
  if (!ok()) return false;
  const int tag =
      offset < bytes_.size() ? static_cast<unsigned char>(bytes_[offset]) : -1;
  error_ = "at byte " + std::to_string(offset) + " of " +
           std::to_string(bytes_.size()) + ": expected " +
           std::string(expected) + ", found " + Describe(tag);
  return false;
}

bool Reader::FailedIn(std::string_view field) {
  if (ok()) return Fail("a value that its type accepts");
  path_ = path_.empty() ? std::string(field) : std::string(field) + "." + path_;
  return false;
}

int Reader::Tag(std::string_view expected) {
  const int tag = NextTag();
  if (tag < 0) {
    Fail(expected);
    return -1;
  }
  ++position_;
  return tag;
}

bool Reader::BigEndian(int byte_count, std::uint64_t* value) {
  std::string_view bytes;
  if (!Take(static_cast<std::size_t>(byte_count), &bytes)) return false;
  *value = 0;
  for (const char c : bytes) {
    *value = *value << 8 | static_cast<unsigned char>(c);
  }
  return true;
}

bool Reader::Take(std::size_t count, std::string_view* bytes) {
  if (!ok()) return false;
  if (count > remaining()) {
    return FailAt(bytes_.size(),
                  std::to_string(count - remaining()) + " more bytes");
  }
  *bytes = bytes_.substr(position_, count);
  position_ += count;
  return true;
}

bool Reader::Nil() {
  if (!NextIsNil()) return Fail("nil");
  ++position_;
  return true;
}

bool Reader::Bool(bool* value) {
  const int tag = NextTag();
  if (tag != 0xc2 && tag != 0xc3) return Fail("a boolean");
  *value = tag == 0xc3;
  ++position_;
  return true;
}

bool Reader::NextIsInteger() const {
  const int tag = NextTag();
  return tag >= 0 &&
         (tag < 0x80 || tag >= 0xe0 || (tag >= 0xcc && tag <= 0xd3));
}

bool Reader::AnyInteger(std::string_view expected, Integer* integer) {
  if (!NextIsInteger()) return Fail(expected);
  const int tag = Tag(expected);
  std::uint64_t bits = static_cast<std::uint64_t>(tag);
  integer->is_negative = tag >= 0xe0;
  if (tag >= 0xe0) {
    bits = static_cast<std::uint64_t>(static_cast<std::int8_t>(tag));
  } else if (tag >= 0x80) {
    const bool is_signed = tag >= 0xd0;
    const int byte_count = 1 << (tag - (is_signed ? 0xd0 : 0xcc));
    if (!BigEndian(byte_count, &bits)) return false;
    if (is_signed) {
      const int unused = 64 - 8 * byte_count;
      const auto value = static_cast<std::int64_t>(bits << unused) >> unused;
      integer->is_negative = value < 0;
      bits = static_cast<std::uint64_t>(value);
    }
  }
  integer->magnitude = integer->is_negative ? ~bits : bits;
  return true;
}

bool Reader::Int(std::int64_t min, std::int64_t max, std::int64_t* value) {
  const std::size_t start = position_;
  Integer integer;
  if (!AnyInteger("an integer", &integer)) return false;
  const std::uint64_t limit = integer.is_negative
                                  ? ~static_cast<std::uint64_t>(min)
                                  : static_cast<std::uint64_t>(max);
  if (integer.magnitude > limit) {
    return FailAt(start, "a number in [" + std::to_string(min) + ", " +
                             std::to_string(max) + "]");
  }
  *value = static_cast<std::int64_t>(integer.is_negative ? ~integer.magnitude
                                                         : integer.magnitude);
  return true;
}

bool Reader::Uint(std::uint64_t max, std::uint64_t* value) {
  const std::size_t start = position_;
  Integer integer;
  if (!AnyInteger("an integer", &integer)) return false;
  if (integer.is_negative || integer.magnitude > max) {
    return FailAt(start, "a number in [0, " + std::to_string(max) + "]");
  }
  *value = integer.magnitude;
  return true;
}

bool Reader::Number(std::string_view expected, double* value) {
  const std::size_t start = position_;
  if (NextIsInteger()) {
    Integer integer;
    if (!AnyInteger(expected, &integer)) return false;
    // Every integer up to 2^53 is exact.
    if (integer.magnitude > std::uint64_t{1} << 53) {
      return FailAt(start, expected);
    }
    const auto magnitude = static_cast<double>(integer.magnitude);
    *value = integer.is_negative ? -1.0 - magnitude : magnitude;
    return true;
  }
  const int tag = NextTag();
  if (tag != 0xca && tag != 0xcb) return Fail(expected);
  ++position_;
  std::uint64_t bits = 0;
  if (!BigEndian(tag == 0xca ? 4 : 8, &bits)) return false;
  *value = tag == 0xca ? static_cast<double>(std::bit_cast<float>(
                             static_cast<std::uint32_t>(bits)))
                       : std::bit_cast<double>(bits);
  return true;
}

bool Reader::Double(double* value) { return Number("a number", value); }

bool Reader::Float(float* value) {
  const std::size_t start = position_;
  // Straight, so that a NaN keeps its bits.
  if (NextTag() == 0xca) {
    ++position_;
    std::uint64_t bits = 0;
    if (!BigEndian(4, &bits)) return false;
    *value = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    return true;
  }
  double number = 0;
  if (!Number("a number", &number)) return false;
  if (std::isfinite(number) &&
      std::abs(number) > std::numeric_limits<float>::max()) {
    return FailAt(start, "a number that fits a float");
  }
  *value = static_cast<float>(number);
  return true;
}

bool Reader::StrOrBin(std::string_view expected, std::string_view* bytes) {
  const int tag = NextTag();
  std::uint64_t length = 0;
  if ((tag & 0xfe0) == 0xa0) {
    ++position_;
    length = static_cast<std::uint64_t>(tag & 31);
  } else if (tag >= 0xd9 && tag <= 0xdb) {
    ++position_;
    if (!BigEndian(1 << (tag - 0xd9), &length)) return false;
  } else if (tag >= 0xc4 && tag <= 0xc6) {
    ++position_;
    if (!BigEndian(1 << (tag - 0xc4), &length)) return false;
  } else {
    return Fail(expected);
  }
  return Take(length, bytes);
}

bool Reader::Str(std::string_view* text) { return StrOrBin("a string", text); }

bool Reader::BytesItem(Bytes* bytes) {
  std::string_view view;
  if (!StrOrBin("bytes", &view)) return false;
  if (owner_ != nullptr) {
    *bytes = owner_->Part(view);
    return true;
  }
  if (!Charge(view.size())) return false;
  *bytes = Bytes::Own(std::string(view));
  return true;
}

bool Reader::Count(std::size_t items_each, int base_tag, int tag16,
                   std::string_view expected, std::size_t* count) {
  const std::size_t start = position_;
  const int tag = NextTag();
  std::uint64_t found = 0;
  if (tag >= 0 && (tag & 0xf0) == base_tag) {
    ++position_;
    found = static_cast<std::uint64_t>(tag & 15);
  } else if (tag == tag16 || tag == tag16 + 1) {
    ++position_;
    if (!BigEndian(tag == tag16 ? 2 : 4, &found)) return false;
  } else {
    return Fail(expected);
  }
  if (found * items_each > remaining()) {
    return FailAt(start, "a count that its bytes can hold");
  }
  *count = found;
  return true;
}

bool Reader::Array(std::size_t* count) {
  return Count(1, 0x90, 0xdc, "an array", count);
}

bool Reader::ArrayOf(std::size_t count) {
  const std::size_t start = position_;
  std::size_t found = 0;
  if (!Array(&found)) return false;
  if (found != count) {
    return FailAt(start, "an array of " + std::to_string(count) + ", not of " +
                             std::to_string(found));
  }
  return true;
}

bool Reader::Map(std::size_t* count) {
  return Count(2, 0x80, 0xde, "a map", count);
}

bool Reader::Block(ElementKind kind, std::size_t element_bytes,
                   std::string_view* data) {
  constexpr std::string_view kExpected = "a block of numbers";
  const std::size_t start = position_;
  const int tag = NextTag();
  if (tag != 0xc7 && tag != 0xc8 && tag != 0xc9) return Fail(kExpected);
  ++position_;
  std::uint64_t length = 0;
  std::string_view type;
  std::string_view body;
  if (!BigEndian(1 << (tag - 0xc7), &length)) return false;
  if (!Take(1, &type) || !Take(length, &body)) return false;
  if (static_cast<std::uint8_t>(type[0]) != kBlockExtension ||
      body.size() < 2) {
    return FailAt(start, kExpected);
  }
  const auto padding = static_cast<unsigned char>(body[1]);
  if (static_cast<std::uint8_t>(body[0]) != static_cast<std::uint8_t>(kind) ||
      body.size() - 2 < padding ||
      (body.size() - 2 - padding) % element_bytes != 0) {
    return FailAt(start, "a block of such numbers");
  }
  *data = body.substr(2 + padding);
  return true;
}

bool Reader::Extent(int tag, std::uint64_t* byte_count,
                    std::uint64_t* item_count) {
  *byte_count = 0;
  *item_count = 0;
  if (tag < 0x80 || tag >= 0xe0 || tag == 0xc0 || tag == 0xc2 || tag == 0xc3) {
    return true;
  }
  if (tag < 0x90) {
    *item_count = 2 * static_cast<std::uint64_t>(tag & 15);
  } else if (tag < 0xa0) {
    *item_count = static_cast<std::uint64_t>(tag & 15);
  } else if (tag < 0xc0) {
    *byte_count = static_cast<std::uint64_t>(tag & 31);
  } else if (tag >= 0xc4 && tag <= 0xc6) {
    return BigEndian(1 << (tag - 0xc4), byte_count);
  } else if (tag >= 0xc7 && tag <= 0xc9) {
    if (!BigEndian(1 << (tag - 0xc7), byte_count)) return false;
    ++*byte_count;
  } else if (tag == 0xca || tag == 0xcb) {
    *byte_count = tag == 0xca ? 4 : 8;
  } else if (tag >= 0xcc && tag <= 0xd3) {
    *byte_count = std::uint64_t{1} << ((tag - 0xcc) % 4);
  } else if (tag >= 0xd4 && tag <= 0xd8) {
    *byte_count = 1 + (std::uint64_t{1} << (tag - 0xd4));
  } else if (tag >= 0xd9 && tag <= 0xdb) {
    return BigEndian(1 << (tag - 0xd9), byte_count);
  } else if (tag == 0xdc || tag == 0xdd) {
    return BigEndian(tag == 0xdc ? 2 : 4, item_count);
  } else if (tag == 0xde || tag == 0xdf) {
    if (!BigEndian(tag == 0xde ? 2 : 4, item_count)) return false;
    *item_count *= 2;
  } else {
    return FailAt(position_ - 1, "an item");
  }
  return true;
}

bool Reader::Skip() {
  // A count of items to come stands in for a stack, so depth costs nothing.
  std::uint64_t left = 1;
  while (left > 0) {
    --left;
    const std::size_t start = position_;
    const int tag = Tag("an item");
    std::uint64_t byte_count = 0;
    std::uint64_t item_count = 0;
    std::string_view passed;
    if (tag < 0 || !Extent(tag, &byte_count, &item_count)) return false;
    if (!Take(byte_count, &passed)) return false;
    left += item_count;
    if (left > remaining()) {
      return FailAt(start, "a count that its bytes can hold");
    }
  }
  return true;
}

bool Reader::End() {
  if (!ok()) return false;
  return remaining() == 0 || Fail("nothing more");
}

}  // namespace mobula::base
