#include "tests/sim/key_history.h"

#include <gtest/gtest.h>

namespace mobula::sim {
namespace {

constexpr std::nullopt_t kAny = std::nullopt;

TEST(KeyHistoryTest, WhatFitsIsRight) {
  KeyHistory key;
  EXPECT_EQ(key.GotAnswer(key.AskGet(), 0, kAny), "");
  const auto put = key.AskPut("x");
  const auto early = key.AskGet();
  EXPECT_EQ(key.GotAnswer(key.AskGet(), 1, "x"), "") << "before its answer";
  EXPECT_EQ(key.PutAnswer(put, "x", kAny, 1), "");
  EXPECT_EQ(key.GotAnswer(early, 0, kAny), "") << "asked before it was seen";
  EXPECT_EQ(key.PutAnswer(key.AskPut("y"), "y", 1, 2), "");
  const auto gone = key.AskDelete();
  EXPECT_EQ(key.DeleteAnswer(gone, 2, 2), "");
  EXPECT_EQ(key.GotAnswer(key.AskGet(), 0, kAny), "");
  EXPECT_EQ(key.PutAnswer(key.AskPut("z"), "z", 0, 3), "");
}

TEST(KeyHistoryTest, WhatWasAcknowledgedIsNotLost) {
  KeyHistory key;
  EXPECT_EQ(key.PutAnswer(key.AskPut("x"), "x", kAny, 1), "");
  EXPECT_NE(key.GotAnswer(key.AskGet(), 0, kAny), "") << "lost";
  EXPECT_EQ(key.PutAnswer(key.AskPut("y"), "y", kAny, 2), "");
  EXPECT_NE(key.GotAnswer(key.AskGet(), 1, "x"), "") << "older than was seen";
  EXPECT_NE(key.GotAnswer(key.AskGet(), 2, "x"), "") << "another value";
  EXPECT_NE(key.GotAnswer(key.AskGet(), 3, "w"), "") << "that nobody put";
}

TEST(KeyHistoryTest, ADeleteWithoutAnAnswerMayHappenLate) {
  KeyHistory key;
  EXPECT_EQ(key.PutAnswer(key.AskPut("x"), "x", kAny, 1), "");
  key.AskDelete();
  EXPECT_EQ(key.GotAnswer(key.AskGet(), 1, "x"), "");
  EXPECT_EQ(key.GotAnswer(key.AskGet(), 0, kAny), "");
}

TEST(KeyHistoryTest, VersionsAreMadeOnceAndGrow) {
  KeyHistory key;
  const auto one = key.AskPut("x");
  const auto other = key.AskPut("y");
  EXPECT_EQ(key.PutAnswer(one, "x", kAny, 1), "");
  EXPECT_NE(key.PutAnswer(other, "y", kAny, 1), "") << "twice";
  EXPECT_NE(key.PutAnswer(key.AskPut("z"), "z", kAny, 1), "");
  EXPECT_NE(key.PutAnswer(key.AskPut("w"), "w", 1, 3), "") << "not the next";
}

TEST(KeyHistoryTest, WhatIsDeletedDoesNotComeBack) {
  KeyHistory key;
  EXPECT_EQ(key.PutAnswer(key.AskPut("x"), "x", kAny, 1), "");
  EXPECT_EQ(key.DeleteAnswer(key.AskDelete(), kAny, 1), "");
  EXPECT_NE(key.GotAnswer(key.AskGet(), 1, "x"), "");
  EXPECT_NE(key.DeleteAnswer(key.AskDelete(), kAny, 1), "");
}

TEST(KeyHistoryTest, AConflictNeedsAnother) {
  KeyHistory key;
  EXPECT_EQ(key.PutAnswer(key.AskPut("x"), "x", kAny, 1), "");
  EXPECT_NE(key.ConflictAnswer(key.AskPut("y"), 1), "") << "it was alone";
  key.PutRefused("y");
  const auto asked = key.AskPut("z");
  key.AskPut("w");
  EXPECT_EQ(key.ConflictAnswer(asked, 1), "") << "the other came first";
}

TEST(KeyHistoryTest, WhatWasRefusedIsNeverSeen) {
  KeyHistory key;
  key.AskPut("x");
  key.PutRefused("x");
  EXPECT_NE(key.GotAnswer(key.AskGet(), 1, "x"), "");
}

}  // namespace
}  // namespace mobula::sim
