#include "base/frames/node_message_codec.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace mobula::base {
namespace {

constexpr ProcessId kHere{1, 1};
constexpr ProcessId kThere{2, 1};
constexpr JobId kJob{3, 1};

Introduce SomeProcess() {
  Introduce introduce;
  introduce.process = kHere;
  introduce.job = kJob;
  introduce.home = NodeId{4, 1};
  introduce.program = "00ff";
  return introduce;
}

WantExtent SomeWant() {
  return {7, ObjectName{ObjectId{1, 2}, kHere},
          Extent{ArenaId{5, 6}, 64, 5, 1}};
}

std::vector<NodeMessage> OneOfEach() {
  return {SomeProcess(),
          ProcessLeft{kHere, true},
          Pass{kHere, ProcessId(), ReturnLease{LeaseId{1, 9}, true}},
          HostsJob{kJob},
          EndJobThere{kJob},
          JobLeft{kJob},
          OpenChannel{kHere, kThere},
          ChannelBytes{kHere, kThere, Bytes::Own(std::string(5000, 'x'))},
          ChannelCredit{kHere, kThere, 5000},
          CloseChannel{kHere, kThere},
          WantProgram{"00ff"},
          ProgramPart{"00ff", 10, 13, Bytes::Own("abc")},
          ProgramLacking{"00ff", "it is not here"},
          SomeWant(),
          ExtentPart{7, 0, Bytes::Own("value")},
          ExtentLost{7, Failure()},
          ExtentTaken{7, 5},
          EndWant{7}};
}

bool Survives(const NodeMessage& message, NodeMessage* again) {
  std::string error;
  return DecodeNodeMessage(Bytes::Own(EncodeNodeMessage(message)), again,
                           &error);
}

TEST(NodeMessageCodec, EveryKindComesOutAsItWentIn) {
  const std::vector<NodeMessage> all = OneOfEach();
  ASSERT_EQ(all.size(), std::variant_size_v<NodeMessage>);
  for (const NodeMessage& message : all) {
    NodeMessage again;
    ASSERT_TRUE(Survives(message, &again)) << message.index();
    EXPECT_EQ(again.index(), message.index());
    EXPECT_EQ(EncodeNodeMessage(again), EncodeNodeMessage(message));
  }
}

// A raylet that has no room says so to the raylet that asked.
TEST(NodeMessageCodec, ARayletTurnsARequestAway) {
  NodeMessage again;
  EXPECT_TRUE(Survives(
      Pass{ProcessId(), ProcessId(), LeaseRefused{LeaseId{1, 9}, Failure()}},
      &again));
  EXPECT_TRUE(std::holds_alternative<Pass>(again));
}

TEST(NodeMessageCodec, WhatNoRayletSaysIsRefused) {
  Introduce nobody = SomeProcess();
  nobody.process = ProcessId();
  Introduce raylet = SomeProcess();
  raylet.role = Role::kRaylet;
  Introduce path = SomeProcess();
  path.program = "../ff";
  const std::vector<NodeMessage> bad = {
      nobody,
      raylet,
      path,
      WantProgram{"../../etc/passwd"},
      WantProgram{""},
      ProgramPart{"00ff", 12, 13, Bytes::Own("abc")},
      ProgramPart{"00ff", 14, 13, Bytes()},
      ExtentPart{7, 0, Bytes::Own(std::string(kPartBytesMax + 1, 'x'))},
      OpenChannel{kHere, kHere},
      ChannelCredit{kHere, kThere, kChannelCredit + 1},
      Pass{ProcessId(), ProcessId(), Stay()},
      Pass{kHere, ProcessId(), Register()}};
  for (const NodeMessage& message : bad) {
    NodeMessage again;
    EXPECT_FALSE(Survives(message, &again)) << EncodeNodeMessage(message);
  }
}

TEST(NodeMessageCodec, CutAndForeignBytesAreRefusedWithAReason) {
  const std::string whole = EncodeNodeMessage(SomeWant());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    NodeMessage message;
    std::string error;
    EXPECT_FALSE(
        DecodeNodeMessage(Bytes::Own(whole.substr(0, size)), &message, &error));
    EXPECT_FALSE(error.empty());
  }
}

}  // namespace
}  // namespace mobula::base
