#include "base/codec/fields.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/codec/codec.h"

namespace mobula::base {
namespace {

using codec_internal::TypeTag;

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
std::string ErrorOf(std::string_view bytes) {
  T value{};
  std::string error;
  EXPECT_FALSE(Decode(bytes, &value, &error));
  return error;
}

// Not an aggregate: constructors, private fields, a private base.
class Named {
 protected:
  std::string name_;
};
class Job : private Named {
 public:
  Job() = default;
  Job(std::string name, int priority) : priority_(priority) {
    name_ = std::move(name);
  }
  virtual ~Job() = default;
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] int priority() const { return priority_; }

 private:
  int priority_ = 0;
  MOBULA_FIELDS(Job, name_, priority_)
};

TEST(FieldsTest, WhatIsPrivateOrOfABaseTravels) {
  const Job copy = RoundTrip(Job("sort", -3));
  EXPECT_EQ(copy.name(), "sort");
  EXPECT_EQ(copy.priority(), -3);
}

struct Nothing {
  MOBULA_FIELDS(Nothing)
};
struct NothingOf {
  int left_out = 7;
};
MOBULA_FIELDS_OF(NothingOf)

TEST(FieldsTest, AListMayBeEmpty) {
  static_assert(MobulaFieldNames(TypeTag<Nothing>()).empty());
  EXPECT_EQ(Encode(Nothing()), "\x80");
  RoundTrip(Nothing());
  EXPECT_EQ(RoundTrip(NothingOf{8}).left_out, 7);
  // Names that it does not know.
  Nothing nothing;
  EXPECT_TRUE(
      Decode(std::string_view("\x82\xa1x\x01\xa1x\x02"), &nothing, nullptr));
}

template <class Key, class... Values>
class Table {
 public:
  Table() = default;
  explicit Table(Key key) : key_(std::move(key)) {}
  [[nodiscard]] const Key& key() const { return key_; }
  std::tuple<Values...> values;

 private:
  Key key_{};
  MOBULA_FIELDS(Table, key_, values)
};

TEST(FieldsTest, TemplatesAndNestingWork) {
  using Inner = Table<std::string, int, double>;
  Table<Inner, std::vector<Inner>, std::optional<Inner>> table(Inner("k"));
  std::get<0>(table.values) = {Inner("a"), Inner("b")};
  std::get<0>(std::get<0>(table.values)[1].values) = 5;
  std::get<1>(table.values) = Inner("c");
  const auto copy = RoundTrip(table);
  EXPECT_EQ(copy.key().key(), "k");
  EXPECT_EQ(std::get<0>(std::get<0>(copy.values).at(1).values), 5);
  EXPECT_EQ(std::get<1>(copy.values)->key(), "c");
}

// A name for each of 256 fields.
#define MOBULA_TEST_4(f) f##a, f##b, f##c, f##d
#define MOBULA_TEST_16(f)                                        \
  MOBULA_TEST_4(f##a), MOBULA_TEST_4(f##b), MOBULA_TEST_4(f##c), \
      MOBULA_TEST_4(f##d)
#define MOBULA_TEST_64(f)                                           \
  MOBULA_TEST_16(f##a), MOBULA_TEST_16(f##b), MOBULA_TEST_16(f##c), \
      MOBULA_TEST_16(f##d)
#define MOBULA_TEST_256 \
  MOBULA_TEST_64(a), MOBULA_TEST_64(b), MOBULA_TEST_64(c), MOBULA_TEST_64(d)

struct Wide {
  std::int16_t MOBULA_TEST_256;
  MOBULA_FIELDS(Wide, MOBULA_TEST_256)
};

TEST(FieldsTest, ThereMayBe256) {
  static_assert(MobulaFieldNames(TypeTag<Wide>()).size() == 256);
  static_assert(MobulaFieldNames(TypeTag<Wide>()).back() == "dddd");
  Wide wide{};
  wide.aaaa = 1;
  wide.bcda = -2;
  wide.dddd = 3;
  const Wide copy = RoundTrip(wide);
  EXPECT_EQ(copy.aaaa, 1);
  EXPECT_EQ(copy.bcda, -2);
  EXPECT_EQ(copy.dddd, 3);
}

struct Inner {
  std::uint8_t small = 0;
  MOBULA_FIELDS(Inner, small)
};
struct Outer {
  std::map<std::string, std::vector<Inner>> parts;
  unsigned bits : 3 = 0;
  MOBULA_FIELDS(Outer, parts, bits)
};

TEST(FieldsTest, AnErrorNamesTheFieldItIsIn) {
  EXPECT_EQ(ErrorOf<Inner>("\x81\xa5small\xa1x"),
            "at byte 7 of 9: expected an integer, found a string, in field "
            "small");
  // {"bits": 0, "parts": {"k": [{"small": 256}]}}
  EXPECT_EQ(ErrorOf<Outer>(std::string_view(
                "\x82\xa4"
                "bits\x00\xa5parts\x81\xa1k\x91\x81\xa5small\xcd\x01\x00",
                27)),
            "at byte 24 of 27: expected a number in [0, 255], found an "
            "integer, in field parts.small");
  EXPECT_EQ(ErrorOf<Outer>("\x81\xa4"
                           "bits\x08"),
            "at byte 7 of 7: expected before this, a number that fits its "
            "bit-field, found the end, in field bits");
  // What it does not know has no name here.
  EXPECT_EQ(ErrorOf<Inner>("\x81\xa5other\xc1"),
            "at byte 7 of 8: expected an item, found no item at all");
}

TEST(FieldsTest, WhatIsMissingIsNamed) {
  const std::string error = ErrorOf<Outer>(
      "\x81\xa4"
      "bits\x02");
  EXPECT_NE(error.find("a field \"parts\""), std::string::npos) << error;
  EXPECT_EQ(error.find("in field"), std::string::npos) << error;
}

// Fields that were added, taken away or put into another order since.
struct Before {
  int a = 1;
  int b = 2;
  MOBULA_FIELDS(Before, a, b)
};
struct After {
  std::string c = "c";
  int b = 3;
  int a = 4;
  MOBULA_FIELDS(After, c, b, a)
};

TEST(FieldsTest, AnEarlierProgramReadsWhatALaterOneWrites) {
  Before before;
  std::string error;
  ASSERT_TRUE(Decode(Encode(After()), &before, &error)) << error;
  EXPECT_EQ(before.a, 4);
  EXPECT_EQ(before.b, 3);
  EXPECT_NE(ErrorOf<After>(Encode(Before())).find("a field \"c\""),
            std::string::npos);
}

}  // namespace
}  // namespace mobula::base
