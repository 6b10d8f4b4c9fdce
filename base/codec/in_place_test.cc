#include "base/codec/in_place.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/codec/codec.h"
#include "base/codec/writer.h"
#include "base/ids.h"
#include "base/value.h"

namespace mobula::base {
namespace {

using Words = std::map<std::string, std::vector<double>>;

Words SomeWords() {
  Words words;
  for (int i = 0; i < 30; ++i) {
    words["word " + std::to_string(i)] =
        std::vector<double>(static_cast<std::size_t>(i * i), i);
  }
  return words;
}

// Memory at a multiple of 64 but for `offset`.
class Room {
 public:
  explicit Room(std::size_t size, std::size_t offset = 0)
      : memory_(static_cast<char*>(
            ::operator new(size + offset, std::align_val_t(64)))),
        bytes_(memory_ + offset, size) {
    std::memset(bytes_.data(), '?', bytes_.size());
  }
  ~Room() { ::operator delete(memory_, std::align_val_t(64)); }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  [[nodiscard]] std::span<char> bytes() const { return bytes_; }
  [[nodiscard]] std::string_view view() const {
    return {bytes_.data(), bytes_.size()};
  }

 private:
  char* const memory_;
  const std::span<char> bytes_;
};

template <class T>
std::size_t CountOf(const T& value) {
  Writer count((std::span<char>()));
  WriteValue(count, value);
  return count.size();
}

TEST(WriterTest, WhatIsCountedIsWhatIsWritten) {
  const Words words = SomeWords();
  const std::string bytes = Encode(words);
  EXPECT_EQ(CountOf(words), bytes.size());
  const Room room(bytes.size());
  Writer out(room.bytes());
  WriteValue(out, words);
  EXPECT_TRUE(out.fits());
  EXPECT_EQ(room.view(), bytes);
}

TEST(WriterTest, NothingIsWrittenBesideTheRoom) {
  const Words words = SomeWords();
  const std::string bytes = Encode(words);
  for (std::size_t size = 0; size < bytes.size(); size += 7) {
    const Room room(bytes.size() + 64);
    Writer out(room.bytes().first(size));
    WriteValue(out, words);
    EXPECT_FALSE(out.fits());
    EXPECT_EQ(out.size(), bytes.size());
    ASSERT_EQ(room.view().substr(size),
              std::string(bytes.size() + 64 - size, '?'));
  }
}

TEST(WriterTest, AppendsToWhatAStringHolds) {
  std::string bytes = "abc";
  Writer out(&bytes);
  WriteValue(out, std::vector<double>{1, 2});
  EXPECT_EQ(bytes, "abc" + Encode(std::vector<double>{1, 2}));
  EXPECT_EQ(out.size(), bytes.size() - 3);
}

TEST(WriterTest, CopiesLongDataAsItIsTold) {
  static int copies = 0;
  copies = 0;
  const std::vector<double> numbers(1000, 2.5);
  const Room room(CountOf(numbers));
  Writer out(room.bytes());
  out.SetCopy([](char* to, const char* from, std::size_t count) {
    ++copies;
    std::memcpy(to, from, count);
  });
  WriteValue(out, numbers);
  EXPECT_EQ(copies, 1);
  EXPECT_EQ(room.view(), Encode(numbers));
}

TEST(WriterTest, SpansAreWrittenAsVectors) {
  const std::vector<float> numbers(300, 0.25F);
  EXPECT_EQ(Encode(std::span<const float>(numbers)), Encode(numbers));
  const std::string text(300, 'x');
  EXPECT_EQ(Encode(std::span<const char>(text)),
            Encode(std::vector<char>(text.begin(), text.end())));
}

TEST(WriterTest, DataMayComeLater) {
  const std::vector<std::int32_t> numbers(5000, 7);
  const Room room(CountOf(numbers));
  Writer out(room.bytes());
  WriteHead<std::int32_t>(out, numbers.size());
  const std::span<char> data = room.bytes().subspan(out.size());
  out.Skip(data.size());
  EXPECT_TRUE(out.fits());
  std::memcpy(data.data(), numbers.data(), data.size());
  EXPECT_EQ(room.view(), Encode(numbers));
}

TEST(InPlaceTest, NumbersAreSeenWhereTheyLie) {
  for (const std::size_t count : {0, 1, 20, 1000, 100'000}) {
    const std::vector<double> numbers(count, 1.5);
    const Room room(CountOf(numbers));
    Writer out(room.bytes());
    WriteValue(out, numbers);
    Reader in(room.view());
    std::span<const double> seen;
    std::shared_ptr<const void> copy;
    ASSERT_TRUE(ReadInPlace(in, &seen, &copy)) << in.error();
    EXPECT_EQ(copy, nullptr);
    EXPECT_EQ(seen.size(), count);
    EXPECT_TRUE(std::equal(seen.begin(), seen.end(), numbers.begin()));
    const auto* const first = reinterpret_cast<const char*>(seen.data());
    EXPECT_EQ(first + count * sizeof(double),
              room.bytes().data() + room.bytes().size());
    if (count * sizeof(double) >= kLongBlockBytes) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % kBlockAlignment, 0u);
    }
  }
}

TEST(InPlaceTest, LongDataInsideOfMoreIsAlignedToo) {
  for (std::size_t before = 0; before < 70; ++before) {
    const std::pair<std::string, std::vector<std::int16_t>> value(
        std::string(before, 'x'), std::vector<std::int16_t>(600, 3));
    const std::string bytes = Encode(value);
    EXPECT_EQ((bytes.size() - 1200) % kBlockAlignment, 0u);
  }
}

TEST(InPlaceTest, WhatIsNotAlignedIsCopied) {
  const std::vector<double> numbers(50, 1.5);
  const Room room(CountOf(numbers), 4);
  Writer out(room.bytes());
  WriteValue(out, numbers);
  Reader in(room.view());
  std::span<const double> seen;
  std::shared_ptr<const void> copy;
  ASSERT_TRUE(ReadInPlace(in, &seen, &copy));
  EXPECT_NE(copy, nullptr);
  EXPECT_TRUE(std::equal(seen.begin(), seen.end(), numbers.begin()));
}

TEST(InPlaceTest, WhatIsLongIsAlignedWhereverItLay) {
  for (const std::size_t offset : {0, 8, 32}) {
    const std::vector<double> numbers(500, 1.5);
    const Room room(CountOf(numbers), offset);
    Writer out(room.bytes());
    WriteValue(out, numbers);
    Reader in(room.view());
    std::span<const double> seen;
    std::shared_ptr<const void> copy;
    ASSERT_TRUE(ReadInPlace(in, &seen, &copy));
    EXPECT_EQ(copy != nullptr, offset != 0);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(seen.data()) % 64, 0u);
    EXPECT_TRUE(std::equal(seen.begin(), seen.end(), numbers.begin()));
  }
}

