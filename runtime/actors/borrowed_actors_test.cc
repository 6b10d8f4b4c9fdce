// What BorrowedActors makes of an owner's word; how calls follow an actor is in
// runtime/core/core_actor_test.
#include "runtime/actors/borrowed_actors.h"

#include <gtest/gtest.h>

#include <chrono>
#include <utility>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "runtime/actors/actor_news.h"
#include "runtime/core/events.h"
#include "runtime/core/peer_links.h"
#include "runtime/core/produced.h"

namespace mobula::runtime {
namespace {

using base::FailureCode;
using What = ActorNews::What;

constexpr base::ActorId kActor{8, 1};
constexpr base::ProcessId kOwner{1, 5}, kWorker{1, 6};

class BorrowedActorsTest : public testing::Test {
 protected:
  BorrowedActorsTest() {
    out_.effects = &effects_;
    links_.Attached(kOwner);
    links_.Attached(kWorker);
    actors_.Adopt(kActor, kOwner, out_);
    Move(kWorker);
    EXPECT_EQ(Last().what, What::kUp);
  }

  void Move(base::ProcessId worker, base::Failure failure = base::Failure(),
            bool dead = false) {
    base::ActorMoved moved;
    moved.actor = kActor;
    moved.incarnation = 1;
    moved.worker = worker;
    moved.dead = dead;
    moved.failure = std::move(failure);
    actors_.Moved(kOwner, std::move(moved), now_, out_);
  }
  ActorNews Last() {
    EXPECT_FALSE(actors_.news().empty());
    return actors_.news().empty() ? ActorNews() : actors_.news().back();
  }
  static base::Failure Killed() {
    base::Failure failure;
    failure.code = FailureCode::kWorkerDied;
    failure.message = "the worker process was killed by signal 9 (SIGKILL)";
    failure.signal = 9;
    failure.pid = 77;
    failure.log_tail = {"last words"};
    return failure;
  }

  Effects effects_;
  Produced out_;
  PeerLinks links_;
  BorrowedActors actors_{links_};
  base::BootTime now_ = base::BootTime::FromSinceBoot(std::chrono::hours(1));
};

TEST_F(BorrowedActorsTest, WhatEndedALifeIsToldAsItsOwnerTellsIt) {
  Move(base::ProcessId(), Killed());
  actors_.LinkEnded(kWorker, now_, out_);
  EXPECT_EQ(Last().what, What::kDown);
  EXPECT_EQ(Last().failure, Killed());
}

TEST_F(BorrowedActorsTest, ThatItWasNoneOfItsDoingIsTold) {
  base::Failure failure = Killed();
  failure.code = FailureCode::kCoHosted;
  Move(base::ProcessId(), failure);
  actors_.LinkEnded(kWorker, now_, out_);
  EXPECT_EQ(Last().what, What::kDown);
  EXPECT_EQ(Last().failure.code, FailureCode::kCoHosted);
}

TEST_F(BorrowedActorsTest, AnOwnerThatDoesNotKnowLeavesItAtThat) {
  actors_.LinkEnded(kWorker, now_, out_);
  Move(base::ProcessId());
  EXPECT_EQ(Last().what, What::kDown);
  EXPECT_EQ(Last().failure.code, FailureCode::kWorkerDied);
  EXPECT_EQ(Last().failure.message, "the actor's worker has ended");
}

TEST_F(BorrowedActorsTest, TheCauseOfADeathIsTheActors) {
  Move(base::ProcessId(), base::NotRun(FailureCode::kActorDied, "killed"),
       /*dead=*/true);
  actors_.LinkEnded(kWorker, now_, out_);
  EXPECT_EQ(Last().what, What::kDead);
  EXPECT_EQ(Last().failure.message, "killed");
}

// Its owner hears of it later: what is asked until then must not go to it.
TEST_F(BorrowedActorsTest, WhatEndedItselfIsDeadAtOnce) {
  actors_.Exited(kActor);
  EXPECT_EQ(Last().what, What::kDead);
  EXPECT_EQ(Last().unstarted, Unstarted::kAll);
  EXPECT_EQ(Last().failure.code, FailureCode::kActorDied);
  EXPECT_EQ(Last().failure.executed, base::Executed::kNo);
  const std::size_t told = actors_.news().size();
  Move(base::ProcessId(), Killed(), /*dead=*/true);
  actors_.LinkEnded(kWorker, now_, out_);
  EXPECT_EQ(actors_.news().size(), told);
}

}  // namespace
}  // namespace mobula::runtime
