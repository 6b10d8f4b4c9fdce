#include "base/value.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/codec/codec.h"
#include "base/ids.h"

namespace mobula::base {
namespace {

const ObjectName kName{ObjectId{1, 2}, ProcessId{3, 4}};
const ObjectName kInside{ObjectId{5, 6}, ProcessId{7, 8}};
const Extent kExtent{ArenaId{9, 10}, 64, 1 << 20, 3};

Value RoundTrip(const Value& value) {
  Value back;
  std::string error;
  EXPECT_TRUE(Decode(Encode(value), &back, &error)) << error;
  return back;
}

TEST(ValueTest, InlineWithoutRefsTravelsAsItsBytes) {
  const Value value = Bytes::Own("abc");
  EXPECT_EQ(Encode(value), Encode(Bytes::Own("abc")));
  EXPECT_EQ(RoundTrip(value), value);
  EXPECT_FALSE(value.is_stored());
  EXPECT_EQ(value.size(), 3u);
}

TEST(ValueTest, RefsAndPlacesTravel) {
  const Value nested(Bytes::Own("abc"), {kInside, kName});
  EXPECT_EQ(RoundTrip(nested), nested);
  const Value stored = Value::Stored(kName, kExtent, {kInside});
  EXPECT_EQ(RoundTrip(stored), stored);
  EXPECT_TRUE(stored.is_stored());
  EXPECT_EQ(stored.size(), std::uint64_t{1} << 20);
  EXPECT_TRUE(stored.view().empty());
}

TEST(ValueTest, MappedBytesStayHere) {
  const Value stored = Value::Stored(kName, kExtent);
  const Value mapped = stored.WithBytes(Bytes::Own("mapped"));
  EXPECT_EQ(mapped.view(), "mapped");
  EXPECT_EQ(mapped.name(), kName);
  EXPECT_EQ(Encode(mapped), Encode(stored));
}

TEST(ValueTest, AStoredValueNamesItsPlaceAndItsOwner) {
  Value value;
  std::string error;
  EXPECT_FALSE(
      Decode(Encode(Value::Stored(kName, Extent{})) + "", &value, &error) &&
      value.is_stored());
  const Value ownerless = Value::Stored(ObjectName{kName.object, {}}, kExtent);
  EXPECT_FALSE(Decode(Encode(ownerless), &value, &error));
  const Value nameless(Bytes::Own("abc"), {kInside, ObjectName{}});
  EXPECT_FALSE(Decode(Encode(nameless), &value, &error));
  EXPECT_FALSE(Decode(Encode(Value::Stored(kName, kExtent, {ObjectName{}})),
                      &value, &error));
  EXPECT_FALSE(Decode(Encode(std::vector<int>{1, 2, 3, 4}), &value, &error));
}

}  // namespace
}  // namespace mobula::base
