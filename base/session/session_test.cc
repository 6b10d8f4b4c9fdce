#include "base/session/session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mobula::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr ProcessId kA{1, 1};
constexpr ProcessId kB{1, 2};

BootTime At(Duration since_boot) { return BootTime::FromSinceBoot(since_boot); }

SessionOptions OptionsOf(ProcessId self, ProcessId peer) {
  SessionOptions options;
  options.epoch = 7;
  options.self = self;
  options.peer = peer;
  return options;
}

Bytes Text(const std::string& text) { return Bytes::Own(text); }

template <class Effect>
std::vector<Effect> Only(const SessionEffects& effects) {
  std::vector<Effect> result;
  for (const SessionEffect& effect : effects) {
    if (const auto* match = std::get_if<Effect>(&effect)) {
      result.push_back(*match);
    }
  }
  return result;
}

// Two ends and what each did last.
class SessionTest : public ::testing::Test {
 protected:
  Session Make(ProcessId self, ProcessId peer) {
    return Session(OptionsOf(self, peer));
  }
  // One message of `session` as it goes to the wire.
  Transmit SendOne(Session& session, const std::string& text,
                   BootTime deadline = BootTime::Never()) {
    effects_.clear();
    EXPECT_NE(session.Send(Text(text), deadline, now_, effects_), 0u);
    const auto frames = Only<Transmit>(effects_);
    EXPECT_EQ(frames.size(), 1u);
    return frames.at(0);
  }
  FrameVerdict Give(Session& session, const Transmit& frame) {
    effects_.clear();
    return session.OnFrame(frame.header, frame.payload, now_, effects_);
  }
  std::vector<std::string> Delivered() const {
    std::vector<std::string> texts;
    for (const Deliver& deliver : Only<Deliver>(effects_)) {
      texts.emplace_back(deliver.payload.view());
    }
    return texts;
  }

  BootTime now_ = At(seconds(100));
  SessionEffects effects_;
};

using Texts = std::vector<std::string>;

TEST_F(SessionTest, NumbersDeliversAndAcknowledgesOnTheWayBack) {
  Session a = Make(kA, kB);
  Session b = Make(kB, kA);
  const Transmit one = SendOne(a, "one");
  EXPECT_EQ(one.header.seq, 1u);
  EXPECT_EQ(one.header.epoch, 7u);
  EXPECT_EQ(one.header.from, kA);
  EXPECT_EQ(one.header.to, kB);
  EXPECT_EQ(Give(b, one), FrameVerdict::kAccepted);
  EXPECT_EQ(Delivered(), Texts{"one"});
  EXPECT_EQ(a.in_flight(), 1u);
  EXPECT_EQ(a.queued_bytes(), 3u);
  Give(a, SendOne(b, "reply"));
  EXPECT_EQ(Delivered(), Texts{"reply"});
  EXPECT_EQ(a.in_flight(), 0u);
  EXPECT_EQ(a.queued_bytes(), 0u);
}

TEST_F(SessionTest, AcknowledgesAloneAfterTheDelay) {
  Session a = Make(kA, kB);
  Session b = Make(kB, kA);
  Give(b, SendOne(a, "one"));
  const auto timers = Only<SetSessionTimer>(effects_);
  ASSERT_EQ(timers.size(), 1u);
  EXPECT_EQ(timers[0].at, now_ + milliseconds(20));
  effects_.clear();
  b.OnTimer(now_ + milliseconds(19), effects_);
  EXPECT_TRUE(Only<Transmit>(effects_).empty()) << "too early";
  effects_.clear();
  b.OnTimer(now_ + milliseconds(20), effects_);
  const auto acks = Only<Transmit>(effects_);
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(acks[0].header.kind, SessionKind::kAck);
  EXPECT_EQ(acks[0].header.ack, 1u);
  Give(a, acks[0]);
  EXPECT_EQ(a.in_flight(), 0u);
}

TEST_F(SessionTest, DuplicatesAreDroppedAndAcknowledgedAgain) {
  Session a = Make(kA, kB);
  Session b = Make(kB, kA);
  const Transmit one = SendOne(a, "one");
  Give(b, one);
  EXPECT_EQ(Give(b, one), FrameVerdict::kDuplicate);
  EXPECT_EQ(Delivered(), Texts{});
  ASSERT_EQ(Only<Transmit>(effects_).size(), 1u);
  EXPECT_EQ(Only<Transmit>(effects_)[0].header.ack, 1u);
  EXPECT_EQ(b.counts().duplicates, 1u);
}

