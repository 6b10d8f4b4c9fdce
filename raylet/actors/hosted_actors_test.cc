#include "raylet/actors/hosted_actors.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/scheduling/resource_vector.h"

namespace mobula::raylet {
namespace {

using base::ActorId;
using base::ActorState;
using base::FailureCode;
using base::ProcessId;

const base::NodeId kNode{1, 1};
const ActorId kActor{2, 1};

base::ActorRecord RecordOf(ActorId actor, std::int64_t incarnation) {
  base::ActorRecord record;
  record.actor = actor;
  record.job = base::JobId{9, 9};
  record.class_name = "Index";
  record.detached = true;
  record.incarnation = incarnation;
  record.spec.emplace();
  record.name = "index";
  record.spec->args = {base::Bytes::Own("arg")};
  record.spec->resources = base::ResourceVector::Cpus(0.5);
  return record;
}

class HostedActorsTest : public testing::Test {
 protected:
  HostedActors::Ids NewIds() {
    ++made_;
    return {base::JobId{3, made_}, base::LeaseId{4, made_},
            base::TaskId{5, made_}};
  }
  HostedActors::Ids Host(std::int64_t incarnation = 1) {
    const HostedActors::Ids ids = NewIds();
    EXPECT_NE(hosted.Host(RecordOf(kActor, incarnation), ids, out), nullptr);
    return ids;
  }
  void SayDone(ProcessId worker, base::TaskId task,
               base::Outcome outcome = base::Bytes(), bool exited = false) {
    base::TaskDone done;
    done.task = task;
    done.outcome = std::move(outcome);
    done.actor_exited = exited;
    hosted.Done(worker, done, out);
    hosted.CheckInvariants();
  }

  HostedActors hosted{kNode};
  HostedActors::Out out;
  const ProcessId worker{6, 1};

