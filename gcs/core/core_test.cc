#include "gcs/core/core.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/codec/codec.h"
#include "base/control/control_codec.h"
#include "base/control/control_message.h"
#include "base/failure.h"
#include "base/ids.h"
#include "gcs/core/fake_store.h"
#include "gcs/core/record.h"

namespace mobula::gcs {
namespace {

using base::ActorState;
using base::FailureCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

const base::ProcessId kRaylet1{10, 1}, kRaylet2{10, 2}, kTool{10, 9};
const base::ProcessId kDriver{20, 1}, kWorker{20, 2};
const base::NodeId kNode1{30, 1}, kNode2{30, 2};
const base::JobId kJob{40, 1};
const base::ActorId kActor{50, 1}, kOther{50, 2};

base::JobRecord Job() {
  base::JobRecord job;
  job.job = kJob;
  job.driver = kDriver;
  job.ns = "default";
  return job;
}

base::RegisterActor Named(base::ActorId actor, std::string name) {
  base::RegisterActor request;
  request.actor.actor = actor;
  request.actor.job = kJob;
  request.actor.owner = kDriver;
  request.actor.owner_node = kNode1;
  request.actor.ns = "default";
  request.actor.name = std::move(name);
  return request;
}

base::RegisterActor Detached(base::ActorId actor, double cpus = 1) {
  base::RegisterActor request = Named(actor, "");
  request.actor.owner = base::ProcessId();
  request.actor.detached = true;
  request.actor.spec.emplace();
  request.actor.spec->resources = base::ResourceVector::Cpus(cpus);
  request.actor.spec->args.push_back(base::Bytes::Own("argument"));
  return request;
}

base::ActorReport Report(base::ActorId actor, ActorState state,
                         std::int64_t incarnation = 1) {
  base::ActorReport report;
  report.actor = actor;
  report.state = state;
  report.incarnation = incarnation;
  report.worker = kWorker;
  report.pid = 123;
  return report;
}

base::ActorReport Owned(base::ActorId actor, ActorState state,
                        std::int64_t incarnation = 1) {
  base::ActorReport report = Report(actor, state, incarnation);
  report.job = kJob;
  report.owner = kDriver;
  report.class_name = "Counter";
  return report;
}

FailureCode CodeOf(const base::ControlReply& reply) {
  const auto* const failure = std::get_if<base::Failure>(&reply);
  return failure == nullptr ? FailureCode() : failure->code;
}

class CoreTest : public ::testing::Test {
 protected:
  CoreTest() {
    store_.Join(kRaylet1, kNode1, {Job()});
    store_.Join(kRaylet2, kNode2);
    store_.Forget();
  }

  // What is known of an actor; CHECKs that it is known.
  base::ActorRecord Get(base::ActorId actor) {
    base::FindActor find;
    find.actor = actor;
    return std::get<base::ActorAnswer>(store_.Call(kTool, find)).actor;
  }
  std::string CauseOf(base::NodeId node) {
    const auto all =
        std::get<base::NodesAnswer>(store_.Call(kTool, base::ListNodes()));
    for (const base::NodeRecord& one : all.nodes) {
      if (one.node == node) return one.cause;
    }
    return "no such node";
  }
  base::StatusAnswer Status() {
    return std::get<base::StatusAnswer>(store_.Call(kTool, base::GetStatus()));
  }

