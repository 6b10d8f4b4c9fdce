#include "raylet/core/core.h"

#include <gtest/gtest.h>

#include <utility>

#include "raylet/core/core_world.h"

namespace mobula::raylet {
namespace {

using namespace test;

TEST(CoreTest, ADriverIsAnsweredAndItsPoolStarts) {
  World world(OptionsFor(2));
  world.AddDriver();
  ASSERT_EQ(world.Sent<base::Registered>().size(), 1u);
  EXPECT_EQ(world.Sent<base::Registered>()[0].second.node_name, "here");
  EXPECT_EQ(world.starting.size(), 2u);
  world.RegisterAll();
  EXPECT_EQ(world.core.workers(), 2u);
  EXPECT_TRUE(world.starting.empty());
}

TEST(CoreTest, ItsStoreIsToldToWhoRegistersAndToWhoLooks) {
  Core::Options options = OptionsFor(1);
  options.object_store_bytes = 64 << 20;
  World world(options);
  world.AddDriver();
  ASSERT_EQ(world.Sent<base::Registered>().size(), 1u);
  EXPECT_EQ(world.Sent<base::Registered>()[0].second.store_bytes, 64u << 20);
  const Effects effects =
      world.Say(kDriver, base::LeaseArena{base::RequestId{6, 1}, 1000});
  const auto* const make = std::get_if<MakeArena>(&effects.at(0));
  ASSERT_NE(make, nullptr);
  const ProcessId tool{9, 9};
  world.Say(tool, base::ListLocal{});
  const auto listings = world.Sent<base::LocalListing>();
  ASSERT_EQ(listings.size(), 1u);
  ASSERT_EQ(listings[0].second.stores.size(), 1u);
  const base::StoreInfo& store = listings[0].second.stores[0];
  EXPECT_EQ(store.node, options.node);
  EXPECT_EQ(store.bytes_max, 64u << 20);
  EXPECT_EQ(store.bytes_used, make->byte_count);
  EXPECT_EQ(store.spilled_bytes, 0u);
}

TEST(CoreTest, AGrantComesAfterItsConnectAndConnectsOnce) {
  World world(OptionsFor(1));
  world.AddDriver();
  world.RegisterAll();
  const LeaseId lease{7, 7};
  const Effects effects = world.Say(
      kDriver,
      base::RequestLease{lease, kJob, ResourceVector::Cpus(1), false, ""});
  int connect_at = -1;
  int grant_at = -1;
  for (int i = 0; i < static_cast<int>(effects.size()); ++i) {
    if (std::holds_alternative<Connect>(effects[i])) connect_at = i;
    if (std::holds_alternative<Send>(effects[i])) grant_at = i;
  }
  ASSERT_GE(connect_at, 0);
  EXPECT_GT(grant_at, connect_at);
  world.Say(kDriver, base::ReturnLease{lease});
  const LeaseId second = world.Ask(ResourceVector::Cpus(1));
  EXPECT_EQ(world.WorkerOf(second), world.WorkerOf(lease));
  EXPECT_EQ(world.connects.size(), 1u);
}

TEST(CoreTest, WhatDoesNotFitWaitsForAReturn) {
  World world(OptionsFor(1));
  world.AddDriver();
  world.RegisterAll();
  const LeaseId first = world.Ask(ResourceVector::Cpus(1));
  const LeaseId second = world.Ask(ResourceVector::Cpus(1));
  EXPECT_TRUE(world.WorkerOf(first));
  EXPECT_FALSE(world.WorkerOf(second));
  world.Say(kDriver, base::ReturnLease{first});
  EXPECT_TRUE(world.WorkerOf(second));
}

TEST(CoreTest, InfeasibleIsRefusedSayingWhatThereIs) {
  World world(OptionsFor(2));
  world.AddDriver();
  const LeaseId lease = world.Ask(ResourceVector::Cpus(8));
  ASSERT_TRUE(world.refused.contains(lease));
  const base::Failure& failure = world.refused[lease];
  EXPECT_EQ(failure.code, FailureCode::kInfeasible);
  EXPECT_EQ(failure.executed, base::Executed::kNo);
  EXPECT_NE(failure.message.find("8"), std::string::npos);
  EXPECT_NE(failure.message.find("2"), std::string::npos);
  EXPECT_NE(failure.message.find("here"), std::string::npos);
}

TEST(CoreTest, DuplicatesAreAnsweredAgainAndChangeNothing) {
  World world(OptionsFor(1));
  world.AddDriver();
  world.RegisterAll();
  const base::RequestLease request{LeaseId{7, 1}, kJob, ResourceVector::Cpus(1),
                                   false, ""};
  world.Say(kDriver, request);
  world.Say(kDriver, request);
  EXPECT_EQ(world.Sent<base::LeaseGranted>().size(), 2u);
  EXPECT_EQ(world.core.leases(), 1u);
  world.Say(kDriver, base::ReturnLease{request.lease});
  world.Say(kDriver, base::ReturnLease{request.lease});
  world.Say(kDriver, base::ReturnLease{LeaseId{7, 99}});
  EXPECT_EQ(world.core.leases(), 0u);
  world.Say(kDriver, request);  // late: it has ended
  EXPECT_EQ(world.core.leases(), 0u);
  EXPECT_EQ(world.core.queued(), 0u);
}

TEST(CoreTest, ACancelThatCrossesItsGrantReturnsIt) {
  World world(OptionsFor(1));
  world.AddDriver();
  world.RegisterAll();
  const LeaseId granted = world.Ask(ResourceVector::Cpus(1));
  const LeaseId waiting = world.Ask(ResourceVector::Cpus(1));
  world.Say(kDriver, base::CancelLease{waiting});
  EXPECT_EQ(world.core.queued(), 0u);
  world.Say(kDriver, base::CancelLease{granted});
  EXPECT_EQ(world.core.leases(), 0u);
  EXPECT_EQ(world.core.free(), world.core.total());
}

TEST(CoreTest, ADeadWorkerIsToldToItsOwnerWithTheStory) {
  World world(OptionsFor(1));
  world.AddDriver();
  world.RegisterAll();
  const LeaseId lease = world.Ask(ResourceVector::Cpus(1));
  const ProcessId worker = *world.WorkerOf(lease);
  world.Do(PeerLost{worker});
  EXPECT_TRUE(world.killed.contains(worker));
  EXPECT_FALSE(world.lost.contains(lease));
  world.Exit(worker, 7);
  ASSERT_TRUE(world.lost.contains(lease));
  EXPECT_EQ(world.lost[lease].exit_code, 7);
  EXPECT_EQ(world.lost[lease].node, "here");
  EXPECT_EQ(world.lost[lease].log_tail.size(), 1u);
  EXPECT_EQ(world.core.free(), world.core.total());
  EXPECT_EQ(world.starting.size(), 1u) << "the pool is filled again";
}

TEST(CoreTest, BlockedTasksLendTheirCpusAndTakeThemBack) {
  World world(OptionsFor(1));
  world.AddDriver();
  world.RegisterAll();
  const LeaseId outer = world.Ask(ResourceVector::Cpus(1));
  const ProcessId worker = *world.WorkerOf(outer);
  const LeaseId inner = world.Ask(ResourceVector::Cpus(1), false, worker);
  EXPECT_FALSE(world.WorkerOf(inner));
  world.Say(worker, base::TaskBlocked{true});
  world.RegisterAll();
  ASSERT_TRUE(world.WorkerOf(inner));
  EXPECT_NE(*world.WorkerOf(inner), worker);
  world.Say(worker, base::TaskBlocked{false});
  EXPECT_EQ(world.core.free().GetUnits("cpu"), -ResourceVector::kUnit);
  world.Say(worker, base::ReturnLease{inner});
  world.Say(kDriver, base::ReturnLease{outer});
  EXPECT_EQ(world.core.free(), world.core.total());
}

TEST(CoreTest, AnActorsWorkerServesNobodyElse) {
  World world(OptionsFor(1));
  world.AddDriver();
  world.RegisterAll();
  const LeaseId actor = world.Ask(ResourceVector(), true);
  const ProcessId host = *world.WorkerOf(actor);
  world.Say(kDriver, base::ReturnLease{actor});
  ASSERT_EQ(world.Sent<base::Retire>().size(), 1u);
  EXPECT_EQ(world.Sent<base::Retire>()[0].first, host);
  EXPECT_EQ(world.timer, world.now + seconds(2));
  world.now = world.timer;
  world.Do(Tick{});
  EXPECT_TRUE(world.killed.contains(host));
}

TEST(CoreTest, ADiscardedWorkerIsKilled) {
  World world(OptionsFor(1));
  world.AddDriver();
  world.RegisterAll();
  const LeaseId lease = world.Ask(ResourceVector::Cpus(1));
  world.Say(kDriver, base::ReturnLease{lease, /*discard=*/true});
  EXPECT_TRUE(world.killed.contains(*world.WorkerOf(lease)));
  EXPECT_EQ(world.core.free(), world.core.total());
}

TEST(CoreTest, WorkersThatCannotStartFailWhoWaits) {
  World world(OptionsFor(1));
  world.AddDriver();
  const LeaseId lease = world.Ask(ResourceVector::Cpus(1));
  int ended = 0;
  while (!world.refused.contains(lease)) {
    ASSERT_LT(ended, 3);
    if (world.starting.empty()) {
      ASSERT_FALSE(world.timer.IsNever());
      world.now = world.timer;
      world.Do(Tick{});
    }
    ASSERT_FALSE(world.starting.empty());
    world.Exit(*world.starting.begin(), 3);
    ++ended;
  }
  EXPECT_EQ(ended, 3);
  EXPECT_EQ(world.refused[lease].code, FailureCode::kWorkerStart);
  EXPECT_EQ(world.refused[lease].log_tail.front(), "last words");
  // A later request tries anew.
  world.now = world.now + seconds(10);
  const LeaseId later = world.Ask(ResourceVector::Cpus(1));
  world.RegisterAll();
  EXPECT_TRUE(world.WorkerOf(later));
}

TEST(CoreTest, WorkersThatStartTooSlowlyAreKilledAndThatIsSaid) {
  World world(OptionsFor(1));
  world.AddDriver();
  const LeaseId lease = world.Ask(ResourceVector::Cpus(1));
  int ended = 0;
  while (!world.refused.contains(lease)) {
    ASSERT_LT(ended, 3);
    ASSERT_FALSE(world.timer.IsNever());
    world.now = world.timer;
    world.Do(Tick{});
    // A tick starts one where none is; a later one finds it late.
    for (const ProcessId process : std::exchange(world.killed, {})) {
      world.Exit(process, 9);
      ++ended;
    }
  }
  EXPECT_EQ(ended, 3);
  EXPECT_EQ(world.refused[lease].code, FailureCode::kWorkerStart);
  EXPECT_NE(world.refused[lease].message.find("60 s"), std::string::npos)
      << world.refused[lease].message;
}

TEST(CoreTest, ALinkLostBeforeRegisteringIsAFailedStart) {
  World world(OptionsFor(1));
  world.AddDriver();
  const LeaseId lease = world.Ask(ResourceVector::Cpus(1));
  for (int ended = 0; ended < 3; ++ended) {
    ASSERT_FALSE(world.refused.contains(lease));
    const ProcessId worker = *world.starting.begin();
    world.Do(PeerLost{worker});
    world.Exit(worker, 3);
    world.now = world.now + seconds(10);
    world.Do(Tick{});
  }
  ASSERT_TRUE(world.refused.contains(lease));
  EXPECT_EQ(world.refused[lease].exit_code, 3);
}

TEST(CoreTest, AWorkerThatNeverRegistersIsGivenUp) {
  Core::Options options = OptionsFor(1);
  options.workers.start_timeout = seconds(5);
  World world(options);
  world.AddDriver();
  const ProcessId worker = *world.starting.begin();
  EXPECT_EQ(world.timer, world.now + seconds(5));
  world.now = world.timer;
  world.Do(Tick{});
  EXPECT_TRUE(world.killed.contains(worker));
}

TEST(CoreTest, ALostOwnersWorkIsDiscarded) {
  World world(OptionsFor(2));
  world.AddDriver();
  world.RegisterAll();
  const LeaseId outer = world.Ask(ResourceVector::Cpus(1));
  const ProcessId owner = *world.WorkerOf(outer);
  const LeaseId inner = world.Ask(ResourceVector::Cpus(1), false, owner);
  const ProcessId worker = *world.WorkerOf(inner);
  const LeaseId queued = world.Ask(ResourceVector::Cpus(1), false, owner);
  EXPECT_FALSE(world.WorkerOf(queued));
  world.Do(PeerLost{owner});
  EXPECT_TRUE(world.killed.contains(worker));
  EXPECT_EQ(world.core.queued(), 0u);
  EXPECT_EQ(world.core.leases(), 1u);
}

TEST(CoreTest, EndJobRetiresThenKillsThenAnswers) {
  World world(OptionsFor(2));
  world.AddDriver();
  world.RegisterAll();
  world.Ask(ResourceVector::Cpus(1));
  world.Say(kDriver, base::EndJob{kJob});
  const auto retired = world.Sent<base::Retire>();
  ASSERT_EQ(retired.size(), 2u);
  world.Exit(retired[0].first, 0);
  EXPECT_TRUE(world.Sent<base::JobEnded>().empty());
  world.now = world.timer;
  world.Do(Tick{});
  EXPECT_TRUE(world.killed.contains(retired[1].first));
  world.Exit(retired[1].first);
  EXPECT_EQ(world.Sent<base::JobEnded>().size(), 1u);
  const LeaseId late = world.Ask(ResourceVector::Cpus(1));
  EXPECT_EQ(world.refused[late].code, FailureCode::kShutdown);
}

TEST(CoreTest, ALostDriverEndsItsJobAtOnce) {
  World world(OptionsFor(2));
  world.AddDriver();
  world.RegisterAll();
  world.Do(PeerLost{kDriver});
  EXPECT_EQ(world.killed.size(), 2u);
  for (const ProcessId worker : world.killed) world.Exit(worker);
  EXPECT_EQ(world.core.jobs(), 0u);
  EXPECT_EQ(world.core.workers(), 0u);
}

TEST(CoreTest, ConnectToLinksLiveProcessesOfTheJob) {
  World world(OptionsFor(2));
  world.AddDriver();
  const ProcessId unregistered = *world.starting.begin();
  world.Say(kDriver, base::ConnectTo{unregistered});
  EXPECT_EQ(world.Sent<base::PeerGone>().size(), 1u);
  world.RegisterAll();
  world.Say(kDriver, base::ConnectTo{unregistered});
  world.Say(kDriver, base::ConnectTo{unregistered});
  EXPECT_EQ(world.connects.size(), 1u);
  world.Do(PeerLost{unregistered});
  world.Exit(unregistered);
  EXPECT_EQ(world.Sent<base::PeerGone>().size(), 2u);
}

// Else who asks what it owned would be told that there is nothing.
TEST(CoreTest, AKilledProcessIsGoneWhenItsEndIsKnown) {
  World world(OptionsFor(2));
  world.AddDriver();
  world.RegisterAll();
  const LeaseId lease = world.Ask(ResourceVector::Cpus(1));
  const ProcessId worker = *world.WorkerOf(lease);
  const LeaseId other = world.Ask(ResourceVector::Cpus(1));
  const ProcessId asker = *world.WorkerOf(other);
  world.Say(kDriver, base::ReturnLease{lease, true});
  EXPECT_TRUE(world.killed.contains(worker));
  world.Say(asker, base::ConnectTo{worker});
  EXPECT_TRUE(world.Sent<base::PeerGone>().empty());
  world.sent.clear();
  world.Exit(worker);
  std::vector<std::size_t> order;  // of what the asker is told
  for (const Send& send : world.sent) {
    if (send.to == asker) order.push_back(send.message.index());
  }
  EXPECT_EQ(order, (std::vector<std::size_t>{
                       base::Message(base::OwnerGone()).index(),
                       base::Message(base::PeerGone()).index()}));
}

TEST(CoreTest, IdleWorkersBeyondThePoolAreReaped) {
  World world(OptionsFor(1));
  world.AddDriver();
  world.RegisterAll();
  const LeaseId outer = world.Ask(ResourceVector::Cpus(1));
  world.Say(*world.WorkerOf(outer), base::TaskBlocked{true});
  const LeaseId inner =
      world.Ask(ResourceVector::Cpus(1), false, *world.WorkerOf(outer));
  world.RegisterAll();
  world.Say(*world.WorkerOf(outer), base::TaskBlocked{false});
  world.Say(*world.WorkerOf(outer), base::ReturnLease{inner});
  world.Say(kDriver, base::ReturnLease{outer});
  const std::size_t before = world.core.workers();
  ASSERT_GT(before, 1u);
  world.now = world.now + seconds(10);
  world.Do(Tick{});
  const auto retired = world.Sent<base::Retire>();
  ASSERT_EQ(retired.size(), before - 1);
  // Others refer to what it owns: it stays, until the job ends.
  const ProcessId needed = retired[0].first;
  EXPECT_TRUE(retired[0].second.may_stay);
  world.Say(needed, base::Stay{});
  world.sent.clear();
  world.Say(kDriver, base::EndJob{kJob});
  world.Say(needed, base::Stay{});
  for (const auto& [worker, retire] : world.Sent<base::Retire>()) {
    EXPECT_FALSE(retire.may_stay);
  }
  EXPECT_EQ(world.Sent<base::Retire>().size(), before);
}

TEST(CoreTest, AnActorThatNobodyCallsIsNoHope) {
  Core::Options options = OptionsFor(1);
  options.workers.workers_max = 2;
  World world(options);
  world.AddDriver();
  world.Say(kDriver, base::RequestLease{LeaseId{5, 100}, kJob, ResourceVector(),
                                        /*for_actor=*/true, "Counter"});
  const LeaseId lease = world.Ask(ResourceVector::Cpus(1));
  world.RegisterAll();
  const ProcessId waiter = *world.WorkerOf(lease);
  world.Say(waiter, base::TaskBlocked{true});
  const LeaseId third = world.Ask(ResourceVector::Cpus(1), false, waiter);
  const base::BootTime began = world.now;
  while (!world.refused.contains(third) && !world.timer.IsNever()) {
    world.now = std::max(world.now, world.timer);
    world.Do(Tick{});
  }
  ASSERT_TRUE(world.refused.contains(third));
  EXPECT_EQ(world.refused[third].code, FailureCode::kLimit);
  EXPECT_GE(world.now - began, options.stuck_with_actors_after);
  EXPECT_EQ(world.refused[third].message,
            "node here may have 2 worker processes, and none of them is going "
            "to be free: actors hold 1 (Counter); 1 function waits for others. "
            "Allow the node more (--workers-max, InitOptions::WorkersMax), or "
            "end actors of which there is no more need");
}

TEST(CoreTest, AnActorAtWorkIsHopeForHoweverLong) {
  Core::Options options = OptionsFor(1);
  options.workers.workers_max = 2;
  World world(options);
  world.AddDriver();
  const LeaseId actor = world.Ask(ResourceVector(), true);
  const LeaseId lease = world.Ask(ResourceVector::Cpus(1));
  world.RegisterAll();
  const ProcessId host = *world.WorkerOf(actor);
  const ProcessId waiter = *world.WorkerOf(lease);
  world.Say(waiter, base::TaskBlocked{true});
  const LeaseId third = world.Ask(ResourceVector::Cpus(1), false, waiter);
  const auto pass = [&world](const Tick& tick) {
    world.now = std::max(world.now, world.timer);
    world.Do(tick);
  };
  for (int i = 0; i < 10; ++i) pass({{host, waiter}});
  EXPECT_FALSE(world.refused.contains(third));
  EXPECT_GT(world.now - At(seconds(1)), 5 * options.stuck_with_actors_after);
  world.Say(host, base::TaskBlocked{true});  // it waits, too
  for (int i = 0; i < 2; ++i) pass({{host, waiter}});
  EXPECT_TRUE(world.refused.contains(third));
}

// It serves anybody but itself.
TEST(CoreTest, AnIdleWorkerThatWaitsForAnotherDoesNotHoldUpItsJob) {
  Core::Options options = OptionsFor(2);
  options.workers.workers_max = 2;
  World world(options);
  world.AddDriver();
  const LeaseId actor = world.Ask(ResourceVector(), true);
  const LeaseId lease = world.Ask(ResourceVector::Cpus(1));
  world.RegisterAll();
  const ProcessId idle = *world.WorkerOf(lease);
  const LeaseId of_idle = world.Ask(ResourceVector::Cpus(1), false, idle);
  const LeaseId of_actor =
      world.Ask(ResourceVector::Cpus(1), false, *world.WorkerOf(actor));
  world.Say(kDriver, base::ReturnLease{lease});
  EXPECT_FALSE(world.WorkerOf(of_idle).has_value());
  EXPECT_EQ(world.WorkerOf(of_actor), idle);
}

TEST(CoreTest, WhereAllWorkersWaitOneMoreIsRefused) {
  Core::Options options = OptionsFor(1);
  options.workers.workers_max = 2;
  World world(options);
  world.AddDriver();
  ProcessId owner = kDriver;
  for (int depth = 0; depth < 2; ++depth) {
    const LeaseId lease = world.Ask(ResourceVector::Cpus(1), false, owner);
    world.RegisterAll();
    owner = *world.WorkerOf(lease);
    world.Say(owner, base::TaskBlocked{true});
  }
  const LeaseId third = world.Ask(ResourceVector::Cpus(1), false, owner);
  EXPECT_FALSE(world.refused.contains(third));
  world.now = world.timer;
  world.Do(Tick{});
  ASSERT_TRUE(world.refused.contains(third));
  EXPECT_EQ(world.refused[third].code, FailureCode::kLimit);
  EXPECT_NE(world.refused[third].message.find("free: 2 functions wait"),
            std::string::npos)
      << world.refused[third].message;
}
}  // namespace
}  // namespace mobula::raylet
