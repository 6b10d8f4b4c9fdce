#include "base/codec/reader.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "base/codec/writer.h"

namespace mobula::base {
namespace {

using std::string_view_literals::operator""sv;

TEST(ReaderTest, ReadsEveryIntegerForm) {
  struct Case {
    std::string_view bytes;
    std::int64_t value;
  };
  const Case cases[] = {
      {"\x00"sv, 0},
      {"\x7f"sv, 127},
      {"\xe0"sv, -32},
      {"\xff"sv, -1},
      {"\xcc\x01"sv, 1},
      {"\xcd\x00\x01"sv, 1},
      {"\xce\x00\x00\x00\x01"sv, 1},
      {"\xcf\x00\x00\x00\x00\x00\x00\x00\x01"sv, 1},
      {"\xd0\x01"sv, 1},
      {"\xd0\xff"sv, -1},
      {"\xd1\xff\xfe"sv, -2},
      {"\xd2\xff\xff\xff\xfd"sv, -3},
      {"\xd3\xff\xff\xff\xff\xff\xff\xff\xfc"sv, -4},
      {"\xd3\x80\x00\x00\x00\x00\x00\x00\x00"sv,
       std::numeric_limits<std::int64_t>::min()},
  };
  for (const Case& each : cases) {
    Reader in(each.bytes);
    std::int64_t value = 99;
    ASSERT_TRUE(in.Int(std::numeric_limits<std::int64_t>::min(),
                       std::numeric_limits<std::int64_t>::max(), &value))
        << in.error();
    EXPECT_EQ(value, each.value);
    EXPECT_TRUE(in.End());
  }
}

TEST(ReaderTest, RangesAreExact) {
  const auto fits = [](std::int64_t number, std::int64_t min,
                       std::int64_t max) {
    std::string bytes;
    Writer(&bytes).Int(number);
    Reader in(bytes);
    std::int64_t value = 0;
    return in.Int(min, max, &value);
  };
  EXPECT_TRUE(fits(-128, -128, 127));
  EXPECT_TRUE(fits(127, -128, 127));
  EXPECT_FALSE(fits(-129, -128, 127));
  EXPECT_FALSE(fits(128, -128, 127));
  Reader in("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"sv);
  std::int64_t value = 0;
  EXPECT_FALSE(in.Int(-1, std::numeric_limits<std::int64_t>::max(), &value));
}

TEST(ReaderTest, NothingIsReadAfterTheFirstFailure) {
  Reader in("\x01\xc0"sv);
  EXPECT_FALSE(in.Nil());
  EXPECT_EQ(in.offset(), 0u);
  EXPECT_FALSE(in.Skip());
  std::uint64_t value = 0;
  EXPECT_FALSE(in.Uint(9, &value));
  EXPECT_FALSE(in.End());
  EXPECT_FALSE(in.NextIsNil());
  EXPECT_EQ(in.error(), "at byte 0 of 2: expected nil, found an integer");
}

TEST(ReaderTest, AFailureNamesTheFieldsThatItIsIn) {
  Reader in("\x01"sv);
  EXPECT_FALSE(in.Nil());
  EXPECT_FALSE(in.FailedIn("inner"));
  EXPECT_FALSE(in.FailedIn("outer"));
  EXPECT_EQ(in.error(),
            "at byte 0 of 1: expected nil, found an integer, in field "
            "outer.inner");
}

TEST(ReaderTest, LengthsAreNotBelieved) {
  for (const std::string_view bytes : {
           "\xdb\xff\xff\xff\xff"sv,      // string of 4 GiB
           "\xc6\xff\xff\xff\xff"sv,      // bytes of 4 GiB
           "\xdd\xff\xff\xff\xff"sv,      // array of 2^32 - 1
           "\xdf\xff\xff\xff\xff"sv,      // map of 2^32 - 1
           "\xdf\x80\x00\x00\x00"sv,      // twice that is 2^32
           "\xc9\xff\xff\xff\xff\x01"sv,  // extension of 4 GiB
           "\xdc\xff\xff\x01"sv,          // array of 65,535 with one
       }) {
    std::size_t count = 0;
    std::string_view text;
    EXPECT_FALSE(Reader(bytes).Array(&count));
    EXPECT_FALSE(Reader(bytes).Map(&count));
    EXPECT_FALSE(Reader(bytes).Str(&text));
    EXPECT_FALSE(Reader(bytes).Block(ElementKind::kInt8, 1, &text));
    EXPECT_FALSE(Reader(bytes).Skip());
  }
}

TEST(ReaderTest, EveryPrefixOfAnItemIsRefused) {
  std::string bytes;
  Writer out(&bytes);
  out.Array(4);
  out.Str(std::string(300, 'x'));
  out.Map(1);
  out.Uint(70000);
  out.Double(1.5);
  out.Block(ElementKind::kInt64, 8, std::string(64, 'y'));
  out.Bin("abc");
  Reader whole(bytes);
  EXPECT_TRUE(whole.Skip() && whole.End());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(Reader(std::string_view(bytes).substr(0, size)).Skip());
  }
}

TEST(ReaderTest, SkipsEveryKindOfItem) {
  for (int tag = 0; tag < 256; ++tag) {
    std::string bytes(1, static_cast<char>(tag));
    bytes.append(100, '\0');
    Reader in(bytes);
    EXPECT_EQ(in.Skip(), tag != 0xc1) << tag;
    EXPECT_EQ(in.ok(), tag != 0xc1) << tag;
  }
}

TEST(ReaderTest, DeepNestingIsSkippedWithoutAStack) {
  std::string bytes(1 << 20, '\x91');
  bytes += '\xc0';
  Reader in(bytes);
  EXPECT_TRUE(in.Skip() && in.End());
}

TEST(ReaderTest, ABlockOfAnotherKindIsRefused) {
  std::string bytes;
  Writer(&bytes).Block(ElementKind::kInt32, 4, "abcdefgh");
  std::string_view data;
  EXPECT_TRUE(Reader(bytes).Block(ElementKind::kInt32, 4, &data));
  EXPECT_EQ(data, "abcdefgh");
  EXPECT_FALSE(Reader(bytes).Block(ElementKind::kFloat, 4, &data));
  // Padding beyond the end; a part of an element; another extension.
  EXPECT_FALSE(
      Reader("\xc7\x02\x01\x05\x09"sv).Block(ElementKind::kInt32, 4, &data));
  EXPECT_FALSE(
      Reader("\xc7\x05\x01\x05\x00xyz"sv).Block(ElementKind::kInt32, 4, &data));
  EXPECT_FALSE(
      Reader("\xc7\x02\x02\x05\x00"sv).Block(ElementKind::kInt32, 4, &data));
  EXPECT_TRUE(
      Reader("\xc7\x02\x01\x05\x00"sv).Block(ElementKind::kInt32, 4, &data));
}

}  // namespace
}  // namespace mobula::base
