#include "raylet/arenas/folder_turns.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <vector>

namespace mobula::raylet {
namespace {

using base::BootTime;
using Order = std::vector<std::size_t>;
using std::chrono::seconds;

class FolderTurnsTest : public testing::Test {
 protected:
  BootTime now_ = BootTime::FromSinceBoot(seconds(1000));
  FolderTurns turns_{2};
};

TEST_F(FolderTurnsTest, GoodFoldersAreUsedInTurn) {
  EXPECT_EQ(turns_.Order(now_), (Order{0, 1}));
  EXPECT_EQ(turns_.Order(now_), (Order{1, 0}));
  EXPECT_EQ(turns_.Order(now_), (Order{0, 1}));
  EXPECT_EQ(FolderTurns(0).Order(now_), Order());
}

TEST_F(FolderTurnsTest, OneThatFailsIsLeftAloneAndTriedAgain) {
  EXPECT_FALSE(turns_.Failed(0, "no room in /a", now_));
  EXPECT_FALSE(turns_.Failed(0, "no room in /a", now_));
  EXPECT_EQ(turns_.Wrong(), "");
  EXPECT_TRUE(turns_.Failed(0, "no room in /a", now_));
  EXPECT_EQ(turns_.Wrong(), "no room in /a");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(turns_.Order(now_), (Order{1, 0}));
  now_ = now_ + seconds(30);
  EXPECT_EQ(turns_.Order(now_), (Order{0, 1}));
  // In vain: it is known by now, and rests again.
  EXPECT_FALSE(turns_.Failed(0, "no room in /a", now_));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(turns_.Order(now_), (Order{1, 0}));
  now_ = now_ + seconds(30);
  EXPECT_EQ(turns_.Order(now_)[0], 1u);
  EXPECT_EQ(turns_.Order(now_)[0], 0u);
  turns_.Worked(0);
  EXPECT_EQ(turns_.Wrong(), "");
  EXPECT_EQ(turns_.Order(now_), (Order{1, 0}));
  EXPECT_EQ(turns_.Order(now_), (Order{0, 1}));
}

TEST_F(FolderTurnsTest, OneThatWorksNowAndThenIsNotLeftAlone) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(turns_.Failed(1, "why", now_));
    EXPECT_FALSE(turns_.Failed(1, "why", now_));
    turns_.Worked(1);
  }
  EXPECT_EQ(turns_.Wrong(), "");
}

TEST_F(FolderTurnsTest, WhereNoneIsGoodAllAreTried) {
  for (const std::size_t folder : {0, 1}) {
    for (int i = 0; i < 3; ++i) turns_.Failed(folder, "why", now_);
  }
  EXPECT_EQ(turns_.Order(now_), (Order{0, 1}));
  EXPECT_EQ(turns_.Wrong(), "why; why");
}

}  // namespace
}  // namespace mobula::raylet