  FakeStore store_;
};

TEST_F(CoreTest, ANodeThatJoinsIsToldItsIncarnationAndLease) {
  FakeStore store;
  store.Join(kRaylet1, kNode1);
  store.Join(kRaylet2, kNode2);
  const auto joined = store.Sent<base::NodeJoined>(kRaylet2);
  ASSERT_EQ(joined.size(), 1u);
  EXPECT_EQ(joined[0].incarnation, 2);
  EXPECT_EQ(joined[0].lease_ms, 10'000);
  EXPECT_EQ(joined[0].epoch, 1u);
  store.Kill();
  store.Join(kRaylet2, kNode2);
  EXPECT_EQ(store.Sent<base::NodeJoined>(kRaylet2).at(0).incarnation, 2);
  EXPECT_EQ(store.Sent<base::NodeJoined>(kRaylet2).at(0).epoch, 2u);
}

TEST_F(CoreTest, ANodeThatIsSilentIsDeadAfterItsLeaseAndNeverReturns) {
  for (int i = 0; i < 20; ++i) {
    store_.Pass(seconds(1));
    store_.Say(kRaylet1, base::RenewNode{kNode1, 1});
  }
  EXPECT_EQ(Status().nodes_alive, 1u);
  EXPECT_EQ(store_.Sent<base::NodeRefused>(kRaylet2).size(), 1u);
  EXPECT_EQ(store_.Sent<base::NodeRenewed>(kRaylet1).size(), 20u);
  store_.Forget();
  store_.Join(kRaylet2, kNode2);
  EXPECT_EQ(store_.Sent<base::NodeRefused>(kRaylet2).size(), 1u);
  EXPECT_EQ(Status().nodes_alive, 1u);
}

TEST_F(CoreTest, ARestartGivesAllNodesAWholeLease) {
  store_.Pass(seconds(9));
  store_.Kill(seconds(600));
  store_.Pass(milliseconds(10'900));
  EXPECT_EQ(Status().nodes_alive, 2u);
  store_.Pass(milliseconds(200));
  EXPECT_EQ(Status().nodes_alive, 0u);
}

TEST_F(CoreTest, APauseOfItsOwnCountsAgainstNobody) {
  store_.Pass(seconds(5));
  store_.Pass(seconds(3600), /*ticks=*/false);
  store_.Step(Tick());
  EXPECT_EQ(Status().nodes_alive, 2u);
  store_.Pass(seconds(4));
  EXPECT_EQ(Status().nodes_alive, 2u);
  store_.Pass(seconds(2));
  EXPECT_EQ(Status().nodes_alive, 0u);
}

TEST_F(CoreTest, RenewingDoesNotTouchTheTimer) {
  const int before = store_.timers_set();
  for (int i = 0; i < 100; ++i) {
    store_.Say(kRaylet1, base::RenewNode{kNode1, 1});
  }
  EXPECT_EQ(store_.timers_set(), before);
}

TEST_F(CoreTest, ANameIsHeldByOneLivingActor) {
  auto reply = store_.Call(kRaylet1, Named(kActor, "counter"));
  EXPECT_FALSE(std::get<base::ActorAnswer>(reply).existed);
  reply = store_.Call(kRaylet2, Named(kOther, "counter"));
  ASSERT_EQ(CodeOf(reply), FailureCode::kNameTaken);
  EXPECT_NE(std::get<base::Failure>(reply).message.find(kActor.ToString()),
            std::string::npos);
  base::RegisterActor get = Named(kOther, "counter");
  get.get_if_exists = true;
  reply = store_.Call(kRaylet2, get);
  EXPECT_TRUE(std::get<base::ActorAnswer>(reply).existed);
  EXPECT_EQ(std::get<base::ActorAnswer>(reply).actor.actor, kActor);
  get.actor.ns = "another";
  reply = store_.Call(kRaylet2, get);
  EXPECT_FALSE(std::get<base::ActorAnswer>(reply).existed);
  // The name is free once its holder is dead.
  store_.Say(kRaylet1, Report(kActor, ActorState::kDead));
  reply = store_.Call(kRaylet1, Named({50, 3}, "counter"));
  EXPECT_FALSE(std::get<base::ActorAnswer>(reply).existed);
}

TEST_F(CoreTest, AnOwnedActorIsWhatItsOwnerSays) {
  store_.Say(kRaylet1, Owned(kActor, ActorState::kPending));
  store_.Say(kRaylet1, Owned(kActor, ActorState::kAlive));
  EXPECT_EQ(Get(kActor).state, ActorState::kAlive);
  EXPECT_EQ(Get(kActor).pid, 123);
  EXPECT_EQ(Get(kActor).class_name, "Counter");
  store_.Say(kRaylet1, Owned(kActor, ActorState::kRestarting, 2));
  store_.Say(kRaylet1, Owned(kActor, ActorState::kAlive, 1));  // stale
  EXPECT_EQ(Get(kActor).state, ActorState::kRestarting);
  store_.Say(kRaylet2, Owned(kActor, ActorState::kAlive, 3));  // not its owner
  EXPECT_EQ(Get(kActor).incarnation, 2);
  store_.Say(kRaylet1, base::JobOver{kJob, "done"});
  EXPECT_EQ(Get(kActor).state, ActorState::kDead);
  EXPECT_EQ(store_.core().Count().jobs_running, 0u);
}

TEST_F(CoreTest, ADetachedActorIsHostedAndRestarted) {
  base::RegisterActor request = Detached(kActor);
  request.actor.restarts_max = 1;
  auto reply = store_.Call(kRaylet2, request);
  const auto& answer = std::get<base::ActorAnswer>(reply);
  EXPECT_EQ(answer.actor.node, kNode2) << "its creator's";
  EXPECT_TRUE(answer.actor.spec->args.empty());
  auto hosted = store_.Sent<base::HostActor>(kRaylet2);
  ASSERT_EQ(hosted.size(), 1u);
  EXPECT_EQ(hosted[0].actor.spec->args.size(), 1u);
  EXPECT_EQ(hosted[0].actor.incarnation, 1);
  store_.Say(kRaylet2, Report(kActor, ActorState::kAlive));
  EXPECT_EQ(Get(kActor).worker, kWorker);
  // Its job's end is nothing to it.
  store_.Say(kRaylet1, base::JobOver{kJob, "done"});
  base::ActorReport first = Report(kActor, ActorState::kRestarting);
  first.cause.message = "was killed by signal 11";
  store_.Say(kRaylet2, first);
  EXPECT_EQ(Get(kActor).cause.message, "was killed by signal 11");
  hosted = store_.Sent<base::HostActor>(kRaylet2);
  ASSERT_EQ(hosted.size(), 2u);
  EXPECT_EQ(hosted[1].actor.incarnation, 2);
  EXPECT_EQ(Get(kActor).restarts, 1);
  store_.Say(kRaylet2, Report(kActor, ActorState::kAlive, 2));
  base::ActorReport lost = Report(kActor, ActorState::kRestarting, 2);
  lost.cause.code = FailureCode::kWorkerDied;
  lost.cause.signal = 9;
  store_.Say(kRaylet2, lost);
  EXPECT_EQ(Get(kActor).state, ActorState::kDead);
  EXPECT_EQ(Get(kActor).cause.code, FailureCode::kActorDied);
  EXPECT_EQ(Get(kActor).cause.signal, 9);
}

TEST_F(CoreTest, ADetachedActorOutlivesItsNode) {
  store_.Call(kRaylet2, Detached(kActor));
  store_.Say(kRaylet2, Report(kActor, ActorState::kAlive));
  store_.Forget();
  store_.Say(kRaylet2, base::LeaveNode{kNode2});
  ASSERT_EQ(store_.Sent<base::HostActor>(kRaylet1).size(), 1u);
  EXPECT_EQ(Get(kActor).node, kNode1);
  EXPECT_EQ(Get(kActor).incarnation, 2);
  // No node is left: it waits, also over a restart, for one that fits.
  store_.Say(kRaylet1, base::LeaveNode{kNode1});
  EXPECT_TRUE(Get(kActor).node.IsNil());
  store_.Kill();
  store_.Join({10, 3}, {30, 3});
  ASSERT_EQ(store_.Sent<base::HostActor>({10, 3}).size(), 1u);
  EXPECT_EQ(store_.Sent<base::HostActor>({10, 3})[0].actor.incarnation, 3);
}

TEST_F(CoreTest, ANewHeadEndsTheOneBeforeIt) {
  base::JoinNode head;
  head.node.node = base::NodeId{30, 3};
  head.node.raylet = base::ProcessId{10, 3};
  head.node.is_head = true;
  head.node.total = base::ResourceVector::Cpus(8);
  store_.Say(head.node.raylet, head);
  store_.Call(head.node.raylet, Detached(kActor, 8));
  store_.Say(head.node.raylet, Report(kActor, ActorState::kAlive));
  EXPECT_EQ(Status().nodes_alive, 3u);
  // Killed with its control store, and begun again: nobody waits for a lease.
  store_.Kill();
  base::JoinNode next = head;
  next.node.node = base::NodeId{30, 4};
  next.node.raylet = base::ProcessId{10, 4};
  store_.Say(next.node.raylet, next);
  EXPECT_EQ(Status().nodes_alive, 3u) << "the other nodes live on";
  EXPECT_EQ(Get(kActor).incarnation, 2);
  EXPECT_FALSE(Get(kActor).node.IsNil());
  EXPECT_EQ(store_.Sent<base::HostActor>(next.node.raylet).size(), 1u);
  // What is left of the former one learns it, and ends nobody.
  store_.Forget();
  store_.Say(head.node.raylet, head);
  EXPECT_EQ(store_.Sent<base::NodeRefused>(head.node.raylet).size(), 1u);
  EXPECT_EQ(Status().nodes_alive, 3u);
  // Its keeper's word of its end comes after its successor.
  EXPECT_EQ(CauseOf(head.node.node),
            "it has ended, and a new head took its place");
  store_.Call(kTool, base::ReportNodeDead{head.node.node, "killed"});
  EXPECT_EQ(CauseOf(head.node.node), "killed");
  store_.Call(kTool, base::ReportNodeDead{head.node.node, "again"});
  EXPECT_EQ(CauseOf(head.node.node), "killed");
}

base::JoinPart PartOf(base::NodeId node, std::uint64_t first,
                      std::uint64_t count) {
  base::JoinPart part;
  part.node = node;
  for (std::uint64_t n = first; n < first + count; ++n) {
    part.actors.push_back(Owned({60, n}, ActorState::kAlive));
  }
  return part;
}

TEST_F(CoreTest, WhatIsSaidInPartsIsOneJoining) {
  const std::size_t before = store_.core().Count().actors_living;
  store_.Say(kRaylet1, PartOf(kNode1, 1, 3));
  store_.Say(kRaylet1, PartOf(kNode1, 4, 2));
  EXPECT_EQ(store_.written(), 0u);
  EXPECT_EQ(store_.core().Count().actors_living, before);
  store_.Join(kRaylet1, kNode1, {Job()}, PartOf(kNode1, 6, 1).actors);
  EXPECT_EQ(store_.core().Count().actors_living, before + 6);
  // What the next one does not name has ended.
  store_.Join(kRaylet1, kNode1, {Job()}, PartOf(kNode1, 2, 1).actors);
  EXPECT_EQ(store_.core().Count().actors_living, before + 1);
}

TEST_F(CoreTest, PartsWithoutTheirJoiningAreNothing) {
  const std::size_t before = store_.core().Count().actors_living;
  store_.Say(kRaylet1, PartOf(kNode1, 1, 3));
  store_.Step(PeerLost{kRaylet1});
  store_.Join(kRaylet1, kNode1, {Job()});
  EXPECT_EQ(store_.core().Count().actors_living, before);
  // Nor are those of another node.
  store_.Say(kRaylet1, PartOf(kNode2, 1, 3));
  store_.Join(kRaylet1, kNode1, {Job()});
  EXPECT_EQ(store_.core().Count().actors_living, before);
}

TEST_F(CoreTest, AHundredThousandActorsJoin) {
  constexpr std::uint64_t kActors = 100'000, kInPart = 4'000;
  for (std::uint64_t n = 0; n < kActors; n += kInPart) {
    store_.Say(kRaylet1, PartOf(kNode1, 1 + n, kInPart));
    EXPECT_EQ(store_.written(), 0u);
  }
  store_.Join(kRaylet1, kNode1, {Job()});
  EXPECT_EQ(store_.core().Count().actors_living, kActors);
  EXPECT_GE(store_.written(), kActors) << "in one batch";
}

TEST(CoreJoinTest, WhoNamesMoreThanThereMayBeIsRefused) {
  Core::Options options;
  options.joining_max = 5;
  FakeStore store(options);
  store.Say(kRaylet1, PartOf(kNode1, 1, 3));
  EXPECT_TRUE(store.Sent<base::NodeRefused>(kRaylet1).empty());
  store.Say(kRaylet1, PartOf(kNode1, 4, 3));
  EXPECT_EQ(store.Sent<base::NodeRefused>(kRaylet1).size(), 1u);
}

TEST_F(CoreTest, ADetachedActorIsNotMadeFromANodeThatEndsWithItsDriver) {
  base::JoinNode visitor;
  visitor.node.node = base::NodeId{30, 3};
  visitor.node.raylet = base::ProcessId{10, 3};
  visitor.node.labels[base::kDriverLabel] = "17";
  store_.Say(visitor.node.raylet, visitor);
  base::RegisterActor request = Detached(kActor, 0.5);
  request.actor.name = "host";
  EXPECT_EQ(CodeOf(store_.Call(visitor.node.raylet, request)),
            FailureCode::kInfeasible);
  // One that is there already is found.
  store_.Call(kRaylet1, request);
  request.actor.actor = kOther;
  request.get_if_exists = true;
  const auto reply = store_.Call(visitor.node.raylet, request);
  const auto* const found = std::get_if<base::ActorAnswer>(&reply);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->actor.actor, kActor);
}

TEST_F(CoreTest, AHeadThatJoinsAgainIsNotItsOwnSuccessor) {
  base::JoinNode head;
  head.node.node = base::NodeId{30, 3};
  head.node.raylet = base::ProcessId{10, 3};
  head.node.is_head = true;
  store_.Say(head.node.raylet, head);
  store_.Kill();
  store_.Say(head.node.raylet, head);
  EXPECT_EQ(Status().nodes_alive, 3u);
  EXPECT_EQ(store_.Sent<base::NodeJoined>(head.node.raylet).size(), 1u);
}

TEST_F(CoreTest, ADetachedActorThatDiesAtOnceIsRestartedEverMoreSlowly) {
  base::RegisterActor request = Detached(kActor);
  request.actor.restarts_max = -1;
  store_.Call(kRaylet1, request);
  int incarnation = 1;
  for (int i = 0; i < 2; ++i) {
    store_.Say(kRaylet1, Report(kActor, ActorState::kRestarting, incarnation));
    ++incarnation;
    EXPECT_EQ(store_.Sent<base::HostActor>(kRaylet1).size(), 2u + i);
  }
  store_.Forget();
  store_.Say(kRaylet1, Report(kActor, ActorState::kRestarting, incarnation));
  store_.Pass(milliseconds(99));
  EXPECT_TRUE(store_.Sent<base::HostActor>(kRaylet1).empty());
  EXPECT_EQ(Get(kActor).state, ActorState::kRestarting);
  store_.Pass(milliseconds(1));
  const auto hosted = store_.Sent<base::HostActor>(kRaylet1);
  ASSERT_EQ(hosted.size(), 1u);
  EXPECT_EQ(hosted[0].actor.incarnation, 4);
}

TEST_F(CoreTest, ADetachedActorThatIsHeldStaysOnItsNode) {
  base::RegisterActor request = Detached(kActor);
  request.actor.restarts_max = -1;
  store_.Call(kRaylet2, request);
  for (int incarnation = 1; incarnation <= 3; ++incarnation) {
    store_.Say(kRaylet2, Report(kActor, ActorState::kRestarting, incarnation));
  }
  EXPECT_EQ(Get(kActor).node, kNode2);
  // What a raylet says of an incarnation that has not begun ends nothing.
  store_.Say(kRaylet2, Report(kActor, ActorState::kRestarting, 4));
  EXPECT_EQ(Get(kActor).state, ActorState::kRestarting);
  // It is not begun early where its node joins again.
  store_.Forget();
  store_.Join(kRaylet2, kNode2);
  EXPECT_TRUE(store_.Sent<base::HostActor>(kRaylet2).empty());
  // A control store that restarts knows of no wait, and of the node.
  store_.Kill();
  store_.Join(kRaylet1, kNode1);
  store_.Join(kRaylet2, kNode2);
  EXPECT_TRUE(store_.Sent<base::HostActor>(kRaylet1).empty());
  ASSERT_EQ(store_.Sent<base::HostActor>(kRaylet2).size(), 1u);
  EXPECT_EQ(store_.Sent<base::HostActor>(kRaylet2)[0].actor.incarnation, 5);
}

TEST_F(CoreTest, ADetachedActorThatNoNodeFitsIsRefused) {
  EXPECT_EQ(CodeOf(store_.Call(kRaylet1, Detached(kActor, 5))),
            FailureCode::kInfeasible);
  EXPECT_EQ(store_.core().Count().actors_living, 0u);
}

TEST_F(CoreTest, JoiningAgainSettlesWhatChangedMeanwhile) {
  store_.Say(kRaylet1, Owned(kActor, ActorState::kAlive));
  store_.Call(kRaylet1, Named(kOther, "created later"));
  store_.Call(kRaylet1, Detached({50, 3}));
  store_.Kill();
  store_.Join(kRaylet1, kNode1, {Job()});
  EXPECT_EQ(Get(kActor).state, ActorState::kDead) << "it was not named";
  EXPECT_EQ(Get(kOther).state, ActorState::kPending) << "nor begun yet";
  EXPECT_EQ(store_.Sent<base::HostActor>(kRaylet1).size(), 1u);
  store_.Kill();
  store_.Join(kRaylet1, kNode1);
  EXPECT_EQ(Get(kOther).state, ActorState::kDead) << "its job ended";
}

TEST_F(CoreTest, AJobThatCameAndWentWhileNobodyListenedIsListed) {
  store_.Kill();
  base::JobRecord ended = Job();
  ended.state = base::JobState::kEnded;
  ended.cause = "its driver has ended";
  base::JobRecord unheard = ended;
  unheard.job = base::JobId{40, 2};
  unheard.program = "short";
  store_.Join(kRaylet1, kNode1, {ended, unheard});
  EXPECT_EQ(store_.core().Count().jobs_running, 0u);
  // It is told until the raylet knows that it was heard.
  store_.Kill();
  store_.Join(kRaylet1, kNode1, {unheard});
  EXPECT_EQ(store_.core().Count().jobs_running, 0u);
  const base::ControlReply reply = store_.Call(kTool, base::ListJobs());
  const auto* const answer = std::get_if<base::JobsAnswer>(&reply);
  ASSERT_NE(answer, nullptr);
  ASSERT_EQ(answer->jobs.size(), 2u);
  for (const base::JobRecord& job : answer->jobs) {
    EXPECT_EQ(job.state, base::JobState::kEnded);
    EXPECT_EQ(job.cause, "its driver has ended");
    EXPECT_EQ(job.node, kNode1);
  }
  EXPECT_EQ(answer->jobs[1].program, "short");
  // It may not begin any more.
  store_.Say(kRaylet1, base::JobBegan{unheard});
  EXPECT_EQ(store_.core().Count().jobs_running, 0u);
  EXPECT_EQ(store_.Sent<base::StopJob>(kRaylet1).size(), 1u);
}

TEST_F(CoreTest, EndActorEndsOrRestarts) {
  store_.Say(kRaylet1, Owned(kActor, ActorState::kAlive));
  store_.Call(kTool, base::EndActor{kActor, /*restart=*/true});
  auto stops = store_.Sent<base::StopActor>(kRaylet1);
  ASSERT_EQ(stops.size(), 1u);
  EXPECT_TRUE(stops[0].restart);
  EXPECT_EQ(stops[0].owner, kDriver);
  EXPECT_EQ(Get(kActor).state, ActorState::kAlive) << "its owner decides";
  store_.Call(kTool, base::EndActor{kActor});
  EXPECT_EQ(Get(kActor).state, ActorState::kDead);
  store_.Forget();
  // The raylet did not hear of it: it is told when it names the actor.
  store_.Kill();
  store_.Join(kRaylet1, kNode1, {Job()}, {Owned(kActor, ActorState::kAlive)});
  ASSERT_EQ(store_.Sent<base::StopActor>(kRaylet1).size(), 1u);
  EXPECT_EQ(CodeOf(store_.Call(kTool, base::EndActor{kActor})),
            FailureCode::kNoSuchActor);
}

TEST_F(CoreTest, ARepeatedMutationIsAnsweredAlikeAndDoneOnce) {
  base::ControlCall call;
  call.request = base::RequestId{60, 5};
  call.from = kDriver;
  call.body = base::PutKey{"default", "key", base::Bytes::Own("a"), 0};
  auto reply = store_.Call(kRaylet1, call);
  EXPECT_EQ(std::get<base::KeyAnswer>(reply).version, 1u);
  store_.Kill();
  store_.Join(kRaylet1, kNode1, {Job()});
  reply = store_.Call(kRaylet1, call);
  EXPECT_EQ(std::get<base::KeyAnswer>(reply).version, 1u);
  EXPECT_EQ(store_.core().Count().answers, 1u);
  // done_below lets it be forgotten, and the job's end what is left.
  call.request.lo = 6;
  call.done_below = 6;
  EXPECT_EQ(CodeOf(store_.Call(kRaylet1, call)), FailureCode::kConflict);
  call.body = base::PutKey{"default", "key", base::Bytes::Own("b"), 1};
  store_.Call(kRaylet1, call);
  EXPECT_EQ(store_.core().Count().answers, 1u);
  store_.Say(kRaylet1, base::JobOver{kJob, "done"});
  EXPECT_EQ(store_.core().Count().answers, 0u);
}

TEST_F(CoreTest, WhatADeadNodeAsksIsNotDone) {
  store_.Call(kTool, base::ReportNodeDead{kNode2, "killed"});
  store_.Forget();
  base::ControlCall call;
  call.request = base::RequestId{60, 1};
  call.from = kWorker;
  call.body = base::PutKey{"default", "key", base::Bytes::Own("a"), {}};
  for (const bool joins_again : {false, true}) {
    if (joins_again) store_.Join(kRaylet2, kNode2);
    store_.Say(kRaylet2, call);
    EXPECT_TRUE(store_.Sent<base::ControlAnswer>(kRaylet2).empty());
    EXPECT_FALSE(store_.Sent<base::NodeRefused>(kRaylet2).empty());
  }
  EXPECT_EQ(store_.core().Count().keys, 0u);
}

TEST_F(CoreTest, AFullDiskRefusesWhatGrowsAndNothingElse) {
  store_.Call(kRaylet1, Named(kActor, "counter"));
  store_.Step(DiskChanged{true, 12});
  const base::PutKey put{"default", "key", base::Bytes::Own("a"), {}};
  EXPECT_EQ(CodeOf(store_.Call(kTool, put)), FailureCode::kDiskFull);
  EXPECT_EQ(CodeOf(store_.Call(kRaylet1, Named(kOther, "other"))),
            FailureCode::kDiskFull);
  EXPECT_TRUE(Status().disk_full);
  store_.Say(kRaylet1, Report(kActor, ActorState::kAlive));
  EXPECT_EQ(Get(kActor).state, ActorState::kAlive);
  store_.Call(kTool, base::EndActor{kActor});
  EXPECT_EQ(Get(kActor).state, ActorState::kDead);
  store_.Step(DiskChanged{false, 1 << 30});
  EXPECT_EQ(std::get<base::KeyAnswer>(store_.Call(kTool, put)).version, 1u);
}

TEST_F(CoreTest, FollowersGetTheListingAndThenTheChanges) {
  store_.Call(kRaylet1, Named(kActor, "counter"));
  store_.Say(kRaylet1, base::FollowTable{"actors", {}});
  const auto listings = store_.Sent<base::TableListing>(kRaylet1);
  ASSERT_EQ(listings.size(), 1u);
  EXPECT_EQ(listings[0].listing.items.size(), 1u);
  EXPECT_EQ(listings[0].listing.cursor.life, 1u);
  store_.Say(kRaylet1, Owned(kOther, ActorState::kAlive));  // has no name
  store_.Say(kRaylet1, Report(kActor, ActorState::kAlive));
  auto changes = store_.Sent<base::TableChanges>(kRaylet1);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].changes.at(0).key, kActor.ToString());
  // From a cursor of this life: what came after.
  store_.Forget();
  store_.Say(kRaylet2, base::FollowTable{"actors", listings[0].listing.cursor});
  EXPECT_EQ(store_.Sent<base::TableChanges>(kRaylet2).size(), 1u);
  // Of an earlier life: the listing.
  store_.Kill();
  store_.Say(kRaylet2, base::FollowTable{"actors", listings[0].listing.cursor});
  EXPECT_EQ(store_.Sent<base::TableListing>(kRaylet2).size(), 1u);
  store_.Step(PeerLost{kRaylet2});
  store_.Forget();
  store_.Call(kTool, base::EndActor{kActor});
  EXPECT_TRUE(store_.Sent<base::TableChanges>(kRaylet2).empty());
}

TEST_F(CoreTest, WhatIsFreeIsToldToAllWhoFollowAndIsNotWritten) {
  store_.Say(kRaylet2, base::FollowTable{"loads", {}});
  const std::size_t written = store_.log().size();
  base::NodeLoad load;
  load.node = kNode1;
  load.free = base::ResourceVector::Cpus(3);
  store_.Say(kRaylet1, load);
  load.free = base::ResourceVector::Cpus(2);
  store_.Say(kRaylet1, load);
  base::NodeLoad foreign = load;
  foreign.node = kNode2;
  store_.Say(kRaylet1, foreign);  // of another node
  EXPECT_TRUE(store_.Sent<base::TableChanges>(kRaylet2).empty());
  store_.Pass(std::chrono::milliseconds(50));
  const auto changes = store_.Sent<base::TableChanges>(kRaylet2);
  ASSERT_EQ(changes.size(), 1u);
  ASSERT_FALSE(changes[0].changes.empty());
  base::NodeLoad told;
  std::string error;
  ASSERT_TRUE(
      base::DecodeLoad(changes[0].changes.back().value->view(), &told, &error));
  EXPECT_EQ(told.node, kNode1);
  EXPECT_EQ(told.free, base::ResourceVector::Cpus(2));
  EXPECT_EQ(store_.log().size(), written);
}

// As it was before calls of an actor could run at the same time.
struct SpecOfVersion1 {
  base::FunctionId constructor;
  std::vector<base::Bytes> args;
  base::ResourceVector resources;
  std::string program;
};

TEST_F(CoreTest, SpecsOfTheVersionBeforeAreRead) {
  base::RegisterActor request = Detached(kActor);
  store_.Call(kRaylet2, request);
  const SpecOfVersion1 spec{request.actor.spec->constructor,
                            request.actor.spec->args,
                            request.actor.spec->resources, "program"};
  Core core{Core::Options()};
  std::string error;
  int specs = 0;
  for (auto [key, value] : store_.log()) {
    if (ParseTable(key) == RecordTable::kSpec) {
      EXPECT_EQ(value.front(), kSpecVersion);
      value = "\x01" + base::Encode(spec);
      EXPECT_FALSE(core.Restore(key, "\x03" + base::Encode(spec), &error));
      EXPECT_FALSE(core.Restore(key, "\x02" + base::Encode(spec), &error));
      ++specs;
    }
    EXPECT_TRUE(core.Restore(key, value, &error)) << error;
  }
  EXPECT_EQ(specs, 1);
}

}  // namespace
}  // namespace mobula::gcs
