#include "gcs/actors/actor_table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/codec/codec.h"
#include "base/control/control_codec.h"
#include "base/control/control_message.h"
#include "base/control/records.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/scheduling/resource_vector.h"
#include "gcs/core/events.h"
#include "gcs/core/record.h"

namespace mobula::gcs {
namespace {

using base::ActorState;
using Said = ActorTable::Said;

const base::NodeId kNode{1, 1}, kOther{1, 2};
const base::ProcessId kOwner{2, 1}, kWorker{2, 2};
const base::JobId kJob{3, 1};

base::ActorId Id(std::uint64_t lo) { return base::ActorId{4, lo}; }

base::ActorRecord Named(std::uint64_t lo, std::string name) {
  base::ActorRecord actor;
  actor.actor = Id(lo);
  actor.job = kJob;
  actor.owner = kOwner;
  actor.owner_node = kNode;
  actor.ns = "ns";
  actor.name = std::move(name);
  return actor;
}

base::ActorRecord Detached(std::uint64_t lo, int restarts_max = 1) {
  base::ActorRecord actor = Named(lo, "");
  actor.owner = base::ProcessId();
  actor.detached = true;
  actor.node = kNode;
  actor.restarts_max = restarts_max;
  actor.spec.emplace();
  actor.spec->resources = base::ResourceVector::Cpus(1);
  return actor;
}

base::ActorReport Report(std::uint64_t lo, ActorState state,
                         std::int64_t incarnation = 1,
                         base::ProcessId worker = kWorker) {
  base::ActorReport report;
  report.actor = Id(lo);
  report.state = state;
  report.incarnation = incarnation;
  report.worker = worker;
  report.job = kJob;
  report.owner = kOwner;
  return report;
}

// A report of a detached one, which has no owner.
base::ActorReport Hosted(std::uint64_t lo, ActorState state,
                         std::int64_t incarnation = 1) {
  base::ActorReport report = Report(lo, state, incarnation);
  report.owner = base::ProcessId();
  return report;
}

class ActorTableTest : public ::testing::Test {
 protected:
  ActorTableTest() : table_(Small()) {}
  ~ActorTableTest() override { table_.CheckInvariants(); }

  static ActorTable::Options Small() {
    ActorTable::Options options;
    options.living_max = 4;
    options.dead_max = 2;
    return options;
  }
  void Add(base::ActorRecord actor) {
    table_.Add(std::move(actor), ++wall_ms_, effects_);
  }
  Said Say(const base::ActorReport& report, base::NodeId from = kNode) {
    effects_.clear();
    const Said said = table_.Report(report, from, ++wall_ms_, effects_);
    table_.CheckInvariants();
    return said;
  }
  void Kill(std::uint64_t lo) {
    table_.Kill(Id(lo), base::Failure(), ++wall_ms_, effects_);
  }
  [[nodiscard]] ActorState State(std::uint64_t lo) const {
    return table_.Find(Id(lo))->state;
  }

