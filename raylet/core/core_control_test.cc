// The core and its control store: joining, calls, detached actors, jobs ended.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "raylet/core/core.h"
#include "raylet/core/core_world.h"

namespace mobula::raylet {
namespace {

using namespace test;
using base::ActorId;
using base::ActorState;
using base::RequestId;

const ActorId kActor{6, 1};

class CoreControlTest : public testing::Test {
 protected:
  CoreControlTest() : world(OptionsFor(2)) {}

  // A call of that process, by its number.
  static base::ControlCall CallOf(std::uint64_t n, base::ControlRequest body) {
    base::ControlCall call;
    call.request = RequestId{8, n};
    call.body = std::move(body);
    return call;
  }
  static base::ActorRecord Detached(std::int64_t incarnation = 1) {
    base::ActorRecord record;
    record.actor = kActor;
    record.job = kJob;
    record.class_name = "Index";
    record.detached = true;
    record.incarnation = incarnation;
    record.spec.emplace();
    record.spec->constructor = base::FunctionId{7, 7};
    record.spec->program = "cafe";
    record.spec->resources = ResourceVector::Cpus(1);
    return record;
  }
  static base::ActorAnswer AnswerOf(base::ActorRecord record) {
    base::ActorAnswer answer;
    answer.actor = std::move(record);
    return answer;
  }
  template <class M>
  M Last() {
    const std::vector<M> all = world.Told<M>();
    EXPECT_FALSE(all.empty());
    return all.empty() ? M() : all.back();
  }
  // Hosts the actor and gives the process in which it is being made.
  ProcessId HostOn(std::int64_t incarnation = 1) {
    world.StoreSays(base::HostActor{Detached(incarnation)});
    world.RegisterAll();
    const auto creates = world.Sent<base::CreateActor>();
    EXPECT_FALSE(creates.empty());
    return creates.empty() ? ProcessId() : creates.back().first;
  }
  void SayMade(ProcessId worker) {
    base::TaskDone done;
    done.task = world.Sent<base::CreateActor>().back().second.task;
    done.outcome = base::Bytes();
    done.incarnation = 1;
    world.Say(worker, done);
  }