 private:
  std::uint64_t made_ = 0;
};

TEST_F(HostedActorsTest, ItIsMadeOnAWorkerOfItsOwn) {
  const auto ids = Host();
  EXPECT_FALSE(hosted.Granted(base::LeaseId{4, 77}, worker, 50).has_value());
  const auto create = hosted.Granted(ids.lease, worker, 50);
  ASSERT_TRUE(create.has_value());
  EXPECT_EQ(create->task, ids.creation);
  EXPECT_EQ(create->args.size(), 1u);
  EXPECT_EQ(create->assigned.name, "index");
  EXPECT_EQ(create->assigned.resources, base::ResourceVector::Cpus(0.5));
  EXPECT_FALSE(hosted.Granted(ids.lease, worker, 50).has_value());
  SayDone(ProcessId{6, 2}, ids.creation);  // of somebody else
  SayDone(worker, base::TaskId{5, 77});    // of something else
  ASSERT_EQ(out.reports.size(), 1u);
  EXPECT_EQ(out.reports[0].state, ActorState::kPending);
  SayDone(worker, ids.creation);
  SayDone(worker, ids.creation);
  ASSERT_EQ(out.reports.size(), 2u);
  EXPECT_EQ(out.reports[1].state, ActorState::kAlive);
  EXPECT_EQ(out.reports[1].worker, worker);
  EXPECT_EQ(out.reports[1].pid, 50);
  EXPECT_TRUE(out.end_jobs.empty());
}

TEST_F(HostedActorsTest, OnlyALaterIncarnationTakesItsPlace) {
  const auto first = Host(2);
  EXPECT_EQ(hosted.Host(RecordOf(kActor, 2), NewIds(), out), nullptr);
  EXPECT_EQ(hosted.Host(RecordOf(kActor, 1), NewIds(), out), nullptr);
  EXPECT_TRUE(out.end_jobs.empty());
  const auto second = Host(3);
  ASSERT_EQ(out.end_jobs.size(), 1u);
  EXPECT_EQ(out.end_jobs[0].job, first.job);
  hosted.Lost(first.lease, base::Failure(), out);
  EXPECT_EQ(hosted.Find(kActor)->job, second.job);
  EXPECT_EQ(out.reports.size(), 2u);
}

TEST_F(HostedActorsTest, AStopOfALaterLifeEndsThisOneToo) {
  Host(2);
  hosted.Stop(kActor, 1, out);
  EXPECT_NE(hosted.Find(kActor), nullptr);
  hosted.Stop(kActor, 2, out);
  EXPECT_EQ(hosted.Find(kActor), nullptr);
  ASSERT_EQ(out.end_jobs.size(), 1u);
  EXPECT_TRUE(out.end_jobs[0].at_once);
  EXPECT_EQ(out.reports.size(), 1u);
}

TEST_F(HostedActorsTest, WhatCanNeverBeginIsDead) {
  const auto ids = Host();
  base::Failure failure;
  failure.code = FailureCode::kWorkerStart;
  failure.message = "no program";
  hosted.CannotBegin(ids.lease, failure, out);
  EXPECT_EQ(out.reports.back().state, ActorState::kDead);
  EXPECT_EQ(out.reports.back().cause.message, "no program");
  EXPECT_EQ(out.reports.back().cause.function, "Index");
  EXPECT_EQ(out.end_jobs.size(), 1u);
  EXPECT_EQ(hosted.size(), 0u);
  // One that has a worker has begun.
  const auto next = Host(2);
  hosted.Granted(next.lease, worker, 50);
  hosted.CannotBegin(next.lease, failure, out);
  EXPECT_EQ(hosted.size(), 1u);
}

TEST_F(HostedActorsTest, ItsWorkersDeathIsTheStoresToJudge) {
  const auto ids = Host();
  hosted.Granted(ids.lease, worker, 50);
  SayDone(worker, ids.creation);
  base::Failure failure;
  failure.code = FailureCode::kWorkerDied;
  failure.signal = 9;
  hosted.Lost(ids.lease, failure, out);
  EXPECT_EQ(out.reports.back().state, ActorState::kRestarting);
  EXPECT_EQ(out.reports.back().cause.signal, 9);
  EXPECT_EQ(out.reports.back().cause.function, "Index");
  EXPECT_EQ(hosted.size(), 0u);
  SayDone(worker, ids.creation);  // late
  EXPECT_EQ(out.reports.size(), 3u);
}

TEST_F(HostedActorsTest, AConstructorThatThrowsAndAnActorThatLeavesAreDead) {
  auto ids = Host();
  hosted.Granted(ids.lease, worker, 50);
  base::Failure failure;
  failure.message = "no";
  SayDone(worker, ids.creation, failure);
  EXPECT_EQ(out.reports.back().state, ActorState::kDead);
  EXPECT_EQ(out.reports.back().cause.message, "no");
  EXPECT_EQ(out.reports.back().cause.pid, 50);
  EXPECT_FALSE(out.end_jobs.back().at_once);
  ids = Host(2);
  hosted.Granted(ids.lease, worker, 50);
  SayDone(worker, ids.creation);
  SayDone(worker, ids.creation, base::Bytes(), /*exited=*/true);
  EXPECT_EQ(out.reports.back().state, ActorState::kDead);
  EXPECT_EQ(out.reports.back().cause.code, FailureCode::kActorDied);
}

TEST_F(HostedActorsTest, AWorkerThatIsEndingIsNotTheConstructorsFault) {
  const auto ids = Host();
  hosted.Granted(ids.lease, worker, 50);
  base::Failure failure;
  failure.code = FailureCode::kCancelled;
  SayDone(worker, ids.creation, failure);
  EXPECT_EQ(out.reports.back().state, ActorState::kRestarting);
}

TEST_F(HostedActorsTest, AnIncarnationThatIsGoneDoesNotBeginAgain) {
  const auto ids = Host();
  hosted.Granted(ids.lease, worker, 50);
  hosted.Lost(ids.lease, base::Failure(), out);
  EXPECT_EQ(out.reports.back().state, ActorState::kRestarting);
  EXPECT_EQ(hosted.Host(RecordOf(kActor, 1), NewIds(), out), nullptr)
      << "said twice";
  Host(2);
  hosted.Stop(kActor, 2, out);
  EXPECT_EQ(hosted.Host(RecordOf(kActor, 2), NewIds(), out), nullptr);
  Host(3);
  hosted.CheckInvariants();
}

// Anything that may happen, in any order.
class RandomHost {
 public:
  explicit RandomHost(std::uint32_t seed) : random_(seed) {}