TEST_F(SessionTest, ReorderedFramesAreDeliveredInOrder) {
  Session a = Make(kA, kB);
  Session b = Make(kB, kA);
  const Transmit one = SendOne(a, "one");
  const Transmit two = SendOne(a, "two");
  const Transmit three = SendOne(a, "three");
  Give(b, three);
  EXPECT_EQ(Delivered(), Texts{});
  Give(b, two);
  EXPECT_EQ(Give(b, two), FrameVerdict::kDuplicate) << "it waits already";
  Give(b, one);
  EXPECT_EQ(Delivered(), (Texts{"one", "two", "three"}));
}

TEST_F(SessionTest, SendsAgainWithBackoffAndGivesUp) {
  Session a = Make(kA, kB);
  SendOne(a, "one");
  ASSERT_EQ(Only<SetSessionTimer>(effects_).size(), 1u);
  BootTime at = Only<SetSessionTimer>(effects_)[0].at;
  std::vector<Duration> waits;
  const BootTime start = now_;
  while (!a.ended()) {
    waits.push_back(at - now_);
    now_ = at;
    effects_.clear();
    a.OnTimer(now_, effects_);
    if (a.ended()) break;
    const auto frames = Only<Transmit>(effects_);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0].header.seq, 1u);
    ASSERT_EQ(Only<SetSessionTimer>(effects_).size(), 1u);
    at = Only<SetSessionTimer>(effects_)[0].at;
    ASSERT_LT(waits.size(), 100u);
  }
  EXPECT_EQ(Only<SessionLost>(effects_).size(), 1u);
  EXPECT_EQ(now_ - start, seconds(30));
  ASSERT_GE(waits.size(), 4u);
  EXPECT_EQ(waits[0], milliseconds(200));
  EXPECT_EQ(waits[1], milliseconds(400));
  EXPECT_EQ(waits[2], milliseconds(800));
  effects_.clear();
  EXPECT_EQ(a.Send(Text("more"), BootTime::Never(), now_, effects_), 0u);
  EXPECT_TRUE(effects_.empty());
}

TEST_F(SessionTest, OverANewConnectionAllThatIsUnacknowledgedGoesAtOnce) {
  SessionOptions options = OptionsOf(kA, kB);
  options.window = 3;
  Session a(options);
  Session b = Make(kB, kA);
  Give(b, SendOne(a, "one"));
  EXPECT_EQ(b.received(), 1u);
  (void)SendOne(a, "two");
  const Transmit three = SendOne(a, "three");
  EXPECT_NE(a.Send(Text("four"), BootTime::Never(), now_, effects_), 0u);
  SessionHeader known = three.header;  // what b has said of itself meanwhile
  known.from = kB;
  known.to = kA;
  known.kind = SessionKind::kAck;
  known.ack = b.received();
  known.credits = 2;
  effects_.clear();
  a.OnFrame(known, Bytes(), now_, effects_);
  effects_.clear();
  a.Resend(now_, effects_);
  const auto frames = Only<Transmit>(effects_);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].payload.view(), "two");
  EXPECT_EQ(frames[1].payload.view(), "three");
  EXPECT_EQ(a.counts().retransmitted, 2u);
  for (const Transmit& frame : frames) {
    EXPECT_EQ(Give(b, frame), FrameVerdict::kAccepted);
  }
  EXPECT_EQ(Give(b, frames[1]), FrameVerdict::kDuplicate);
  EXPECT_EQ(b.received(), 3u);
}

TEST_F(SessionTest, WhatIsOverTheWindowWaitsForCredits) {
  SessionOptions options = OptionsOf(kA, kB);
  options.window = 2;
  Session a(options);
  SendOne(a, "1");
  const Transmit two = SendOne(a, "2");
  effects_.clear();
  EXPECT_EQ(a.Send(Text("3"), BootTime::Never(), now_, effects_), 3u);
  EXPECT_TRUE(Only<Transmit>(effects_).empty());
  EXPECT_EQ(a.in_flight(), 2u);
  Transmit ack{RejectStale(two.header), Bytes()};
  ack.header.kind = SessionKind::kAck;
  ack.header.seq = 0;
  ack.header.ack = 1;
  ack.header.credits = 2;
  EXPECT_EQ(Give(a, ack), FrameVerdict::kAccepted);
  const auto frames = Only<Transmit>(effects_);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].header.seq, 3u);
}

TEST_F(SessionTest, WithoutRetransmissionNothingIsKeptAndHalfAWindowIsAcked) {
  SessionOptions options = OptionsOf(kA, kB);
  options.window = 4;
  options.retransmit = false;
  options.ack_delay = Duration::max();
  Session a(options);
  options.self = kB;
  options.peer = kA;
  Session b(options);
  Give(b, SendOne(a, "1"));
  EXPECT_EQ(effects_.size(), 1u) << "no timer, no acknowledgement";
  EXPECT_EQ(a.queued_bytes(), 0u);
  Give(b, SendOne(a, "2"));
  const auto acks = Only<Transmit>(effects_);
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(acks[0].header.ack, 2u);
  Give(a, acks[0]);
  EXPECT_EQ(a.in_flight(), 0u);
}

