#include "raylet/core/core.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <variant>
#include <vector>

namespace mobula::raylet {
namespace {

using base::BootTime;
using base::FailureCode;
using base::JobId;
using base::LeaseId;
using base::ProcessId;
using base::ResourceVector;
using std::chrono::milliseconds;
using std::chrono::seconds;

const ProcessId kSelf{1, 1};
const ProcessId kDriver{2, 1};
const JobId kJob{3, 1};

BootTime At(base::Duration since) { return BootTime::FromSinceBoot(since); }

Core::Options OptionsFor(double cpus) {
  Core::Options options;
  options.self = kSelf;
  options.node = base::NodeId{4, 1};
  options.node_name = "here";
  options.total = ResourceVector::Cpus(cpus).With("gpu", 2);
  options.workers = Core::WorkerOptionsFor(cpus);
  return options;
}

// A core, the effects it had, and shorthands for what happens to it.
class World {
 public:
  explicit World(Core::Options options)
      : core(std::move(options), base::IdSource(9)) {}

  Effects Do(const Event& event) {
    Effects effects;
    core.Step(event, now, effects);
    core.CheckInvariants();
    for (const Effect& effect : effects) Note(effect);
    return effects;
  }
  Effects Say(ProcessId from, base::Message message) {
    return Do(Received{from, std::move(message)});
  }
  Effects AddDriver(ProcessId driver = kDriver, JobId job = kJob,
                    int weight = 1) {
    base::Register m;
    m.process = driver;
    m.role = base::Role::kDriver;
    m.job = job;
    m.weight = weight;
    return Say(driver, m);
  }
  Effects RegisterWorker(ProcessId worker) {
    base::Register m;
    m.process = worker;
    m.job = job_of.at(worker);
    m.pid = 100;
    return Say(worker, m);
  }
  // Registers every worker that was started and not yet registered.
  void RegisterAll() {
    while (!starting.empty()) {
      const ProcessId worker = *starting.begin();
      starting.erase(starting.begin());
      Do(WorkerStarted{worker, 50});
      RegisterWorker(worker);
    }
  }
  LeaseId Ask(ResourceVector shape, bool for_actor = false,
              ProcessId from = kDriver, JobId job = kJob) {
    const LeaseId lease{5, ++leases_made};
    Say(from, base::RequestLease{lease, job, std::move(shape), for_actor, ""});
    return lease;
  }
  Effects Exit(ProcessId worker, int exit_code = 1) {
    base::Failure failure;
    failure.code = FailureCode::kWorkerDied;
    failure.exit_code = exit_code;
    failure.log_tail = {"last words"};
    starting.erase(worker);
    return Do(WorkerExited{worker, failure});
  }
  [[nodiscard]] std::optional<ProcessId> WorkerOf(LeaseId lease) const {
    const auto found = granted.find(lease);
    if (found == granted.end()) return std::nullopt;
    return found->second;
  }

  BootTime now = At(seconds(1));
  Core core;
  std::set<ProcessId> starting;
  std::set<ProcessId> killed;
  std::map<ProcessId, JobId> job_of;
  std::map<LeaseId, ProcessId> granted;
  std::map<LeaseId, base::Failure> refused;
  std::map<LeaseId, base::Failure> lost;
  std::vector<Send> sent;
  std::vector<std::pair<ProcessId, ProcessId>> connects;
  BootTime timer = BootTime::Never();
  std::uint64_t leases_made = 0;

  template <class M>
  [[nodiscard]] std::vector<std::pair<ProcessId, M>> Sent() const {
    std::vector<std::pair<ProcessId, M>> found;
    for (const Send& send : sent) {
      if (const M* m = std::get_if<M>(&send.message)) {
        found.emplace_back(send.to, *m);
      }
    }
    return found;
  }

 private:
  void Note(const Effect& effect) {
    if (const auto* start = std::get_if<StartWorker>(&effect)) {
      starting.insert(start->process);
      job_of[start->process] = start->job;
    } else if (const auto* kill = std::get_if<KillWorker>(&effect)) {
      killed.insert(kill->process);
      starting.erase(kill->process);
    } else if (const auto* connect = std::get_if<Connect>(&effect)) {
      connects.emplace_back(connect->a, connect->b);
    } else if (const auto* set = std::get_if<SetTimer>(&effect)) {
      timer = set->at;
    } else if (const auto* send = std::get_if<Send>(&effect)) {
      NoteSend(*send);
    }
  }
  void NoteSend(const Send& send) {
    sent.push_back(send);
    if (const auto* m = std::get_if<base::LeaseGranted>(&send.message)) {
      granted[m->lease] = m->worker;
    } else if (const auto* m = std::get_if<base::LeaseRefused>(&send.message)) {
      refused[m->lease] = m->failure;
    } else if (const auto* m = std::get_if<base::LeaseLost>(&send.message)) {
      lost[m->lease] = m->failure;
    }
  }
};

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
  EXPECT_EQ(world.Sent<base::Retire>().size(), before - 1);
}

TEST(CoreTest, AnActorThatNobodyCallsIsNoHope) {
  Core::Options options = OptionsFor(1);
  options.workers.workers_max = 2;
  World world(options);
  world.AddDriver();
  world.Ask(ResourceVector(), true);
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
}

// Random events, as a world of honest and dying processes would make them.
class RandomWorld {
 public:
  explicit RandomWorld(std::uint32_t seed)
      : random_(seed), world_(MakeOptions()) {
    for (int i = 0; i < 3; ++i) {
      jobs_.push_back(JobId{3, static_cast<std::uint64_t>(i + 1)});
      drivers_.push_back(ProcessId{2, static_cast<std::uint64_t>(i + 1)});
      world_.AddDriver(drivers_[i], jobs_[i], i + 1);
    }
  }

