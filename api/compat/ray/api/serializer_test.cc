#include "api/compat/ray/api/serializer.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <tuple>
#include <vector>

namespace ray::internal {
namespace {

template <class T>
T Back(const T& value) {
  const msgpack::sbuffer buffer = Serializer::Serialize(value);
  return Serializer::Deserialize<T>(buffer.data(), buffer.size());
}

TEST(SerializerTest, GivesBackWhatItTook) {
  EXPECT_EQ(Back(7), 7);
  EXPECT_EQ(Back(std::string("text")), "text");
  EXPECT_EQ(Back(std::vector<double>{1, 2.5}), (std::vector<double>{1, 2.5}));
  EXPECT_EQ(Back(std::vector<int>{}), std::vector<int>{});
  const auto tuple = std::make_tuple(std::string("PlusOne"), 1);
  EXPECT_EQ(Back(tuple), tuple);
}

TEST(SerializerTest, WritesVectorsAsAllDo) {
  const msgpack::sbuffer buffer = Serializer::Serialize(std::vector<int>{1, 2});
  EXPECT_EQ(std::string(buffer.data(), buffer.size()), "\x92\x01\x02");
}

TEST(SerializerTest, ReadsFromWhereItIsTold) {
  msgpack::sbuffer buffer;
  msgpack::pack(buffer, 1);
  msgpack::pack(buffer, std::string("two"));
  std::size_t offset = 0;
  EXPECT_EQ(Serializer::Deserialize<int>(buffer.data(), buffer.size(), &offset),
            1);
  EXPECT_EQ(Serializer::Deserialize<std::string>(buffer.data(), buffer.size(),
                                                 offset),
            "two");
}

TEST(SerializerTest, TellsNilFromValues) {
  const msgpack::sbuffer nil = Serializer::Serialize(msgpack::type::nil_t());
  EXPECT_FALSE(
      Serializer::DeserializeWhenNil<int>(nil.data(), nil.size()).first);
  const msgpack::sbuffer one = Serializer::Serialize(1);
  EXPECT_EQ(Serializer::DeserializeWhenNil<int>(one.data(), one.size()),
            std::make_pair(true, 1));
  EXPECT_FALSE(Serializer::HasError(one.data(), one.size()));
  EXPECT_FALSE(Serializer::HasError(nil.data(), nil.size()));
  EXPECT_THROW(Back(std::string("x")).at(1), std::out_of_range);
  EXPECT_THROW(Serializer::Deserialize<int>("\xa1x", 2), msgpack::type_error);
}

}  // namespace
}  // namespace ray::internal
