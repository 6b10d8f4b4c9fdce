#include "raylet/lines/node_hello.h"

#include <gtest/gtest.h>

namespace mobula::raylet {
namespace {

NodeHello Usual() {
  NodeHello hello;
  hello.cluster = {9, 9};
  hello.from = {1, 2};
  hello.raylet = {1, 3};
  hello.to = {2, 2};
  hello.lane = Lane::kBulk;
  hello.epoch = 77;
  hello.seen = 78;
  hello.over = 79;
  return hello;
}

TEST(NodeHello, ComesOutAsItWentIn) {
  NodeHello out;
  std::string error;
  ASSERT_TRUE(DecodeNodeHello(EncodeNodeHello(Usual()), &out, &error)) << error;
  EXPECT_EQ(out.cluster, Usual().cluster);
  EXPECT_EQ(out.from, Usual().from);
  EXPECT_EQ(out.raylet, Usual().raylet);
  EXPECT_EQ(out.to, Usual().to);
  EXPECT_EQ(out.lane, Lane::kBulk);
  EXPECT_EQ(out.epoch, 77u);
  EXPECT_EQ(out.seen, 78u);
  EXPECT_EQ(out.over, 79u);
}

TEST(NodeHello, AnotherVersionIsNamed) {
  std::string bytes = EncodeNodeHello(Usual());
  bytes[4] = 9;
  NodeHello out;
  std::string error;
  EXPECT_FALSE(DecodeNodeHello(bytes, &out, &error));
  EXPECT_NE(error.find("it is of version 9."), std::string::npos) << error;
}

TEST(NodeHello, WhatIsNoneIsRefused) {
  const std::string good = EncodeNodeHello(Usual());
  NodeHello out;
  std::string error;
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    EXPECT_FALSE(DecodeNodeHello(good.substr(0, cut), &out, &error)) << cut;
    EXPECT_FALSE(error.empty());
  }
  EXPECT_FALSE(DecodeNodeHello(good + "x", &out, &error));
  EXPECT_FALSE(DecodeNodeHello("GET / HTTP/1.1\r\n\r\n", &out, &error));
  NodeHello wrong = Usual();
  wrong.lane = static_cast<Lane>(2);
  EXPECT_FALSE(DecodeNodeHello(EncodeNodeHello(wrong), &out, &error));
  wrong = Usual();
  wrong.epoch = 0;
  EXPECT_FALSE(DecodeNodeHello(EncodeNodeHello(wrong), &out, &error));
  wrong = Usual();
  wrong.to = wrong.from;
  EXPECT_FALSE(DecodeNodeHello(EncodeNodeHello(wrong), &out, &error));
}

TEST(NodeWelcome, ComesOutAsItWentInAndItsReasonIsCut) {
  NodeWelcome welcome;
  welcome.refusal = NodeRefusal::kStale;
  welcome.reason = std::string(100'000, 'w');
  welcome.epoch = 5;
  welcome.received = 6;
  NodeWelcome out;
  std::string error;
  ASSERT_TRUE(DecodeNodeWelcome(EncodeNodeWelcome(welcome), &out, &error))
      << error;
  EXPECT_EQ(out.refusal, NodeRefusal::kStale);
  EXPECT_EQ(out.reason.find_first_not_of('w'), std::string::npos);
  EXPECT_GT(out.reason.size(), 100u);
  EXPECT_EQ(out.epoch, 5u);
  EXPECT_EQ(out.received, 6u);
  welcome.refusal = static_cast<NodeRefusal>(9);
  EXPECT_FALSE(DecodeNodeWelcome(EncodeNodeWelcome(welcome), &out, &error));
  welcome.refusal = NodeRefusal::kNone;
  welcome.epoch = 0;
  EXPECT_FALSE(DecodeNodeWelcome(EncodeNodeWelcome(welcome), &out, &error));
}

}  // namespace
}  // namespace mobula::raylet
