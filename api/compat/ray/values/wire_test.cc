#include "api/compat/ray/values/wire.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/value.h"

namespace ray::internal {
namespace {

struct Part {
  std::string name;
  std::vector<double> numbers;
  MSGPACK_DEFINE(name, numbers);
};
struct Whole {
  std::vector<Part> parts;
  std::map<std::string, std::vector<int>> tables;
  MSGPACK_DEFINE_MAP(parts, tables);
};

template <class T>
std::string Written(const T& value) {
  const Travelling<T> travelling(value);
  const mobula::detail::Writable writable = travelling.writable();
  std::string bytes;
  mobula::base::Writer out(&bytes);
  writable.write(out, writable.value);
  return bytes;
}

template <class T>
bool Read(const std::string& bytes, T* value, std::string* why) {
  return ReadWire(mobula::base::Value(mobula::base::Bytes::Own(bytes)), value,
                  why);
}

TEST(WireTest, LeavesToMobulaWhatItKnows) {
  static_assert(kIsNative<std::map<int, std::vector<std::string>>>);
  static_assert(!kIsNative<Part>);
  static_assert(!kIsNative<std::vector<Part>>);
  static_assert(!kIsNative<std::pair<int, std::shared_ptr<Part>>>);
  EXPECT_EQ(Written(7), "\x07");
  // A block, and not an item for each.
  EXPECT_LT(Written(std::vector<double>(1000, 1)).size(), 8100U);
  Part part;
  part.numbers.assign(1000, 1);
  EXPECT_LT(Written(part).size(), 8100U);
}

TEST(WireTest, GivesBackWhatItTook) {
  const Whole whole{{{"a", {1, 2}}, {"b", {}}}, {{"t", {3, -4}}}};
  Whole back;
  std::string why;
  ASSERT_TRUE(Read(Written(whole), &back, &why)) << why;
  ASSERT_EQ(back.parts.size(), 2U);
  EXPECT_EQ(back.parts[0].numbers, (std::vector<double>{1, 2}));
  EXPECT_EQ(back.tables.at("t"), (std::vector<int>{3, -4}));
}

TEST(WireTest, SaysWhyNot) {
  Part part;
  std::string why;
  EXPECT_FALSE(Read(Written(5), &part, &why));
  EXPECT_FALSE(why.empty());
  why.clear();
  EXPECT_FALSE(Read(Written(Whole()), &part, &why));  // a map, not an array
  EXPECT_NE(why.find("adaptor"), why.npos) << why;
  // One item that is longer than its bytes; two; none.
  for (const char* bytes : {"\x91\xc4\x01\xc4", "\x91\xc4\x02\x01\x02",
                            "\x91\xc4\x00", "\x90", "\x92\xc4\x01\x01\x00"}) {
    why.clear();
    EXPECT_FALSE(Read(std::string(bytes), &part, &why)) << bytes;
    EXPECT_FALSE(why.empty());
  }
}

// Never a crash, nor more memory than the bytes can stand for.
TEST(WireTest, BelievesNothing) {
  std::mt19937 chance(7);
  const std::string good =
      Written(Whole{{{"part", {1, 2, 3}}, {"other", {}}}, {{"t", {3, -4}}}});
  int read = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good;
    for (unsigned n = 1 + chance() % 3; n > 0; --n) {
      bytes[chance() % bytes.size()] = static_cast<char>(chance());
    }
    if (chance() % 4 == 0) bytes.resize(chance() % bytes.size());
    Whole whole;
    std::string why;
    const bool is_read = Read(bytes, &whole, &why);
    EXPECT_NE(is_read, !why.empty());
    read += is_read ? 1 : 0;
  }
  EXPECT_GT(read, 1000);
  EXPECT_LT(read, 19'000);
}

}  // namespace
}  // namespace ray::internal