  void Run(int steps) {
    for (int i = 0; i < steps; ++i) {
      HostedActors::Out did;
      OneStep(did);
      hosted_.CheckInvariants();
      Check(did);
    }
    EXPECT_GT(ends_, 10u);
  }

 private:
  void OneStep(HostedActors::Out& did) {
    const ActorId actor{2, 1 + random_() % 4};
    ++made_;
    switch (random_() % 6) {
      case 0:
        return Host(actor, did);
      case 1:
        return hosted_.Stop(actor, 1 + random_() % 30, did);
      case 2:
        return Grant();
      case 3:
        if (!leases_.empty()) {
          hosted_.Lost(Pick(leases_).first, base::Failure(), did);
        }
        return;
      case 4:
        if (!leases_.empty()) {
          hosted_.CannotBegin(Pick(leases_).first, base::Failure(), did);
        }
        return;
      default:
        return Answer(did);
    }
  }
  void Host(ActorId actor, HostedActors::Out& did) {
    const HostedActors::Ids ids = {
        base::JobId{3, made_}, base::LeaseId{4, made_}, base::TaskId{5, made_}};
    const std::int64_t next = life_[actor] + 1 - random_() % 2;
    if (hosted_.Host(RecordOf(actor, next), ids, did) == nullptr) return;
    jobs_.insert(ids.job);
    leases_[ids.lease] = ids.creation;
  }
  void Grant() {
    if (leases_.empty()) return;
    const auto [lease, creation] = Pick(leases_);
    const ProcessId worker{6, made_};
    if (hosted_.Granted(lease, worker, 1).has_value()) {
      creations_[worker] = creation;
    }
  }
  void Answer(HostedActors::Out& did) {
    if (creations_.empty()) return;
    const auto [worker, creation] = Pick(creations_);
    base::TaskDone done;
    done.task = creation;
    if (random_() % 3 == 0) done.outcome = base::Failure();
    hosted_.Done(worker, done, did);
  }
  template <class M>
  std::pair<typename M::key_type, typename M::mapped_type> Pick(const M& from) {
    auto it = from.begin();
    std::advance(it, random_() % from.size());
    return *it;
  }
  // Of each actor the lives reported never go back, each has one end at most,
  // and every job that began ends.
  void Check(const HostedActors::Out& did) {
    for (const base::ActorReport& report : did.reports) {
      EXPECT_GE(report.incarnation, life_[report.actor]);
      life_[report.actor] = report.incarnation;
      const std::pair<ActorId, std::int64_t> which = {report.actor,
                                                      report.incarnation};
      EXPECT_FALSE(ended_.contains(which));
      if (report.state == ActorState::kDead ||
          report.state == ActorState::kRestarting) {
        ended_.insert(which);
      }
    }
    for (const auto& end : did.end_jobs) {
      EXPECT_EQ(jobs_.erase(end.job), 1u);
      ++ends_;
    }
    EXPECT_EQ(jobs_.size(), hosted_.size());
  }

  std::mt19937 random_;
  HostedActors hosted_{kNode};
  std::map<ActorId, std::int64_t> life_;
  std::set<std::pair<ActorId, std::int64_t>> ended_;
  std::set<base::JobId> jobs_;
  std::map<base::LeaseId, base::TaskId> leases_;
  std::map<ProcessId, base::TaskId> creations_;
  std::uint64_t made_ = 0;
  std::size_t ends_ = 0;
};

TEST(HostedActorsRandomTest, InvariantsHoldInAnyOrder) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomHost(seed).Run(500);
  }
}

}  // namespace
}  // namespace mobula::raylet