TEST(InPlaceTest, NumbersOfOtherLanguagesAreCopied) {
  Reader in("\x93\x01\xff\xcd\x12\x34");
  std::span<const int> seen;
  std::shared_ptr<const void> copy;
  ASSERT_TRUE(ReadInPlace(in, &seen, &copy));
  EXPECT_EQ(std::vector<int>(seen.begin(), seen.end()),
            (std::vector<int>{1, -1, 0x1234}));
  EXPECT_NE(copy, nullptr);
}

TEST(InPlaceTest, TextAndBytesNeedNoAlignment) {
  const std::string text(2000, 'x');
  const std::string bytes = Encode(text);
  Reader in(bytes);
  std::string_view seen;
  ASSERT_TRUE(ReadInPlace(in, &seen));
  EXPECT_EQ(seen, text);
  EXPECT_EQ(seen.end(), bytes.data() + bytes.size());
  Reader again(bytes);
  std::span<const std::byte> raw;
  std::shared_ptr<const void> copy;
  ASSERT_TRUE(ReadInPlace(again, &raw, &copy));
  EXPECT_EQ(raw.size(), text.size());
  EXPECT_EQ(copy, nullptr);
}

TEST(InPlaceTest, OtherNumbersAreRefused) {
  const std::string bytes = Encode(std::vector<float>(10, 1));
  Reader in(bytes);
  std::span<const int> seen;
  std::shared_ptr<const void> copy;
  EXPECT_FALSE(ReadInPlace(in, &seen, &copy));
  EXPECT_FALSE(in.ok());
}

// ---- refs inside ------------------------------------------------------------

// Travels as its index among the value's refs.
struct Mention {
  ObjectName name;

  void MobulaEncode(Writer& out) const {
    ASSERT_NE(out.refs(), nullptr);
    out.Uint(out.refs()->Add(name, nullptr));
  }
  bool MobulaDecode(Reader& in) {
    std::uint64_t index = 0;
    if (in.refs() == nullptr || in.refs()->empty()) return false;
    if (!in.Uint(in.refs()->size() - 1, &index)) return false;
    name = (*in.refs())[index];
    return true;
  }
  friend bool operator==(const Mention&, const Mention&) = default;
};

class Gathered : public RefSink {
 public:
  std::size_t Add(const ObjectName& ref, std::shared_ptr<const void>) override {
    refs.push_back(ref);
    return refs.size() - 1;
  }
  std::vector<ObjectName> refs;
};

TEST(RefsInsideTest, AreGatheredAndFoundAgain) {
  std::map<std::string, std::vector<Mention>> value;
  for (std::uint64_t i = 1; i < 5; ++i) {
    value[std::to_string(i)] = {
        Mention{{ObjectId{i, 1}, ProcessId{7, 7}}},
        Mention{{ObjectId{i, 2}, ProcessId{8, 8}}},
    };
  }
  std::string bytes;
  Gathered gathered;
  Writer out(&bytes, &gathered);
  WriteValue(out, value);
  EXPECT_EQ(gathered.refs.size(), 8u);

  std::map<std::string, std::vector<Mention>> read;
  Reader in(bytes, nullptr, ReadLimits(), &gathered.refs);
  ASSERT_TRUE(ReadValue(in, &read)) << in.error();
  EXPECT_EQ(read, value);
  gathered.refs.pop_back();
  Reader fewer(bytes, nullptr, ReadLimits(), &gathered.refs);
  EXPECT_FALSE(ReadValue(fewer, &read));
  Reader none(bytes);
  EXPECT_FALSE(ReadValue(none, &read));
}

}  // namespace
}  // namespace mobula::base