  World world;
};

TEST_F(CoreControlTest, AProgramWithoutNamesPaysNothing) {
  world.AddDriver();
  world.RegisterAll();
  world.Ask(ResourceVector::Cpus(1), true);
  base::ActorReport report;
  report.actor = kActor;
  report.owner = kDriver;
  world.Say(kDriver, report);
  EXPECT_EQ(world.needs, 0);
  EXPECT_TRUE(world.told.empty());
}

TEST_F(CoreControlTest, TheFirstCallNeedsTheStoreAndWaitsForIt) {
  world.AddDriver();
  world.Say(kDriver, CallOf(1, base::GetStatus()));
  world.Say(kDriver, CallOf(2, base::ListJobs()));
  EXPECT_EQ(world.needs, 1);
  EXPECT_TRUE(world.told.empty());
  world.Do(ControlUp{1});
  ASSERT_EQ(world.told.size(), 3u);
  const auto& join = std::get<base::JoinNode>(world.told[0]);
  ASSERT_EQ(join.jobs.size(), 1u);
  EXPECT_EQ(join.jobs[0].job, kJob);
  EXPECT_EQ(join.jobs[0].ns, "default");
  EXPECT_EQ(world.Told<base::ControlCall>()[0].from, kDriver);
  world.StoreSays(
      base::ControlAnswer{RequestId{8, 1}, kDriver, base::StatusAnswer()});
  ASSERT_EQ(world.Sent<base::ControlAnswer>().size(), 1u);
  world.told.clear();
  world.Do(ControlDown{});
  world.Do(ControlUp{2});
  ASSERT_EQ(world.Told<base::ControlCall>().size(), 1u);
  EXPECT_EQ(world.Told<base::ControlCall>()[0].request, (RequestId{8, 2}));
}

TEST_F(CoreControlTest, RenewsEachSecondWhileThereIsASession) {
  world.Do(ControlUp{1});
  EXPECT_EQ(world.timer, world.now + seconds(1));
  for (int i = 1; i <= 3; ++i) {
    world.now = world.timer;
    world.Do(Tick{});
    EXPECT_EQ(Last<base::RenewNode>().sequence, static_cast<unsigned>(i));
  }
  world.Do(ControlDown{});
  EXPECT_TRUE(world.timer.IsNever());
}

TEST_F(CoreControlTest, AnActorsOwnerThatDiesIsItsEnd) {
  world.Do(ControlUp{1});
  world.AddDriver();
  base::ActorReport report;
  report.actor = kActor;
  report.owner = kDriver;
  report.incarnation = 2;
  world.Say(kDriver, report);
  EXPECT_EQ(Last<base::ActorReport>().job, kJob);
  world.Do(PeerLost{kDriver});
  EXPECT_EQ(Last<base::ActorReport>().state, ActorState::kDead);
  EXPECT_EQ(Last<base::ActorReport>().incarnation, 2);
  EXPECT_EQ(Last<base::JobOver>().job, kJob);
}

TEST_F(CoreControlTest, AnOwnerThatDiesWhileItsActorIsRegistered) {
  world.Do(ControlUp{1});
  world.AddDriver();
  base::RegisterActor registers;
  registers.actor.actor = kActor;
  registers.actor.owner = kDriver;
  registers.actor.name = "index";
  world.Say(kDriver, CallOf(1, registers));
  const auto call = Last<base::ControlCall>();
  registers = std::get<base::RegisterActor>(call.body);
  EXPECT_EQ(registers.actor.ns, "default");
  EXPECT_EQ(registers.actor.owner_node, (base::NodeId{4, 1}));
  world.Do(PeerLost{kDriver});
  world.StoreSays(
      base::ControlAnswer{call.request, kDriver, AnswerOf(registers.actor)});
  EXPECT_EQ(Last<base::ActorReport>().actor, kActor);
  EXPECT_EQ(Last<base::ActorReport>().state, ActorState::kDead);
}

TEST_F(CoreControlTest, ADetachedActorIsMadeOfItsCreatorsProgram) {
  world.Do(ControlUp{1});
  world.AddDriver();
  for (std::uint64_t n = 1; n <= 2; ++n) {
    base::RegisterActor registers;
    registers.actor.actor = ActorId{6, n};
    registers.actor.detached = true;
    registers.actor.spec.emplace();
    world.Say(kDriver, CallOf(n, registers));
  }
  ASSERT_EQ(world.keeps, std::vector<JobId>{kJob});
  EXPECT_TRUE(world.Told<base::ControlCall>().empty());
  world.Do(ProgramKept{kJob, "beef", ""});
  ASSERT_EQ(world.Told<base::ControlCall>().size(), 2u);
  for (const base::ControlCall& call : world.Told<base::ControlCall>()) {
    const auto& registers = std::get<base::RegisterActor>(call.body);
    EXPECT_EQ(registers.actor.spec->program, "beef");
  }
}

TEST_F(CoreControlTest, AProgramThatCannotBeKeptIsSaid) {
  world.AddDriver();
  base::RegisterActor registers;
  registers.actor.actor = kActor;
  registers.actor.spec.emplace();
  world.Say(kDriver, CallOf(1, registers));
  world.Do(ProgramKept{kJob, "", "disk full"});
  const auto answers = world.Sent<base::ControlAnswer>();
  ASSERT_EQ(answers.size(), 1u);
  const auto& failure = std::get<base::Failure>(answers[0].second.body);
  EXPECT_EQ(failure.code, FailureCode::kWorkerStart);
  EXPECT_NE(failure.message.find("disk full"), std::string::npos);
}

TEST_F(CoreControlTest, AHostedActorIsMadeAndReported) {
  world.Do(ControlUp{1});
  const ProcessId worker = HostOn();
  EXPECT_EQ(world.starts.at(worker).program, "cafe");
  EXPECT_EQ(world.core.free().Get("cpu"), 1);
  EXPECT_TRUE(world.Told<base::ActorReport>().empty());
  SayMade(worker);
  const auto report = Last<base::ActorReport>();
  EXPECT_EQ(report.state, ActorState::kAlive);
  EXPECT_EQ(report.worker, worker);
  EXPECT_EQ(report.pid, 50);
  world.StoreSays(base::HostActor{Detached()});  // said again: it is here
  EXPECT_EQ(world.Sent<base::CreateActor>().size(), 1u);
  world.Exit(worker);
  EXPECT_EQ(Last<base::ActorReport>().state, ActorState::kRestarting);
  EXPECT_EQ(Last<base::ActorReport>().cause.log_tail.size(), 1u);
  EXPECT_EQ(world.core.free(), world.core.total());
  EXPECT_EQ(world.core.jobs(), 0u);
  const ProcessId next = HostOn(2);
  EXPECT_NE(next, worker);
  EXPECT_EQ(world.Sent<base::CreateActor>().back().second.incarnation, 2);
}

TEST_F(CoreControlTest, AConstructorThatThrowsIsTheEnd) {
  world.Do(ControlUp{1});
  const ProcessId worker = HostOn();
  base::TaskDone done;
  done.task = world.Sent<base::CreateActor>().back().second.task;
  base::Failure failure;
  failure.message = "no such shard";
  done.outcome = failure;
  world.Say(worker, done);
  EXPECT_EQ(Last<base::ActorReport>().state, ActorState::kDead);
  EXPECT_EQ(Last<base::ActorReport>().cause.message, "no such shard");
  world.Exit(worker, 0);
  EXPECT_EQ(world.Told<base::ActorReport>().size(), 1u);
  EXPECT_EQ(world.core.jobs(), 0u);
}

TEST_F(CoreControlTest, AProgramThatDoesNotStartIsToldToTheStore) {
  world.Do(ControlUp{1});
  world.StoreSays(base::HostActor{Detached()});
  for (int i = 0; i < 10 && world.Told<base::ActorReport>().empty(); ++i) {
    while (!world.starting.empty()) {
      world.Do(WorkerStartFailed{*world.starting.begin(), "no such program"});
      world.starting.erase(world.starting.begin());
    }
    world.now = world.now + seconds(1);
    world.Do(Tick{});
  }
  EXPECT_EQ(Last<base::ActorReport>().state, ActorState::kRestarting);
  EXPECT_EQ(Last<base::ActorReport>().cause.code, FailureCode::kWorkerStart);
  EXPECT_EQ(world.core.jobs(), 0u);
}

// No other start would do better, so it is not tried for ever.
TEST_F(CoreControlTest, AnActorWhoseProgramIsNotKeptIsDeadAtOnce) {
  world.Do(ControlUp{1});
  world.AddDriver();
  world.RegisterAll();
  world.StoreSays(base::HostActor{Detached()});
  ProcessId worker;
  for (const auto& [process, start] : world.starts) {
    if (start.program == "cafe") worker = process;
  }
  ASSERT_FALSE(worker.IsNil());
  world.Do(WorkerStartFailed{worker, "no program cafe", true});
  const auto report = Last<base::ActorReport>();
  EXPECT_EQ(report.state, ActorState::kDead);
  EXPECT_EQ(report.cause.code, FailureCode::kWorkerStart);
  EXPECT_EQ(report.cause.executed, base::Executed::kNo);
  EXPECT_EQ(report.cause.function, "Index");
  EXPECT_NE(report.cause.message.find("no program cafe"), std::string::npos);
  EXPECT_NE(report.cause.message.find("GetIfExists"), std::string::npos);
  EXPECT_EQ(world.core.jobs(), 1u);
  EXPECT_EQ(world.core.free(), world.core.total());
}

// Else the driver whose program it is could not make the actor anew.
TEST_F(CoreControlTest, AProgramThatIsLackingIsKeptAgain) {
  world.Do(ControlUp{1});
  world.AddDriver();
  world.RegisterAll();
  base::RegisterActor registers;
  registers.actor.actor = kActor;
  registers.actor.spec.emplace();
  world.Say(kDriver, CallOf(1, registers));
  world.Do(ProgramKept{kJob, "cafe", ""});
  world.StoreSays(base::HostActor{Detached()});
  for (const auto& [process, start] : world.starts) {
    if (start.program != "cafe") continue;
    world.Do(WorkerStartFailed{process, "no program cafe", true});
    break;
  }
  world.Say(kDriver, CallOf(2, registers));
  EXPECT_EQ(world.keeps.size(), 2u);
}

TEST_F(CoreControlTest, ATaskOfAnActorWithoutProgramIsNotTheActorsEnd) {
  world.Do(ControlUp{1});
  const ProcessId worker = HostOn();
  SayMade(worker);
  const std::size_t before = world.Told<base::ActorReport>().size();
  world.Ask(ResourceVector::Cpus(1), false, worker, world.job_of.at(worker));
  ASSERT_EQ(world.starting.size(), 1u);
  const ProcessId task = *world.starting.begin();
  world.Do(WorkerStartFailed{task, "no program cafe", true});
  EXPECT_EQ(world.Told<base::ActorReport>().size(), before);
  EXPECT_FALSE(world.killed.contains(worker));
}

TEST_F(CoreControlTest, ItSurvivesItsDriverAndEndsWhenItIsStopped) {
  world.Do(ControlUp{1});
  world.AddDriver();
  world.RegisterAll();
  const ProcessId worker = HostOn();
  SayMade(worker);
  EXPECT_EQ(world.starts.at(worker).driver, kDriver);
  world.killed.clear();
  world.Do(PeerLost{kDriver});
  EXPECT_FALSE(world.killed.contains(worker));
  world.StoreSays(base::StopActor{kActor, 1, false, ProcessId()});
  EXPECT_TRUE(world.killed.contains(worker));
  world.Exit(worker);
  EXPECT_EQ(Last<base::ActorReport>().state, ActorState::kAlive);
  for (const ProcessId killed : world.killed) world.Exit(killed);
  EXPECT_EQ(world.core.jobs(), 0u);
}

TEST_F(CoreControlTest, WatchersOfAHostedActorHearOfItWithTheStoreAway) {
  world.Do(ControlUp{1});
  world.AddDriver();
  world.RegisterAll();
  const ProcessId worker = HostOn();
  world.Say(kDriver, base::WatchActor{kActor});
  EXPECT_EQ(Last<base::FollowTable>().table, "actors");
  EXPECT_TRUE(world.Sent<base::ActorMoved>().back().second.worker.IsNil());
  world.Do(ControlDown{});
  SayMade(worker);
  EXPECT_EQ(world.Sent<base::ActorMoved>().back().second.worker, worker);
  world.Say(kDriver, base::ConnectTo{worker});  // of another job
  EXPECT_EQ(world.connects.size(), 1u);
  world.Exit(worker);
  EXPECT_TRUE(world.Sent<base::ActorMoved>().back().second.worker.IsNil());
  EXPECT_FALSE(world.Sent<base::ActorMoved>().back().second.dead);
  EXPECT_EQ(world.Sent<base::ActorMoved>().back().second.failure.log_tail,
            std::vector<std::string>{"last words"});
  world.told.clear();
  world.Do(ControlUp{2});
  const auto join = Last<base::JoinNode>();
  ASSERT_EQ(join.actors.size(), 1u);
  EXPECT_EQ(join.actors[0].state, ActorState::kRestarting);
  EXPECT_EQ(Last<base::FollowTable>().table, "actors");
}

// The store may have begun the next incarnation before it hears of this.
TEST_F(CoreControlTest, WhetherAnExitIsTheEndTheStoreSays) {
  world.Do(ControlUp{1});
  world.AddDriver();
  const ProcessId worker = HostOn();
  SayMade(worker);
  world.Say(kDriver, base::WatchActor{kActor});
  base::TaskDone done;
  done.task = world.Sent<base::CreateActor>().back().second.task;
  done.incarnation = 1;
  done.actor_exited = true;
  world.Say(worker, done);
  EXPECT_EQ(Last<base::ActorReport>().state, ActorState::kDead);
  base::ActorMoved moved = world.Sent<base::ActorMoved>().back().second;
  EXPECT_TRUE(moved.worker.IsNil());
  EXPECT_FALSE(moved.dead);
}

TEST_F(CoreControlTest, KillingADetachedActorIsTheStoresDoing) {
  world.Do(ControlUp{1});
  world.AddDriver();
  world.Say(kDriver, base::KillActor{kActor, true});
  const auto call = Last<base::ControlCall>();
  EXPECT_EQ(call.from, kSelf);
  EXPECT_EQ(std::get<base::EndActor>(call.body).actor, kActor);
  EXPECT_TRUE(std::get<base::EndActor>(call.body).restart);
  world.StoreSays(base::ControlAnswer{call.request, kSelf, base::Done()});
  EXPECT_EQ(world.core.line().calls(), 0u);
}

TEST_F(CoreControlTest, AStopOfAnOwnedActorGoesToItsOwner) {
  world.Do(ControlUp{1});
  world.AddDriver();
  world.StoreSays(base::StopActor{kActor, 1, true, kDriver});
  const auto kills = world.Sent<base::KillActor>();
  ASSERT_EQ(kills.size(), 1u);
  EXPECT_EQ(kills[0].first, kDriver);
  EXPECT_TRUE(kills[0].second.restart);
}

TEST_F(CoreControlTest, AJobIsStoppedAndItsDriverTold) {
  world.Do(ControlUp{1});
  world.AddDriver();
  world.RegisterAll();
  world.StoreSays(base::StopJob{kJob, "ended by a person"});
  EXPECT_EQ(world.Sent<base::JobEnded>().size(), 1u);
  EXPECT_TRUE(world.closed.contains(kDriver));
  EXPECT_EQ(Last<base::JobOver>().cause, "ended by a person");
  EXPECT_EQ(world.killed.size(), 2u);
  for (const ProcessId killed : world.killed) world.Exit(killed);
  EXPECT_EQ(world.core.jobs(), 0u);
}

TEST_F(CoreControlTest, ARefusedNodeLeaves) {
  world.Do(ControlUp{1});
  world.StoreSays(base::NodeRefused{"declared dead"});
  EXPECT_EQ(world.leaves, std::vector<std::string>{"declared dead"});
}

TEST_F(CoreControlTest, AToolSeesWorkersAndTasks) {
  world.AddDriver();
  world.RegisterAll();
  world.Ask(ResourceVector::Cpus(2));
  world.Ask(ResourceVector::Cpus(2));
  const ProcessId tool{9, 9};
  world.Say(tool, base::ListLocal{});
  const auto listings = world.Sent<base::LocalListing>();
  ASSERT_EQ(listings.size(), 1u);
  EXPECT_EQ(listings[0].first, tool);
  EXPECT_EQ(listings[0].second.workers.size(), 2u);
  ASSERT_EQ(listings[0].second.tasks.size(), 2u);
  EXPECT_EQ(listings[0].second.tasks[0].state, "leased");
  EXPECT_EQ(listings[0].second.tasks[1].state, "queued");
}

TEST_F(CoreControlTest, AToolSeesToWhichDetachedActorAWorkerBelongs) {
  world.Do(ControlUp{1});
  world.AddDriver();
  world.RegisterAll();
  const ProcessId worker = HostOn();
  world.Say(ProcessId{9, 9}, base::ListLocal{});
  const auto listings = world.Sent<base::LocalListing>();
  ASSERT_EQ(listings.size(), 1u);
  for (const base::WorkerInfo& info : listings[0].second.workers) {
    EXPECT_EQ(info.actor, info.process == worker ? kActor : ActorId());
    EXPECT_EQ(info.job == kJob, info.process != worker);
  }
}

// A node that was started, with its control store.
class CoreProgramTest : public CoreControlTest {
 protected:
  CoreProgramTest() {
    Core::Options options = OptionsFor(2);
    options.has_control = true;
    node = std::make_unique<World>(std::move(options));
    node->Do(ControlUp{1});
  }