  ActorTable table_;
  Effects effects_;
  std::int64_t wall_ms_ = 0;
};

TEST_F(ActorTableTest, FollowsWhatTheOwnerReports) {
  struct Case {
    ActorState state;
    std::int64_t incarnation;
    Said said;
    ActorState then;
  };
  using enum ActorState;
  const std::vector<Case> cases = {
      {kPending, 1, Said::kApplied, kPending},  // known from its first report
      {kPending, 1, Said::kIgnored, kPending},  // repeated
      {kAlive, 1, Said::kApplied, kAlive},
      {kRestarting, 2, Said::kApplied, kRestarting},
      {kAlive, 1, Said::kIgnored, kRestarting},  // of an earlier incarnation
      {kDead, 1, Said::kIgnored, kRestarting},
      {kAlive, 2, Said::kApplied, kAlive},
      {kDead, 2, Said::kApplied, kDead},
      {kDead, 2, Said::kIgnored, kDead},
      {kAlive, 3, Said::kMustStop, kDead},  // the dead do not return
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Say(Report(1, c.state, c.incarnation)), c.said);
    EXPECT_EQ(State(1), c.then);
    EXPECT_EQ(effects_.empty(), c.said != Said::kApplied);
  }
}

// Restarts that are not counted are its owner's affair: more incarnations than
// restarts.
TEST_F(ActorTableTest, FollowsWhatASharedOneIsReportedToBe) {
  base::ActorReport report = Report(1, ActorState::kAlive);
  report.shared = true;
  EXPECT_EQ(Say(report), Said::kApplied);
  EXPECT_TRUE(table_.Find(Id(1))->shared);
  EXPECT_FALSE(table_.Find(Id(1))->separated);
  report.state = ActorState::kRestarting;
  report.incarnation = 2;
  report.worker = base::ProcessId();
  report.separated = true;
  report.cause = base::NotRun(base::FailureCode::kCoHosted, "another one");
  EXPECT_EQ(Say(report), Said::kApplied);
  EXPECT_EQ(table_.Find(Id(1))->incarnation, 2);
  EXPECT_EQ(table_.Find(Id(1))->restarts, 0);
  EXPECT_TRUE(table_.Find(Id(1))->separated);
  EXPECT_EQ(table_.Find(Id(1))->cause.code, base::FailureCode::kCoHosted);
}

TEST_F(ActorTableTest, OnlyItsOwnersNodeSpeaksForAnOwnedActor) {
  Add(Named(1, "a"));
  EXPECT_TRUE(table_.Find(Id(1))->node.IsNil()) << "not spoken of yet";
  EXPECT_EQ(Say(Report(1, ActorState::kAlive), kOther), Said::kIgnored);
  EXPECT_EQ(State(1), ActorState::kPending);
  EXPECT_EQ(Say(Report(1, ActorState::kPending)), Said::kApplied);
  EXPECT_EQ(table_.Find(Id(1))->node, kNode);
}

TEST_F(ActorTableTest, AnUnknownActorWithoutAnOwnerMustStop) {
  EXPECT_EQ(Say(Hosted(1, ActorState::kAlive)), Said::kMustStop);
  EXPECT_EQ(Say(Hosted(1, ActorState::kDead)), Said::kIgnored);
  EXPECT_EQ(table_.Find(Id(1)), nullptr);
}

TEST_F(ActorTableTest, DecidesOfTheDetached) {
  Add(Detached(1));
  EXPECT_EQ(Say(Hosted(1, ActorState::kPending)), Said::kIgnored);
  EXPECT_EQ(Say(Hosted(1, ActorState::kAlive)), Said::kApplied);
  EXPECT_EQ(Say(Hosted(1, ActorState::kAlive)), Said::kIgnored);
  EXPECT_EQ(Say(Hosted(1, ActorState::kAlive), kOther), Said::kMustStop);
  EXPECT_EQ(Say(Hosted(1, ActorState::kDead), kOther), Said::kIgnored);
  EXPECT_EQ(Say(Hosted(1, ActorState::kRestarting)), Said::kRestart);
  table_.Restart(Id(1), kOther, ++wall_ms_, effects_);
  EXPECT_EQ(table_.Find(Id(1))->incarnation, 2);
  EXPECT_EQ(table_.Find(Id(1))->restarts, 1);
  EXPECT_EQ(Say(Hosted(1, ActorState::kAlive, 1), kOther), Said::kMustHost);
  EXPECT_EQ(Say(Hosted(1, ActorState::kAlive, 3), kOther), Said::kIgnored);
  EXPECT_EQ(Say(Hosted(1, ActorState::kAlive, 2), kOther), Said::kApplied);
  // Its restarts are used up.
  EXPECT_EQ(Say(Hosted(1, ActorState::kRestarting, 2), kOther), Said::kApplied);
  EXPECT_EQ(State(1), ActorState::kDead);
  EXPECT_FALSE(table_.Find(Id(1))->spec.has_value());
}

base::Failure Killed(std::int32_t signal) {
  base::Failure failure;
  failure.code = base::FailureCode::kWorkerDied;
  failure.message = "was killed by signal " + std::to_string(signal);
  failure.signal = signal;
  return failure;
}

TEST_F(ActorTableTest, WhatEndedTheLastLifeIsKept) {
  Say(Report(1, ActorState::kAlive));
  base::ActorReport restarting = Report(1, ActorState::kRestarting, 2);
  restarting.restarts = 1;
  restarting.cause = Killed(9);
  EXPECT_EQ(Say(restarting), Said::kApplied);
  EXPECT_EQ(table_.Find(Id(1))->cause, Killed(9));
  // It is all told again, after the store was away.
  restarting.cause = base::Failure();
  restarting.restarts = 2;
  EXPECT_EQ(Say(restarting), Said::kApplied);
  EXPECT_EQ(table_.Find(Id(1))->cause, Killed(9));
  EXPECT_EQ(Say(Report(1, ActorState::kAlive, 2)), Said::kApplied);
  EXPECT_EQ(table_.Find(Id(1))->cause, Killed(9));
  base::ActorReport again = Report(1, ActorState::kRestarting, 3);
  again.cause = Killed(11);
  EXPECT_EQ(Say(again), Said::kApplied);
  EXPECT_EQ(table_.Find(Id(1))->cause, Killed(11));
}

TEST_F(ActorTableTest, WhatEndedTheLastLifeOfADetachedOneIsKept) {
  Add(Detached(1));
  Say(Hosted(1, ActorState::kAlive));
  base::ActorReport lost = Hosted(1, ActorState::kRestarting);
  lost.cause = Killed(9);
  EXPECT_EQ(Say(lost), Said::kRestart);
  table_.Restart(Id(1), kNode, ++wall_ms_, effects_);
  EXPECT_EQ(table_.Find(Id(1))->cause, Killed(9));
  table_.Explain(Id(1), Killed(11));
  EXPECT_EQ(table_.Find(Id(1))->cause, Killed(11));
  EXPECT_EQ(Say(Hosted(1, ActorState::kAlive, 2)), Said::kApplied);
  EXPECT_EQ(table_.Find(Id(1))->cause, Killed(11));
}

TEST_F(ActorTableTest, MinusOneRestartsForever) {
  Add(Detached(1, /*restarts_max=*/-1));
  for (int i = 1; i < 50; ++i) {
    ASSERT_EQ(Say(Hosted(1, ActorState::kRestarting, i)), Said::kRestart);
    table_.Restart(Id(1), kNode, ++wall_ms_, effects_);
  }
  Add(Detached(2, /*restarts_max=*/0));
  EXPECT_EQ(Say(Hosted(2, ActorState::kRestarting)), Said::kApplied);
  EXPECT_EQ(State(2), ActorState::kDead);
}

TEST_F(ActorTableTest, WaitsForANodeAndIsPlaced) {
  Add(Detached(1));
  EXPECT_EQ(table_.OfNode(kNode), std::vector{Id(1)});
  table_.Restart(Id(1), base::NodeId(), ++wall_ms_, effects_);
  EXPECT_EQ(table_.Waiting(), std::vector{Id(1)});
  EXPECT_TRUE(table_.OfNode(kNode).empty());
  EXPECT_EQ(table_.Find(Id(1))->restarts, 0) << "only Charge counts";
  table_.Place(Id(1), kOther, effects_);
  EXPECT_TRUE(table_.Waiting().empty());
  EXPECT_EQ(table_.OfNode(kOther), std::vector{Id(1)});
  EXPECT_EQ(table_.Find(Id(1))->incarnation, 2);
}

TEST_F(ActorTableTest, NamesAreFreeWhenTheirHolderIsDead) {
  Add(Named(1, "a"));
  EXPECT_EQ(table_.FindNamed("ns", "a")->actor, Id(1));
  EXPECT_EQ(table_.FindNamed("other", "a"), nullptr);
  Kill(1);
  EXPECT_EQ(table_.FindNamed("ns", "a"), nullptr);
  Add(Named(2, "a"));
  EXPECT_EQ(table_.FindNamed("ns", "a")->actor, Id(2));
  Kill(1);  // again: nothing
  EXPECT_EQ(table_.FindNamed("ns", "a")->actor, Id(2));
}

TEST_F(ActorTableTest, RemembersTheLastDead) {
  for (std::uint64_t lo = 1; lo <= 3; ++lo) Add(Detached(lo));
  EXPECT_FALSE(table_.IsFull());
  Add(Named(4, "a"));
  EXPECT_TRUE(table_.IsFull());
  EXPECT_EQ(Say(Report(9, ActorState::kAlive)), Said::kIgnored) << "full";
  EXPECT_EQ(table_.OfJob(kJob), std::vector{Id(4)}) << "not the detached";
  Kill(2);
  Kill(1);
  Kill(3);
  EXPECT_EQ(table_.Find(Id(2)), nullptr);
  EXPECT_EQ(table_.dead(), 2u);
  EXPECT_EQ(table_.living(), 1u);
  EXPECT_TRUE(table_.OfNode(kOther).empty());
}

TEST_F(ActorTableTest, CountsTheAlive) {
  Add(Named(1, "a"));
  Add(Detached(2));
  EXPECT_EQ(table_.alive(), 0u);
  Say(Report(1, ActorState::kAlive));
  Say(Hosted(2, ActorState::kAlive));
  EXPECT_EQ(table_.alive(), 2u);
  Say(Report(1, ActorState::kRestarting, 2));
  Kill(2);
  EXPECT_EQ(table_.alive(), 0u);
}

// Restores from the writes, in the order of their keys, as the log does.
std::string RestoreFrom(const Effects& effects, ActorTable* table) {
  std::map<std::string, std::string> log;
  for (const Effect& effect : effects) {
    const Write& write = std::get<Write>(effect);
    if (write.value.has_value()) {
      log[write.key] = *write.value;
    } else {
      log.erase(write.key);
    }
  }
  std::string error;
  for (const auto& [key, text] : log) {
    std::string_view value = text;
    char version = 0;
    EXPECT_TRUE(
        TakeVersion(&value, VersionOf(*ParseTable(key)), &version, &error));
    base::ActorRecord actor;
    base::ActorSpec spec;
    if (ParseTable(key) == RecordTable::kSpec) {
      EXPECT_TRUE(base::Decode(value, &spec, &error)) << error;
      const auto id = ParseRecordKey<base::ActorId>(key);
      if (!table->RestoreSpec(*id, spec, &error)) return error;
    } else {
      EXPECT_TRUE(base::DecodeActor(value, &actor, &error)) << error;
      EXPECT_FALSE(actor.spec.has_value()) << "specs have their own records";
      if (!table->Restore(actor, &error)) return error;
    }
  }
  return "";
}

TEST_F(ActorTableTest, RestoresWhatItWrote) {
  Add(Named(1, "a"));
  Add(Detached(2));
  Add(Detached(3));
  table_.Report(Hosted(2, ActorState::kAlive), kNode, 9, effects_);
  Kill(3);
  ActorTable again(Small());
  EXPECT_EQ(RestoreFrom(effects_, &again), "");
  again.CheckInvariants();
  EXPECT_EQ(again.Find(Id(2))->spec->resources, base::ResourceVector::Cpus(1));
  EXPECT_EQ(again.Find(Id(3))->state, ActorState::kDead);
  EXPECT_EQ(again.FindNamed("ns", "a")->actor, Id(1));
  EXPECT_EQ(again.alive(), 1u);
  // Of a dead one there is no spec: nothing is left to forget.
  Effects effects;
  again.Start(effects);
  EXPECT_TRUE(effects.empty());
}

TEST_F(ActorTableTest, RefusesRecordsThatContradict) {
  std::string error;
  base::ActorRecord actor = Detached(1);
  actor.spec.reset();
  EXPECT_FALSE(table_.Restore(actor, &error));
  EXPECT_NE(error.find("no spec"), std::string::npos);
  EXPECT_FALSE(table_.Restore(Detached(1), &error)) << "spec in its record";
  actor.owner = kOwner;
  EXPECT_FALSE(table_.Restore(actor, &error)) << "detached and owned";
  EXPECT_TRUE(table_.Restore(Named(2, "a"), &error)) << error;
  EXPECT_FALSE(table_.Restore(Named(2, "a"), &error)) << "twice";
  EXPECT_FALSE(table_.Restore(Named(3, "a"), &error)) << "its name";
  actor = Named(4, "b");
  actor.owner_node = base::NodeId();
  EXPECT_FALSE(table_.Restore(actor, &error)) << "owned on no node";
  EXPECT_TRUE(table_.RestoreSpec(Id(5), base::ActorSpec(), &error));
  EXPECT_FALSE(table_.RestoreSpec(Id(5), base::ActorSpec(), &error));
  // A spec without an actor is forgotten.
  table_.Start(effects_);
  ASSERT_EQ(effects_.size(), 1u);
  EXPECT_FALSE(std::get<Write>(effects_[0]).value.has_value());
}

TEST_F(ActorTableTest, ThePlantAcceptsEarlierIncarnations) {
  ActorTable::Options options;
  options.plant_accept_stale_incarnation = true;
  ActorTable table(options);
  table.Add(Detached(1), 1, effects_);
  table.Restart(Id(1), kNode, 2, effects_);
  EXPECT_EQ(table.Report(Hosted(1, ActorState::kAlive, 1), kNode, 3, effects_),
            Said::kApplied);
}

}  // namespace
}  // namespace mobula::gcs
