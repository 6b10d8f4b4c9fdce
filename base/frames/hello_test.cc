#include "base/frames/hello.h"

#include <gtest/gtest.h>

namespace mobula::base {
namespace {

Hello Example(std::uint32_t version = kProtocolVersion) {
  Hello hello;
  hello.version = version;
  hello.features = 5;
  hello.process = ProcessId{1, 2};
  hello.role = Role::kDriver;
  hello.window = 1024;
  return hello;
}

TEST(HelloTest, ComesBackAsItWas) {
  Hello read;
  std::string error;
  ASSERT_TRUE(DecodeHello(EncodeHello(Example()), &read, &error)) << error;
  EXPECT_EQ(read, Example());
}

TEST(HelloTest, NeighbouringVersionsAgreeAndOthersAreRefusedNamingBoth) {
  Hello read;
  std::string error;
  EXPECT_TRUE(DecodeHello(EncodeHello(Example(6)), &read, &error, 7));
  EXPECT_TRUE(DecodeHello(EncodeHello(Example(8)), &read, &error, 7));
  EXPECT_FALSE(DecodeHello(EncodeHello(Example(5)), &read, &error, 7));
  EXPECT_EQ(error,
            "the peer speaks protocol version 5, this program version 7");
  EXPECT_FALSE(DecodeHello(EncodeHello(Example(9)), &read, &error, 7));
  EXPECT_FALSE(DecodeHello(EncodeHello(Example(0xffffffff)), &read, &error, 0))
      << "versions do not wrap";
}

TEST(HelloTest, FieldsOfALaterVersionAreSkipped) {
  Hello read;
  std::string error;
  EXPECT_TRUE(DecodeHello(EncodeHello(Example()) + "more", &read, &error));
  EXPECT_EQ(read, Example());
}

TEST(HelloTest, RefusesNonsense) {
  Hello read;
  std::string error;
  const std::string good = EncodeHello(Example());
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(DecodeHello(good.substr(0, size), &read, &error)) << size;
  }
  EXPECT_FALSE(DecodeHello("GET / HTTP/1.1\r\n\r\n", &read, &error));
  EXPECT_NE(error.find("does not speak"), std::string::npos);
  std::string role = good;
  role[34] = 9;
  EXPECT_FALSE(DecodeHello(role, &read, &error));
  Hello nobody = Example();
  nobody.process = ProcessId();
  EXPECT_FALSE(DecodeHello(EncodeHello(nobody), &read, &error));
}

}  // namespace
}  // namespace mobula::base