TEST_F(SessionTest, AFullQueueRefusesAndChangesNothing) {
  SessionOptions options = OptionsOf(kA, kB);
  options.queued_bytes_max = 4;
  Session a(options);
  SendOne(a, "abc");
  effects_.clear();
  EXPECT_EQ(a.Send(Text("de"), BootTime::Never(), now_, effects_), 0u);
  EXPECT_TRUE(effects_.empty());
  EXPECT_EQ(SendOne(a, "d").header.seq, 2u);
}

TEST_F(SessionTest, BudgetsShrinkAndDeadlinesComeOutOnTheOtherClock) {
  Session a = Make(kA, kB);
  Session b = Make(kB, kA);
  const Transmit one = SendOne(a, "one", now_ + seconds(3));
  EXPECT_EQ(one.header.budget, seconds(3));
  effects_.clear();
  a.OnTimer(now_ + milliseconds(200), effects_);
  ASSERT_EQ(Only<Transmit>(effects_).size(), 1u);
  const Transmit again = Only<Transmit>(effects_)[0];
  EXPECT_EQ(again.header.budget, milliseconds(2800));
  now_ = At(seconds(5));  // the other machine started later
  Give(b, again);
  ASSERT_EQ(Only<Deliver>(effects_).size(), 1u);
  EXPECT_EQ(Only<Deliver>(effects_)[0].deadline, now_ + milliseconds(2800));
}

TEST_F(SessionTest, AZombieOfAnEarlierEpochLearnsIt) {
  SessionOptions old = OptionsOf(kA, kB);
  old.epoch = 6;
  Session zombie(old);
  Session b = Make(kB, kA);
  EXPECT_EQ(Give(b, SendOne(zombie, "late")), FrameVerdict::kStale);
  EXPECT_EQ(Delivered(), Texts{});
  const auto answers = Only<Transmit>(effects_);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].header.kind, SessionKind::kStale);
  Give(zombie, answers[0]);
  EXPECT_TRUE(zombie.ended());
  EXPECT_EQ(Only<SessionStale>(effects_).size(), 1u);
  EXPECT_FALSE(b.ended());
}

TEST_F(SessionTest, AFrameOfALaterEpochEndsThisEnd) {
  SessionOptions old = OptionsOf(kB, kA);
  old.epoch = 6;
  Session zombie(old);
  Session a = Make(kA, kB);
  EXPECT_EQ(Give(zombie, SendOne(a, "new")), FrameVerdict::kStale);
  EXPECT_TRUE(zombie.ended());
  EXPECT_TRUE(Only<Transmit>(effects_).empty());
}

TEST_F(SessionTest, OnlyTheSessionThatWasRejectedEnds) {
  Session a = Make(kA, kB);
  const Transmit to_b = SendOne(a, "hello");
  Session reborn = Make(ProcessId{1, 3}, kA);  // in the place of b
  EXPECT_EQ(Give(reborn, to_b), FrameVerdict::kStale);
  const Transmit answer = Only<Transmit>(effects_).at(0);
  Session next = Make(kA, ProcessId{1, 3});
  EXPECT_EQ(Give(next, answer), FrameVerdict::kRefused);
  EXPECT_FALSE(next.ended());
  EXPECT_EQ(Give(a, answer), FrameVerdict::kAccepted);
  EXPECT_TRUE(a.ended());
}

TEST_F(SessionTest, FramesThatNoHonestPeerSendsAreRefused) {
  Session a = Make(kA, kB);
  Session b = Make(kB, kA);
  const Transmit good = SendOne(a, "one");
  auto refused = [this, &b](Transmit frame) {
    return Give(b, frame) == FrameVerdict::kRefused && effects_.empty();
  };
  Transmit bad = good;
  bad.header.seq = 0;
  EXPECT_TRUE(refused(bad));
  bad.header.seq = 1025;
  EXPECT_TRUE(refused(bad)) << "outside the window";
  bad.header.seq = UINT64_MAX;
  EXPECT_TRUE(refused(bad));
  bad = good;
  bad.header.ack = 1;
  EXPECT_TRUE(refused(bad)) << "b has sent nothing";
  bad = good;
  bad.header.credits = UINT32_MAX;
  EXPECT_TRUE(refused(bad));
  bad = good;
  bad.header.kind = static_cast<SessionKind>(9);
  EXPECT_TRUE(refused(bad));
  EXPECT_EQ(Give(b, good), FrameVerdict::kAccepted);
}

}  // namespace
}  // namespace mobula::base
