#include "base/control/control_codec.h"

#include <gtest/gtest.h>

#include <string>

namespace mobula::base {
namespace {

ActorRecord SomeActor() {
  ActorRecord actor;
  actor.actor = {1, 2};
  actor.job = {3, 4};
  actor.ns = "main";
  actor.name = "index";
  actor.class_name = "Index";
  actor.detached = true;
  actor.spec = ActorSpec{
      {5, 6}, {Bytes::Own("arg")}, {}, "abcd", Concurrency{2, {{"io", 3}}}};
  return actor;
}

TEST(ControlCodecTest, ActorComesBack) {
  ActorRecord actor;
  std::string error;
  ASSERT_TRUE(DecodeActor(EncodeActor(SomeActor()), &actor, &error)) << error;
  EXPECT_EQ(actor.name, "index");
  ASSERT_TRUE(actor.spec.has_value());
  EXPECT_EQ(actor.spec->args.at(0).view(), "arg");
  EXPECT_EQ(actor.spec->concurrency, (Concurrency{2, {{"io", 3}}}));
}

TEST(ControlCodecTest, AnActorOfAnEarlierVersionIsNotShared) {
  ActorRecord written = SomeActor();
  written.shared = true;
  written.separated = true;
  std::string bytes = EncodeActor(written);
  ActorRecord actor;
  std::string error;
  ASSERT_TRUE(DecodeActor(bytes, &actor, &error)) << error;
  EXPECT_TRUE(actor.shared && actor.separated);
  // An array of 20, of which the last two are a byte each.
  ASSERT_EQ(bytes.substr(0, 3), std::string("\xdc\0\x14", 3));
  bytes.resize(bytes.size() - 2);
  bytes[2] = 18;
  ActorRecord old;
  ASSERT_TRUE(DecodeActor(bytes, &old, &error)) << error;
  EXPECT_EQ(old.name, written.name);
  EXPECT_FALSE(old.shared || old.separated);
  bytes[2] = 17;
  EXPECT_FALSE(DecodeActor(bytes, &old, &error));
}

TEST(ControlCodecTest, MessageComesBack) {
  ControlCall call;
  call.request = {1, 1};
  call.from = {2, 2};
  call.body = RegisterActor{SomeActor(), true};
  ControlMessage message;
  std::string error;
  ASSERT_TRUE(DecodeControl(Bytes::Own(EncodeControl(call)), &message, &error))
      << error;
  const auto& back = std::get<ControlCall>(message);
  EXPECT_TRUE(std::get<RegisterActor>(back.body).get_if_exists);
}

TEST(ControlCodecTest, PartsOfAJoiningComeBackAndAreJudged) {
  JoinPart part;
  part.node = {1, 1};
  part.actors.resize(2);
  for (ActorReport& report : part.actors) {
    report.actor = {2, 2};
    report.incarnation = 1;
  }
  ControlMessage message;
  std::string error;
  const auto comes_back = [&] {
    return DecodeControl(Bytes::Own(EncodeControl(part)), &message, &error);
  };
  ASSERT_TRUE(comes_back()) << error;
  EXPECT_EQ(std::get<JoinPart>(message).actors.size(), 2u);
  part.actors[1].incarnation = 0;
  EXPECT_FALSE(comes_back());
  part.actors.clear();
  part.node = NodeId();
  EXPECT_FALSE(comes_back());
}

TEST(ControlCodecTest, RefusesWhatCannotBe) {
  ControlMessage message;
  std::string error;
  ControlCall call;  // nil request
  call.from = {2, 2};
  call.body = GetStatus();
  EXPECT_FALSE(
      DecodeControl(Bytes::Own(EncodeControl(call)), &message, &error));
  EXPECT_NE(error.find("cannot be"), std::string::npos) << error;
  ActorRecord actor = SomeActor();
  actor.incarnation = 0;
  EXPECT_FALSE(DecodeActor(EncodeActor(actor), &actor, &error));
  EXPECT_FALSE(DecodeActor("nonsense", &actor, &error));
}

TEST(ControlCodecTest, RefusesEveryTruncation) {
  const std::string whole = EncodeActor(SomeActor());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    ActorRecord actor;
    std::string error;
    EXPECT_FALSE(DecodeActor(whole.substr(0, size), &actor, &error)) << size;
    EXPECT_FALSE(error.empty());
  }
}

TEST(ControlCodecTest, NamesAreBounded) {
  EXPECT_EQ(WrongWithName("index-7 ü"), "");
  EXPECT_NE(WrongWithName(""), "");
  EXPECT_NE(WrongWithName("a/b"), "");
  EXPECT_NE(WrongWithName("a\nb"), "");
  EXPECT_NE(WrongWithName(std::string(257, 'a')), "");
}

}  // namespace
}  // namespace mobula::base
