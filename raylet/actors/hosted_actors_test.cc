#include "raylet/actors/hosted_actors.h"

#include <gtest/gtest.h>

#include "base/control/records.h"
#include "base/failure.h"
#include "base/ids.h"

namespace mobula::raylet {
namespace {

const base::NodeId kNode{30, 1};
const base::ActorId kActor{50, 1};
const base::ProcessId kWorker{20, 1};

base::ActorRecord Record(std::int64_t incarnation) {
  base::ActorRecord record;
  record.actor = kActor;
  record.detached = true;
  record.incarnation = incarnation;
  record.spec.emplace();
  return record;
}

HostedActors::Ids Ids(std::uint64_t number) {
  return {{40, number}, {60, number}, {70, number}};
}

TEST(HostedActorsTest, AnIncarnationThatIsGoneDoesNotBeginAgain) {
  HostedActors actors(kNode);
  HostedActors::Out out;
  ASSERT_NE(actors.Host(Record(1), Ids(1), out), nullptr);
  ASSERT_TRUE(actors.Granted(Ids(1).lease, kWorker, 9).has_value());
  base::Failure failure;
  failure.code = base::FailureCode::kWorkerDied;
  actors.Lost(Ids(1).lease, failure, out);
  EXPECT_EQ(out.reports.back().state, base::ActorState::kRestarting);
  EXPECT_EQ(actors.Host(Record(1), Ids(2), out), nullptr) << "said twice";
  EXPECT_NE(actors.Host(Record(2), Ids(3), out), nullptr);
  actors.CheckInvariants();
}

TEST(HostedActorsTest, WhatWasStoppedComesBackAsALaterIncarnationOnly) {
  HostedActors actors(kNode);
  HostedActors::Out out;
  ASSERT_NE(actors.Host(Record(3), Ids(1), out), nullptr);
  actors.Stop(kActor, 3, out);
  EXPECT_EQ(actors.size(), 0u);
  EXPECT_EQ(actors.Host(Record(3), Ids(2), out), nullptr);
  EXPECT_NE(actors.Host(Record(4), Ids(3), out), nullptr);
}

}  // namespace
}  // namespace mobula::raylet
