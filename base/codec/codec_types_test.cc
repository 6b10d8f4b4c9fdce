// What can be encoded, and what cannot, is known at compile time and never an
// error by itself: if this file compiles, its main test has passed.
#include <gtest/gtest.h>

#include <any>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/codec/codec.h"
#include "base/frames/message.h"

namespace mobula::base {
namespace {

struct Point {
  int x = 0;
  int y = 0;
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

// More fields than structured bindings are spelled out for.
struct EightInts {
  int a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
};
struct SixtyFour {
  int a1, a2, a3, a4, a5, a6, a7, a8, b1, b2, b3, b4, b5, b6, b7, b8, c1, c2,
      c3, c4, c5, c6, c7, c8, d1, d2, d3, d4, d5, d6, d7, d8, e1, e2, e3, e4,
      e5, e6, e7, e8, f1, f2, f3, f4, f5, f6, f7, f8, g1, g2, g3, g4, g5, g6,
      g7, g8, h1, h2, h3, h4, h5, h6, h7, h8;
};
struct SixtyFive {
  int a1, a2, a3, a4, a5, a6, a7, a8, b1, b2, b3, b4, b5, b6, b7, b8, c1, c2,
      c3, c4, c5, c6, c7, c8, d1, d2, d3, d4, d5, d6, d7, d8, e1, e2, e3, e4,
      e5, e6, e7, e8, f1, f2, f3, f4, f5, f6, f7, f8, g1, g2, g3, g4, g5, g6,
      g7, g8, h1, h2, h3, h4, h5, h6, h7, h8, one_more;
};
static_assert(kFieldCount<EightInts> == 8);
static_assert(kEncodable<SixtyFour> && kFieldCount<SixtyFour> == 64);
static_assert(!kEncodable<SixtyFive>);

// Having one half of a custom codec does not make the other half.
struct EncodesOnly {
  int x = 0;
  void MobulaEncode(Writer& out) const { out.Int(x); }
};
static_assert(kEncodable<EncodesOnly> && !kDecodable<EncodesOnly>);
struct DecodesOnly {
  int x = 0;
  bool MobulaDecode(Reader& in) { return ReadValue(in, &x); }
};
static_assert(!kEncodable<DecodesOnly>);

// A base's MOBULA_FIELDS does not stand for the derived class.
struct NamedBase {
  int x = 0;
  MOBULA_FIELDS(NamedBase, x)
};
struct DerivedOfNamed : NamedBase {
  int y = 0;
};
static_assert(kEncodable<NamedBase> && !kEncodable<DerivedOfNamed>);

// A field that cannot be encoded cannot be named either.
struct NamedPointer {
  int* pointer = nullptr;
  MOBULA_FIELDS(NamedPointer, pointer)
};
static_assert(!kEncodable<NamedPointer>);

TEST(CodecTypesTest, FieldsComeInOrder) {
  SixtyFour wide{};
  wide.a1 = 1;
  wide.h8 = 64;
  const std::string bytes = Encode(wide);
  SixtyFour copy{};
  ASSERT_TRUE(Decode(bytes, &copy, nullptr));
  EXPECT_EQ(copy.a1, 1);
  EXPECT_EQ(copy.h8, 64);
  EXPECT_EQ(bytes.size(), 3u + 64u);
}

}  // namespace
}  // namespace mobula::base
