#include "gcs/core/record.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "gcs/core/events.h"

namespace mobula::gcs {
namespace {

TEST(RecordTest, KeysAreInTheOrderOfTheirIds) {
  const std::vector<base::NodeId> ids = {
      {0, 1}, {0, 255}, {0, 256}, {1, 0}, {1, 1}, {~0ull, 0}, {~0ull, ~0ull}};
  std::string last;
  for (const base::NodeId id : ids) {
    const std::string key = RecordKey(RecordTable::kNode, id);
    EXPECT_EQ(key.size(), 17u);
    EXPECT_LT(last, key);
    EXPECT_EQ(ParseTable(key), RecordTable::kNode);
    EXPECT_EQ(ParseRecordKey<base::NodeId>(key), id);
    last = key;
  }
}

TEST(RecordTest, OtherKeysComeBackToo) {
  const base::ProcessId process{1, 2};
  const base::RequestId request{3, 4};
  EXPECT_EQ(ParseAnswerRecordKey(AnswerRecordKey(process, request)),
            std::pair(process, request));
  const auto name =
      ParseKeyRecordKey(KeyRecordKey("ns", std::string("a\0b", 3)));
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->ns, "ns");
  EXPECT_EQ(name->key, std::string("a\0b", 3));
  EXPECT_EQ(ParseTable(CounterRecordKey("x")), RecordTable::kCounter);
}

TEST(RecordTest, WhatIsNoKeyIsRefused) {
  EXPECT_EQ(ParseTable(""), std::nullopt);
  EXPECT_EQ(ParseTable("?"), std::nullopt);
  EXPECT_EQ(ParseRecordKey<base::NodeId>("n1234"), std::nullopt);
  EXPECT_EQ(ParseRecordKey<base::NodeId>("n" + std::string(16, '\0')),
            std::nullopt);
  EXPECT_EQ(ParseAnswerRecordKey("r" + std::string(31, '1')), std::nullopt);
  EXPECT_EQ(ParseAnswerRecordKey("r" + std::string(32, '\0')), std::nullopt);
  EXPECT_EQ(ParseKeyRecordKey("kwithout zero"), std::nullopt);
  EXPECT_EQ(ParseKeyRecordKey(""), std::nullopt);
}

TEST(RecordTest, ValuesBeginWithTheirVersion) {
  Effects effects;
  PutRecord("key", "record", effects);
  PutRecord("A key", "spec", effects);
  EraseRecord("key", effects);
  const Write& put = std::get<Write>(effects[0]);
  ASSERT_TRUE(put.value.has_value());
  std::string_view value = *put.value;
  std::string error;
  char version = 0;
  ASSERT_TRUE(TakeVersion(&value, kRecordVersion, &version, &error));
  EXPECT_EQ(version, kRecordVersion);
  EXPECT_EQ(value, "record");
  EXPECT_EQ(std::get<Write>(effects[1]).value->front(), kSpecVersion);
  EXPECT_FALSE(std::get<Write>(effects[2]).value.has_value());
  value = "\x07record";
  EXPECT_FALSE(TakeVersion(&value, kRecordVersion, &version, &error));
  EXPECT_EQ(error, "a record of version 7, and this program reads version 1");
  value = "";
  EXPECT_FALSE(TakeVersion(&value, kRecordVersion, &version, &error));
}

}  // namespace
}  // namespace mobula::gcs
