#include "base/codec/codec.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/frames/message.h"

namespace mobula::base {
namespace {

template <class T>
T RoundTrip(const T& value) {
  T copy{};
  std::string error;
  const std::string bytes = Encode(value);
  EXPECT_TRUE(Decode(bytes, &copy, &error)) << error;
  EXPECT_EQ(Encode(copy), bytes);
  return copy;
}

template <class T>
void ExpectRoundTrip(const T& value) {
  EXPECT_EQ(RoundTrip(value), value);
}

template <class T>
std::string ErrorOf(std::string_view bytes, ReadLimits limits = {}) {
  T value{};
  std::string error;
  EXPECT_FALSE(Decode(bytes, &value, &error, limits));
  return error;
}

struct Point {
  int x = 0;
  int y = 0;
  friend auto operator<=>(const Point&, const Point&) = default;
};

struct Tree {
  int value = 0;
  std::vector<Tree> children;
  friend bool operator==(const Tree&, const Tree&) = default;
};

struct List {
  int value = 0;
  std::unique_ptr<List> next;
};

enum class Color : std::uint8_t { kRed = 1, kBlue = 200 };
enum Old : int { kOld = -5 };

template <class T>
class IntegersTest : public testing::Test {};
using IntegerTypes =
    testing::Types<char, signed char, unsigned char, short, unsigned short, int,
                   unsigned, long, unsigned long, long long, unsigned long long,
                   wchar_t, char8_t, char16_t, char32_t>;
TYPED_TEST_SUITE(IntegersTest, IntegerTypes);

TYPED_TEST(IntegersTest, RoundTripAtEveryPowerOfTwo) {
  using Limits = std::numeric_limits<TypeParam>;
  ExpectRoundTrip(Limits::min());
  ExpectRoundTrip(Limits::max());
  for (int bit = 0; bit < Limits::digits; ++bit) {
    const auto power = static_cast<TypeParam>(TypeParam{1} << bit);
    ExpectRoundTrip(power);
    ExpectRoundTrip(static_cast<TypeParam>(power - 1));
    ExpectRoundTrip(static_cast<TypeParam>(TypeParam{0} - power));
    ExpectRoundTrip(static_cast<TypeParam>(TypeParam{0} - power - 1));
  }
  ExpectRoundTrip(std::vector<TypeParam>{Limits::min(), 0, Limits::max()});
  ExpectRoundTrip(std::vector<TypeParam>{});
  ExpectRoundTrip(std::array<TypeParam, 3>{Limits::min(), 1, Limits::max()});
}

TEST(CodecTest, ScalarsRoundTrip) {
  ExpectRoundTrip(true);
  ExpectRoundTrip(false);
  ExpectRoundTrip(Color::kBlue);
  ExpectRoundTrip(static_cast<Color>(77));
  ExpectRoundTrip(kOld);
  ExpectRoundTrip(std::byte{255});
  ExpectRoundTrip(std::monostate());
  for (const double value : {0.0, -0.0, 1.5, -1e300, 1e-320, HUGE_VAL}) {
    ExpectRoundTrip(value);
    ExpectRoundTrip(static_cast<float>(value));
  }
  EXPECT_TRUE(std::isnan(RoundTrip(std::nan("7"))));
  EXPECT_TRUE(std::isnan(RoundTrip(std::nanf("7"))));
}

TEST(CodecTest, StringsRoundTripAtEveryLengthForm) {
  for (const std::size_t size : {0, 1, 31, 32, 255, 256, 65535, 65536}) {
    ExpectRoundTrip(std::string(size, 'x'));
    ExpectRoundTrip(Bytes::Own(std::string(size, '\xff')));
    ExpectRoundTrip(std::vector<std::byte>(size, std::byte{7}));
    ExpectRoundTrip(std::vector<int>(size, 7));
    ExpectRoundTrip(std::vector<bool>(size, true));
    ExpectRoundTrip(std::vector<std::string>(size, "a"));
  }
  ExpectRoundTrip(std::string("a\0b", 3));
  EXPECT_EQ(Encode(std::string_view("ray")), Encode(std::string("ray")));
}

TEST(CodecTest, ContainersRoundTrip) {
  ExpectRoundTrip(std::vector<double>{1.5, -2.5});
  ExpectRoundTrip(std::vector<float>{1.5F});
  ExpectRoundTrip(std::vector<bool>{true, false, true});
  ExpectRoundTrip(std::vector<Point>{{1, 2}, {3, 4}});
  ExpectRoundTrip(std::vector<std::vector<int>>{{}, {1}, {1, 2}});
  ExpectRoundTrip(std::array<std::string, 2>{"a", "b"});
  ExpectRoundTrip(std::array<int, 0>{});
  ExpectRoundTrip(std::deque<int>{1, 2, 3});
  ExpectRoundTrip(std::list<std::string>{"x", "y"});
  ExpectRoundTrip(std::set<Point>{{1, 2}, {3, 4}});
  ExpectRoundTrip(std::multiset<int>{1, 1, 2});
  ExpectRoundTrip(std::map<std::string, Point>{{"a", {1, 2}}});
  ExpectRoundTrip(std::multimap<int, int>{{1, 2}, {1, 3}});
  ExpectRoundTrip(std::map<Point, std::map<int, bool>>{{{1, 2}, {{3, true}}}});
}

TEST(CodecTest, UnorderedContainersRoundTripInAnyOrder) {
  std::unordered_map<std::string, int> map;
  std::unordered_set<int> set;
  for (int i = 0; i < 1000; ++i) {
    map[std::to_string(i)] = i;
    set.insert(i);
  }
  std::unordered_map<std::string, int> map_copy;
  std::unordered_set<int> set_copy;
  ASSERT_TRUE(Decode(Encode(map), &map_copy, nullptr));
  ASSERT_TRUE(Decode(Encode(set), &set_copy, nullptr));
  EXPECT_EQ(map_copy, map);
  EXPECT_EQ(set_copy, set);
}

TEST(CodecTest, ChoicesRoundTrip) {
  ExpectRoundTrip(std::optional<int>());
  ExpectRoundTrip(std::optional<int>(7));
  ExpectRoundTrip(std::optional<std::string>("x"));
  ExpectRoundTrip(std::pair<int, std::string>(1, "x"));
  ExpectRoundTrip(std::tuple<>());
  ExpectRoundTrip(std::tuple<int, Point, std::string>(1, {2, 3}, "x"));
  using Either = std::variant<std::monostate, int, std::string, int>;
  ExpectRoundTrip(Either());
  ExpectRoundTrip(Either(std::in_place_index<1>, 4));
  ExpectRoundTrip(Either(std::in_place_index<3>, 4));
  ExpectRoundTrip(Either("x"));
}

TEST(CodecTest, NestedAbsencesAreKeptApart) {
  using Inner = std::optional<int>;
  ExpectRoundTrip(std::optional<Inner>());
  ExpectRoundTrip(std::optional<Inner>(Inner()));
  ExpectRoundTrip(std::optional<Inner>(Inner(3)));
  ExpectRoundTrip(std::optional<std::monostate>());
  ExpectRoundTrip(std::optional<std::monostate>(std::monostate()));
  std::unique_ptr<std::optional<int>> null;
  EXPECT_EQ(RoundTrip(null), nullptr);
  EXPECT_EQ(*RoundTrip(std::make_unique<Inner>()), Inner());
}

TEST(CodecTest, PointersRoundTrip) {
  EXPECT_EQ(*RoundTrip(std::make_unique<Point>(Point{1, 2})), (Point{1, 2}));
  EXPECT_EQ(*RoundTrip(std::make_shared<int>(7)), 7);
  EXPECT_EQ(RoundTrip(std::unique_ptr<Point>()), nullptr);
  EXPECT_EQ(RoundTrip(std::shared_ptr<Point>()), nullptr);
}

TEST(CodecTest, TimesRoundTrip) {
  using std::chrono::system_clock;
  ExpectRoundTrip(std::chrono::nanoseconds(-5));
  ExpectRoundTrip(std::chrono::hours(5));
  ExpectRoundTrip(std::chrono::duration<double>(0.25));
  ExpectRoundTrip(
      system_clock::time_point(std::chrono::seconds(1'700'000'000)));
}

TEST(CodecTest, AggregatesNest) {
  ExpectRoundTrip(Point{-3, 70000});
  ExpectRoundTrip(Tree{1, {{2, {}}, {3, {{4, {}}}}}});
  List list{1, std::make_unique<List>()};
  list.next->value = 2;
  EXPECT_EQ(RoundTrip(list).next->value, 2);
}

// ---- types that say how they travel ----------------------------------------

struct Base {
  int base = 0;
};

class Named : public Base {
 public:
  Named() = default;
  explicit Named(int hidden) : hidden_(hidden) {}
  int hidden() const { return hidden_; }

  unsigned bits : 3 = 0;
  char code[4] = {};
  int table[2][2] = {};
  std::string label;

 private:
  int hidden_ = 0;
  MOBULA_FIELDS(Named, base, bits, code, table, label, hidden_)
};

namespace elsewhere {
struct Plain {
  int a = 0;
  std::string b;
};
MOBULA_FIELDS_OF(Plain, a, b)

template <class T>
struct Pair {
  T first{};
  T second{};
  MOBULA_FIELDS(Pair, first, second)
};
}  // namespace elsewhere

TEST(CodecTest, NamedFieldsRoundTrip) {
  Named named(9);
  named.base = 1;
  named.bits = 5;
  std::copy_n("abcd", 4, named.code);
  named.table[1][0] = 8;
  named.label = "x";
  const Named copy = RoundTrip(named);
  EXPECT_EQ(copy.base, 1);
  EXPECT_EQ(copy.bits, 5u);
  EXPECT_EQ(std::string_view(copy.code, 4), "abcd");
  EXPECT_EQ(copy.table[1][0], 8);
  EXPECT_EQ(copy.label, "x");
  EXPECT_EQ(copy.hidden(), 9);
  EXPECT_EQ(RoundTrip(elsewhere::Pair<int>{1, 2}).second, 2);
}

TEST(CodecTest, NamedFieldsAreAMapInAnyOrder) {
  EXPECT_EQ(Encode(elsewhere::Plain{7, "x"}),
            "\x82\xa1"
            "a\x07\xa1"
            "b\xa1x");
  elsewhere::Plain plain;
  // {"b": "x", "new": [1, {}], "a": 7}
  const std::string_view reordered(
      "\x83\xa1"
      "b\xa1x\xa3new\x92\x01\x80\xa1"
      "a\x07");
  std::string error;
  ASSERT_TRUE(Decode(reordered, &plain, &error)) << error;
  EXPECT_EQ(plain.a, 7);
  EXPECT_EQ(plain.b, "x");
  EXPECT_NE(ErrorOf<elsewhere::Plain>("\x81\xa1"
                                      "a\x07")
                .find("field \"b\""),
            std::string::npos);
  EXPECT_NE(ErrorOf<elsewhere::Plain>("\x82\xa1"
                                      "a\x07\xa1"
                                      "a\x07")
                .find("\"a\" twice"),
            std::string::npos);
}

TEST(CodecTest, ANumberTooLargeForItsBitFieldIsRefused) {
  Named named;
  std::string bytes = Encode(named);
  const std::size_t bits = bytes.find("bits") + 4;
  ASSERT_EQ(bytes[bits], 0);
  bytes[bits] = 8;
  EXPECT_NE(ErrorOf<Named>(bytes).find("bit-field"), std::string::npos);
}

class Celsius {
 public:
  Celsius() = default;
  explicit Celsius(double degrees) : degrees_(degrees) {}
  void MobulaEncode(Writer& out) const { WriteValue(out, degrees_); }
  bool MobulaDecode(Reader& in) {
    return ReadValue(in, &degrees_) &&
           (degrees_ >= -273.15 || in.Fail("no less than absolute zero"));
  }
  friend bool operator==(const Celsius&, const Celsius&) = default;

 private:
  double degrees_ = 0;
};

namespace elsewhere {
struct Odd {
  int odd = 1;
  friend bool operator==(const Odd&, const Odd&) = default;
};
void MobulaEncode(Writer& out, const Odd& value) {
  WriteValue(out, value.odd / 2);
}
bool MobulaDecode(Reader& in, Odd& value) {
  if (!ReadValue(in, &value.odd)) return false;
  value.odd = 2 * value.odd + 1;
  return value.odd < 1000;
}
}  // namespace elsewhere

TEST(CodecTest, CustomTypesRoundTrip) {
  ExpectRoundTrip(Celsius(36.6));
  ExpectRoundTrip(elsewhere::Odd{77});
  ExpectRoundTrip(std::optional<Celsius>(Celsius(1)));
  ExpectRoundTrip(std::optional<Celsius>());
  ExpectRoundTrip(std::map<std::string, elsewhere::Odd>{{"a", {5}}});
  EXPECT_NE(ErrorOf<Celsius>(Encode(-300.0)).find("absolute zero"),
            std::string::npos);
  EXPECT_NE(ErrorOf<elsewhere::Odd>(Encode(5000)).find("that its type accepts"),
            std::string::npos);
}

// ---- the format ------------------------------------------------------------

TEST(CodecTest, BytesOnTheWireDoNotChange) {
  EXPECT_EQ(Encode(7), "\x07");
  EXPECT_EQ(Encode(-1), "\xff");
  EXPECT_EQ(Encode(-33), "\xd0\xdf");
  EXPECT_EQ(Encode(200), "\xcc\xc8");
  EXPECT_EQ(Encode(0x1234), "\xcd\x12\x34");
  EXPECT_EQ(Encode(-0x12345), std::string_view("\xd2\xff\xfe\xdc\xbb", 5));
  EXPECT_EQ(Encode('a'), "a");
  EXPECT_EQ(Encode(true), "\xc3");
  EXPECT_EQ(Encode(1.5), std::string_view("\xcb\x3f\xf8\0\0\0\0\0\0", 9));
  EXPECT_EQ(Encode(1.5F), std::string_view("\xca\x3f\xc0\0\0", 5));
  EXPECT_EQ(Encode(std::string("ray")), "\xa3ray");
  EXPECT_EQ(Encode(Bytes::Own("ray")), "\xc4\x03ray");
  EXPECT_EQ(Encode(std::vector<std::byte>(1, std::byte{9})), "\xc4\x01\x09");
  EXPECT_EQ(Encode(Point{1, -1}), "\x92\x01\xff");
  EXPECT_EQ(Encode(std::optional<int>()), "\xc0");
  EXPECT_EQ(Encode(std::optional<std::optional<int>>(std::optional<int>())),
            "\x91\xc0");
  EXPECT_EQ(Encode(std::variant<int, std::string>("x")), "\x92\x01\xa1x");
  EXPECT_EQ(Encode(std::map<std::string, int>{{"a", 1}}),
            "\x81\xa1"
            "a\x01");
  EXPECT_EQ(Encode(std::chrono::seconds(3)), "\x03");
  // ext8 of 3 bytes and its type; int16; no padding needed but one: 5 + 1 = 6.
  EXPECT_EQ(Encode(std::vector<std::int16_t>{0x0102}),
            std::string_view("\xc7\x05\x01\x03\x01\0\x02\x01", 8));
}

TEST(CodecTest, NumbersInABlockAreAligned) {
  for (std::size_t before = 0; before < 20; ++before) {
    for (const std::size_t size : {1, 10, 100, 10000}) {
      const std::pair<std::string, std::vector<double>> value(
          std::string(before, 'x'), std::vector<double>(size, 1.5));
      const std::string bytes = Encode(value);
      EXPECT_EQ((bytes.size() - size * sizeof(double)) % alignof(double), 0u);
      ExpectRoundTrip(value);
    }
  }
}

TEST(CodecTest, PlainArraysOfNumbersWillDo) {
  std::vector<int> ints;
  ASSERT_TRUE(Decode("\x93\x01\xff\xcd\x12\x34", &ints, nullptr));
  EXPECT_EQ(ints, (std::vector<int>{1, -1, 0x1234}));
  std::array<double, 2> doubles{};
  ASSERT_TRUE(Decode("\x92\x01\xff", &doubles, nullptr));
  EXPECT_EQ(doubles, (std::array<double, 2>{1, -1}));
  std::vector<std::byte> bytes;
  ASSERT_TRUE(Decode("\x91\x09", &bytes, nullptr));
  EXPECT_EQ(bytes, (std::vector<std::byte>{std::byte{9}}));
}

TEST(CodecTest, BytesShareTheBufferTheyCameIn) {
  const Bytes inner = Bytes::Own("some bytes");
  const Bytes outer = Bytes::Own(Encode(std::vector<Bytes>{inner}));
  std::vector<Bytes> copied;
  std::vector<Bytes> shared;
  ASSERT_TRUE(Decode(outer.view(), &copied, nullptr));
  ASSERT_TRUE(Decode(outer, &shared, nullptr));
  const auto lies_inside = [&outer](const Bytes& bytes) {
    return bytes.view().data() >= outer.view().data() &&
           bytes.view().data() < outer.view().data() + outer.size();
  };
  EXPECT_FALSE(lies_inside(copied[0]));
  EXPECT_TRUE(lies_inside(shared[0]));
  EXPECT_EQ(shared[0], inner);

  auto owner = std::make_shared<std::string>(Encode(inner));
  Bytes kept;
  ASSERT_TRUE(Decode(std::string_view(*owner), owner, &kept, nullptr));
  owner.reset();
  EXPECT_EQ(kept, inner);
}

// ---- refusals --------------------------------------------------------------

TEST(CodecTest, ErrorsSayWhereAndWhat) {
  EXPECT_EQ(ErrorOf<Point>("\x92\x01\xa1x"),
            "at byte 2 of 4: expected an integer, found a string");
  EXPECT_EQ(ErrorOf<Point>("\x93\x01\x02\x03"),
            "at byte 0 of 4: expected an array of 2, not of 3, found an array");
  EXPECT_EQ(ErrorOf<signed char>("\xcc\xc8"),
            "at byte 0 of 2: expected a number in [-128, 127], found an "
            "integer");
  EXPECT_EQ(ErrorOf<int>(""),
            "at byte 0 of 0: expected an integer, found the end");
  EXPECT_EQ(ErrorOf<int>("\x01\x02"),
            "at byte 1 of 2: expected nothing more, found an integer");
}

TEST(CodecTest, WrongValuesAreRefused) {
  ErrorOf<bool>("\x01");
  ErrorOf<int>("\xc3");
  ErrorOf<unsigned>("\xff");
  ErrorOf<float>(Encode(1e300));
  ErrorOf<double>(Encode((std::uint64_t{1} << 60) + 1));
  ErrorOf<std::string>("\x01");
  ErrorOf<std::monostate>("\x01");
  ErrorOf<std::variant<int, bool>>("\x92\x02\xc3");
  ErrorOf<std::set<int>>("\x92\x01\x01");
  ErrorOf<std::map<int, int>>("\x82\x01\x01\x01\x02");
  ErrorOf<std::array<int, 2>>(Encode(std::vector<int>{1, 2, 3}));
  ErrorOf<std::vector<int>>(Encode(std::vector<float>{1}));
  ErrorOf<std::optional<std::optional<int>>>("\x92\xc0\xc0");
}

TEST(CodecTest, NestingIsBounded) {
  Tree deepest;
  for (int i = 0; i < 1000; ++i) {
    Tree parent;
    parent.children.push_back(std::move(deepest));
    deepest = std::move(parent);
  }
  EXPECT_THROW(Encode(deepest), EncodeError);
  // [0, [[0, [[0, ...
  std::string bytes;
  for (int i = 0; i < 100000; ++i) bytes += std::string_view("\x92\0\x91", 3);
  EXPECT_NE(ErrorOf<Tree>(bytes).find("nested"), std::string::npos);
}

TEST(CodecTest, MemoryIsBounded) {
  // One byte of nil stands for 8,000 bytes of room.
  using Large = std::vector<std::optional<std::array<double, 1000>>>;
  const std::string bytes = Encode(Large(100000));
  ReadLimits limits;
  limits.memory_bytes_max = std::size_t{1} << 20;
  EXPECT_NE(ErrorOf<Large>(bytes, limits).find("memory"), std::string::npos);
  limits.memory_bytes_max = 100;
  ErrorOf<std::string>(Encode(std::string(101, 'x')), limits);
  ErrorOf<std::vector<int>>(Encode(std::vector<int>(26)), limits);
  ErrorOf<std::map<int, int>>(
      Encode(std::map<int, int>{{1, 2}, {2, 3}, {3, 4}}), limits);
}

TEST(CodecTest, AValuelessVariantIsNotEncoded) {
  struct Throws {
    Throws() = default;
    explicit Throws(int) { throw std::runtime_error("no"); }
    std::string x;  // its moves keep the library from rolling back
    void MobulaEncode(Writer& out) const { out.Str(x); }
    bool MobulaDecode(Reader& in) { return ReadValue(in, &x); }
  };
  std::variant<int, Throws> variant;
  EXPECT_THROW(variant.emplace<1>(1), std::runtime_error);
  EXPECT_THROW(Encode(variant), EncodeError);
}

TEST(CodecTest, EveryMessageRoundTrips) {
  const auto check =
      []<std::size_t... kIndices>(std::index_sequence<kIndices...>) {
        (ExpectRoundTrip(Encode(Message(std::in_place_index<kIndices>))), ...);
        (RoundTrip(Message(std::in_place_index<kIndices>)), ...);
      };
  check(std::make_index_sequence<std::variant_size_v<Message>>());
}

TEST(CodecTest, MessagesKeepTheirFields) {
  RunTask run;
  run.task = TaskId{1, ~std::uint64_t{0}};
  run.attempt = 3;
  run.args = {Bytes::Own(Encode(7)), Bytes::Own(Encode(std::string("x")))};
  const Message copy = RoundTrip(Message(run));
  EXPECT_EQ(std::get<RunTask>(copy).task, run.task);
  EXPECT_EQ(std::get<RunTask>(copy).attempt, 3);
  EXPECT_EQ(std::get<RunTask>(copy).args, run.args);

  Failure failure;
  failure.code = FailureCode::kWorkerDied;
  failure.log_tail = {"one", "two"};
  TaskDone done;
  done.outcome = failure;
  const Message done_copy = RoundTrip(Message(done));
  EXPECT_EQ(std::get<Failure>(std::get<TaskDone>(done_copy).outcome), failure);

  Registered registered;
  registered.total.units = {{"cpu", 20000}, {"gpu", 5000}};
  const Message registered_copy = RoundTrip(Message(registered));
  EXPECT_EQ(std::get<Registered>(registered_copy).total, registered.total);
}

}  // namespace
}  // namespace mobula::base
