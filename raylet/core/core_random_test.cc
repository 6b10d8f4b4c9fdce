#include <gtest/gtest.h>

#include <random>

#include "raylet/core/core.h"
#include "raylet/core/core_world.h"

namespace mobula::raylet {
namespace {

using namespace test;

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

  // How many detached actors were made.
  int Run(int steps) {
    for (int i = 0; i < steps; ++i) OneStep();
    Settle();
    return made_;
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
    if (Below(4) == 0) StoreDoesSomething();
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
  // A control store that comes and goes, hosts and stops detached actors here,
  // and is asked by processes.
  void StoreDoesSomething() {
    const base::ActorId actor{6, 1 + Below(5)};
    const ProcessId caller =
        alive_.empty() || Below(2) == 0 ? Pick(drivers_) : Pick(alive_);
    switch (Below(8)) {
      case 0:
        up_ = !up_;
        if (up_) {
          world_.Do(ControlUp{1});
        } else {
          world_.Do(ControlDown{});
        }
        break;
      case 1:
      case 2:
        Host(actor);
        break;
      case 3:
        if (up_ && Below(3) == 0) {
          world_.StoreSays(
              base::StopActor{actor, lives_[actor], false, ProcessId()});
        }
        break;
      case 4:
        world_.Say(caller, base::WatchActor{actor});
        break;
      case 5:
        world_.Say(caller, base::UnwatchActor{actor});
        break;
      case 6: {
        base::ControlCall call;
        call.request = base::RequestId{8, ++calls_};
        world_.Say(caller, call);
        break;
      }
      default:
        AnswerCall();
        break;
    }
  }
  void Host(base::ActorId actor) {
    if (!up_) return;
    base::HostActor host;
    host.actor.actor = actor;
    host.actor.job = Pick(jobs_);
    host.actor.detached = true;
    host.actor.incarnation = lives_[actor] += Below(2);
    host.actor.spec.emplace();
    host.actor.spec->program = "cafe";
    host.actor.spec->resources = ResourceVector::Cpus(Below(2) * 0.5);
    world_.StoreSays(host);
  }
  void AnswerCall() {
    const std::vector<base::ControlCall> calls =
        world_.Told<base::ControlCall>();
    world_.told.clear();
    if (!up_ || calls.empty()) return;
    const base::ControlCall call = Pick(calls);
    world_.StoreSays(
        base::ControlAnswer{call.request, call.from, base::Done()});
  }
  // A worker in which a detached actor is made says how it went.
  void Make(ProcessId worker, const base::CreateActor& create) {
    if (!alive_.contains(worker) || Below(4) == 0) return;
    base::TaskDone done;
    done.task = create.task;
    if (Below(4) == 0) done.outcome = base::Failure();
    world_.Say(worker, done);
    ++made_;
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
      const auto* create = std::get_if<base::CreateActor>(&send.message);
      if (create != nullptr) Make(send.to, *create);
      if (!std::holds_alternative<base::Retire>(send.message)) continue;
      if (Below(3) == 0) continue;  // it takes the whole grace
      if (alive_.erase(send.to) > 0) world_.Exit(send.to);
    }
  }
  // All end well: nothing may be held by anyone.
  void Settle() {
    for (const ProcessId driver : drivers_) world_.Do(PeerLost{driver});
    for (const auto& [actor, life] : lives_) {
      world_.StoreSays(base::StopActor{actor, life, false, ProcessId()});
    }
    if (up_) world_.Do(ControlDown{});
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
    EXPECT_EQ(world_.core.hosted().size(), 0u);
    EXPECT_EQ(world_.core.directory().watches(), 0u);
  }

  std::mt19937 random_;
  World world_;
  std::vector<JobId> jobs_;
  std::vector<ProcessId> drivers_;
  std::set<ProcessId> alive_;
  std::map<LeaseId, ProcessId> owner_of_;
  bool up_ = false;
  std::map<base::ActorId, std::int64_t> lives_;
  std::uint64_t calls_ = 0;
  int made_ = 0;
};

TEST(CoreTest, InvariantsHoldInRandomWorlds) {
  int made = 0;
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    made += RandomWorld(seed).Run(1500);
  }
  EXPECT_GT(made, 100);
}

}  // namespace
}  // namespace mobula::raylet