  void Run(int steps) {
    for (int i = 0; i < steps; ++i) OneStep();
    Settle();
  }

 private:
  static Core::Options MakeOptions() {
    Core::Options options = OptionsFor(3);
    options.workers.workers_max = 12;
    options.passed_over_max = 8;
    return options;
  }
  std::uint32_t Below(std::uint32_t n) { return random_() % n; }
  template <class C>
  auto Pick(const C& from) {
    auto it = from.begin();
    std::advance(it, Below(static_cast<std::uint32_t>(from.size())));
    return *it;
  }
  JobId JobOf(ProcessId process) {
    for (std::size_t i = 0; i < drivers_.size(); ++i) {
      if (drivers_[i] == process) return jobs_[i];
    }
    return world_.job_of.at(process);
  }
  void OneStep() {
    world_.now = world_.now + milliseconds(Below(20));
    switch (Below(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        AskSomething();
        break;
      case 4:
      case 5:
        EndSomeLease();
        break;
      case 6:
        if (!alive_.empty()) {
          const ProcessId worker = Pick(alive_);
          world_.Say(worker, base::TaskBlocked{Below(2) == 0});
        }
        break;
      case 7:
        if (!alive_.empty() && Below(3) == 0) Die(Pick(alive_));
        break;
      case 8:
        if (!alive_.empty()) {
          world_.Say(Pick(drivers_), base::ConnectTo{Pick(alive_)});
        }
        break;
      case 9:
        if (world_.timer <= world_.now) world_.Do(Tick{});
        break;
      default:
        Register();
        break;
    }
    BuryKilled();
  }
  void AskSomething() {
    const ProcessId owner =
        alive_.empty() || Below(2) == 0 ? Pick(drivers_) : Pick(alive_);
    ResourceVector shape = ResourceVector::Cpus(Below(4) * 0.5);
    if (Below(4) == 0) shape = shape.With("gpu", 1);
    const bool for_actor = Below(5) == 0;
    const LeaseId lease = world_.Ask(shape, for_actor, owner, JobOf(owner));
    owner_of_[lease] = owner;
    if (Below(10) == 0) {
      world_.Say(owner,
                 base::RequestLease{lease, JobOf(owner), shape, for_actor, ""});
    }
  }
  void EndSomeLease() {
    if (owner_of_.empty()) return;
    const auto [lease, owner] = Pick(owner_of_);
    if (Below(4) == 0) {
      world_.Say(owner, base::CancelLease{lease});
    } else {
      world_.Say(owner, base::ReturnLease{lease, Below(6) == 0});
    }
    if (Below(2) == 0) owner_of_.erase(lease);  // else asked twice
  }
  void Register() {
    if (world_.starting.empty()) return;
    const ProcessId worker = Pick(world_.starting);
    if (Below(12) == 0) {
      world_.Exit(worker);
      return;
    }
    world_.starting.erase(worker);
    world_.RegisterWorker(worker);
    alive_.insert(worker);
  }
  void Die(ProcessId worker) {
    alive_.erase(worker);
    if (Below(2) == 0) world_.Do(PeerLost{worker});
    world_.Exit(worker);
  }
  void BuryKilled() {
    for (const ProcessId worker : std::exchange(world_.killed, {})) {
      alive_.erase(worker);
      world_.Exit(worker);
    }
    std::vector<Send> sent = std::exchange(world_.sent, {});
    for (const Send& send : sent) {
      if (!std::holds_alternative<base::Retire>(send.message)) continue;
      if (Below(3) == 0) continue;  // it takes the whole grace
      if (alive_.erase(send.to) > 0) world_.Exit(send.to);
    }
  }
  // All end well: nothing may be held by anyone.
  void Settle() {
    for (const ProcessId driver : drivers_) world_.Do(PeerLost{driver});
    for (int i = 0; i < 100; ++i) {
      BuryKilled();
      if (world_.timer.IsNever()) break;
      world_.now = world_.timer;
      world_.Do(Tick{});
    }
    EXPECT_EQ(world_.core.workers(), 0u);
    EXPECT_EQ(world_.core.jobs(), 0u);
    EXPECT_EQ(world_.core.leases(), 0u);
    EXPECT_EQ(world_.core.queued(), 0u);
    EXPECT_EQ(world_.core.free(), world_.core.total());
    EXPECT_GT(world_.granted.size(), 50u);
    EXPECT_GT(world_.lost.size(), 0u);
  }

  std::mt19937 random_;
  World world_;
  std::vector<JobId> jobs_;
  std::vector<ProcessId> drivers_;
  std::set<ProcessId> alive_;
  std::map<LeaseId, ProcessId> owner_of_;
};

TEST(CoreTest, InvariantsHoldInRandomWorlds) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomWorld(seed).Run(1500);
  }
}

}  // namespace
}  // namespace mobula::raylet
