#include "base/codec/codec.h"

#include <gtest/gtest.h>

#include <any>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
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

// ---- what can be encoded is known at compile time --------------------------

struct Point {
  int x = 0;
  int y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};

struct Mixed {
  std::string name;
  std::optional<int> maybe;
  std::optional<std::string> maybe_text;
  std::variant<int, std::string> either;
  std::vector<Point> points;
  std::map<std::string, std::vector<double>> samples;
  std::unique_ptr<Point> owned;
  std::shared_ptr<Point> shared;
  std::tuple<int, Point> pair;
  std::array<int, 3> triple{};
  Bytes bytes;
  std::chrono::milliseconds wait{0};
};

struct Empty {};

struct Tree {
  int value = 0;
  std::vector<Tree> children;
  std::unique_ptr<Tree> next;
  std::map<std::string, Tree> named;
};

struct WithCArray {
  int before = 0;
  int items[3] = {};
};
struct WithSmallCArray {
  int items[1] = {};
};
struct WithBitField {
  int before = 0;
  unsigned bit : 3 = 0;
};
struct Derived : Point {
  int z = 0;
};
struct EmptyBase : Empty {
  int z = 0;
};
struct WithReference {
  int& x;
};
struct WithDefaultedReference {
  int a = 0;
  static inline int global = 0;
  int& x = global;
};
struct WithConst {
  const int x = 0;
};
struct WithPointer {
  int* x = nullptr;
};
struct NoDefault {
  explicit NoDefault(int x) : x(x) {}
  int x;
};
struct HoldsNoDefault {
  int a = 0;
  NoDefault x;
};
struct HoldsDefaultedNoDefault {
  int a = 0;
  NoDefault x = NoDefault(1);
};
class Private {
 public:
  int Get() const { return x_; }

 private:
  int x_ = 0;
};
union Union {
  int a;
  float b;
};
struct WithUnion {
  Union u;
};
struct WithAny {
  std::any any;
};
struct WithFunction {
  std::function<void()> function;
};
struct WithLongDouble {
  long double x = 0;
};
struct WithArrayOfStrings {
  std::string items[2];
};

static_assert(kEncodable<Point> && kDecodable<Point>);
static_assert(kFieldCount<Point> == 2);
static_assert(kEncodable<Mixed> && kDecodable<Mixed>);
static_assert(kFieldCount<Mixed> == 12);
static_assert(kEncodable<Empty> && kDecodable<Empty>);
static_assert(kEncodable<Tree> && kDecodable<Tree>);
static_assert(kEncodable<std::string_view> && !kDecodable<std::string_view>);
static_assert(!kEncodable<WithCArray> && kHasCArray<WithCArray>);
static_assert(!kEncodable<WithSmallCArray> && kHasCArray<WithSmallCArray>);
static_assert(!kEncodable<WithArrayOfStrings>);
static_assert(!kEncodable<WithBitField> && kHasBitField<WithBitField>);
static_assert(!kEncodable<Derived> && kHasBaseClass<Derived>);
static_assert(!kEncodable<EmptyBase> && kHasBaseClass<EmptyBase>);
static_assert(!kHasBaseClass<Point> && !kHasBitField<Point>);
static_assert(!kEncodable<WithReference>);
static_assert(!kEncodable<WithDefaultedReference>);
static_assert(!kEncodable<WithConst>);
static_assert(!kEncodable<WithPointer>);
static_assert(!kEncodable<NoDefault>);
static_assert(!kEncodable<HoldsNoDefault>);
static_assert(!kEncodable<HoldsDefaultedNoDefault>);
static_assert(!kEncodable<Private>);
static_assert(!kEncodable<Union> && !kEncodable<WithUnion>);
static_assert(!kEncodable<WithAny>);
static_assert(!kEncodable<WithFunction>);
static_assert(!kEncodable<WithLongDouble>);
static_assert(!kEncodable<int*> && !kEncodable<const char*>);
static_assert(!kEncodable<int&> && !kEncodable<const int>);
static_assert(!kEncodable<void>);
static_assert(!kEncodable<int(int)>);
static_assert(!kEncodable<std::vector<WithPointer>>);
static_assert(!kEncodable<std::map<int, std::optional<Private>>>);
static_assert(!kEncodable<std::unique_ptr<int[]>>);
static_assert(!kDecodable<std::vector<std::string_view>>);
static_assert(kEncodable<Message> && kDecodable<Message>);

TEST(CodecTest, AggregatesRoundTrip) {
  EXPECT_EQ(RoundTrip(Point{-3, 70000}), (Point{-3, 70000}));
  Mixed mixed;
  mixed.name = "ray";
  mixed.maybe_text = "x";
  mixed.either = "other";
  mixed.points = {{1, 2}, {3, 4}};
  mixed.samples["a"] = {1.5, -2.5};
  mixed.owned = std::make_unique<Point>(Point{5, 6});
  mixed.triple = {7, 8, 9};
  mixed.bytes = Bytes::Own("bytes");
  const Mixed copy = RoundTrip(mixed);
  EXPECT_EQ(copy.points, mixed.points);
  EXPECT_EQ(copy.samples, mixed.samples);
  EXPECT_EQ(*copy.owned, *mixed.owned);
  EXPECT_EQ(copy.bytes, mixed.bytes);
}

TEST(CodecTest, MessagesRoundTrip) {
  RunTask run;
  run.task = TaskId{1, 2};
  run.args = {Bytes::Own(Encode(7)), Bytes::Own(Encode(std::string("x")))};
  const Message message = run;
  const Message copy = RoundTrip(message);
  EXPECT_EQ(std::get<RunTask>(copy).args, run.args);
}

}  // namespace
}  // namespace mobula::base