  void Join() { node->StoreSays(base::NodeJoined{{9, 9}, 1, 1, 10'000}); }
  // The questions of the raylet's own that are not answered yet.
  std::vector<base::ControlCall> Questions() {
    std::vector<base::ControlCall> asked;
    for (base::ControlCall& call : node->Told<base::ControlCall>()) {
      if (std::holds_alternative<base::ListActors>(call.body)) {
        asked.push_back(std::move(call));
      }
    }
    node->told.clear();
    return asked;
  }
  void Answer(const base::ControlCall& question,
              const std::vector<std::string>& programs) {
    base::ActorsAnswer answer;
    for (const std::string& program : programs) {
      answer.actors.push_back(Detached());
      answer.actors.back().spec->program = program;
    }
    node->StoreSays(
        base::ControlAnswer{question.request, kSelf, std::move(answer)});
  }
  void Pass(base::Duration time) {
    node->now = node->now + time;
    node->Do(Tick{});
  }
  using Programs = std::set<std::string>;

  std::unique_ptr<World> node;
};

TEST_F(CoreProgramTest, OnceItHasJoinedItForgetsWhatNobodyNeeds) {
  EXPECT_TRUE(Questions().empty());
  Join();
  const auto questions = Questions();
  ASSERT_EQ(questions.size(), 1u);
  // One that is hosted meanwhile stands in no answer.
  node->StoreSays(base::HostActor{Detached()});
  Answer(questions[0], {"restarting"});
  EXPECT_EQ(node->forgets,
            std::vector<Programs>{(Programs{"cafe", "restarting"})});
}

TEST_F(CoreProgramTest, WhenAJobOfAProgramIsOverItLooksAgainNotTooOften) {
  Join();
  Answer(Questions().at(0), {});
  node->AddDriver();
  base::RegisterActor registers;
  registers.actor.actor = kActor;
  registers.actor.detached = true;
  registers.actor.spec.emplace();
  node->Say(kDriver, CallOf(1, registers));
  node->Do(ProgramKept{kJob, "beef", ""});
  node->Do(PeerLost{kDriver});
  while (!node->killed.empty()) {
    const ProcessId killed = *node->killed.begin();
    node->killed.erase(killed);
    node->Exit(killed);
  }
  EXPECT_TRUE(Questions().empty());
  EXPECT_LE(node->timer, node->now + seconds(10));
  Pass(seconds(10));
  const auto questions = Questions();
  ASSERT_EQ(questions.size(), 1u);
  Answer(questions[0], {});
  EXPECT_EQ(node->forgets.back(), Programs{});
}

TEST_F(CoreProgramTest, WhatIsBeingRegisteredIsNeeded) {
  Join();
  const auto questions = Questions();
  node->AddDriver();
  base::RegisterActor registers;
  registers.actor.actor = kActor;
  registers.actor.detached = true;
  registers.actor.spec.emplace();
  node->Say(kDriver, CallOf(1, registers));
  node->Do(ProgramKept{kJob, "beef", ""});
  node->Do(PeerLost{kDriver});  // its call is forgotten, and was sent
  Answer(questions.at(0), {});
  EXPECT_TRUE(node->forgets.at(0).contains("beef"));
}

TEST_F(CoreProgramTest, WithoutItsStoreAndInAnEmbeddedHeadNothingIsForgotten) {
  Join();
  const auto questions = Questions();
  node->Do(ControlDown{});
  Pass(seconds(100));
  EXPECT_TRUE(node->forgets.empty());
  node->Do(ControlUp{2});
  EXPECT_EQ(Questions().at(0).request, questions.at(0).request)
      << "it is asked again";
  // An embedded head's folder goes with it.
  world.Do(ControlUp{1});
  world.StoreSays(base::NodeJoined{{9, 9}, 1, 1, 10'000});
  EXPECT_TRUE(world.Told<base::ControlCall>().empty());
}

// Tasks of equal length, as many waiting as may be: each slot goes to the job
// that is furthest behind its share.
TEST_F(CoreControlTest, TwoJobsOfWeightsThreeAndOneShareThreeToOne) {
  World shared(OptionsFor(4));
  const ProcessId drivers[] = {kDriver, ProcessId{2, 2}};
  const JobId jobs[] = {kJob, JobId{3, 2}};
  shared.AddDriver(drivers[0], jobs[0], 3);
  shared.AddDriver(drivers[1], jobs[1], 1);
  std::map<LeaseId, int> of;
  const auto ask = [&](int who) {
    of[shared.Ask(ResourceVector::Cpus(1), false, drivers[who], jobs[who])] =
        who;
  };
  for (int i = 0; i < 8; ++i) ask(0);
  for (int i = 0; i < 8; ++i) ask(1);
  std::map<int, int> run;
  for (int turn = 0; turn < 1000; ++turn) {
    shared.RegisterAll();
    const std::map<LeaseId, ProcessId> granted =
        std::exchange(shared.granted, {});
    for (const auto& [lease, worker] : granted) {
      const int who = of.at(lease);
      ++run[who];
      shared.now = shared.now + milliseconds(1);
      ask(who);
      shared.Say(drivers[who], base::ReturnLease{lease});
    }
  }
  EXPECT_GT(run[1], 100);
  EXPECT_NEAR(1.0 * run[0] / run[1], 3, 0.1);
}

}  // namespace
}  // namespace mobula::raylet
