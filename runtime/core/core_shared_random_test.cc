// Whole lives of shared actors in an order that a seed decides: a driver, the
// hosts that it leases, calls of the driver and of the actors to one another,
// hosts killed by their actors' doing or nobody's, actors killed and dropped.
// What the cores say is compared with what happened.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/control/control_message.h"
#include "base/control/records.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/scheduling/resource_vector.h"
#include "runtime/core/core.h"
#include "runtime/core/events.h"

namespace mobula::runtime {
namespace {

using base::ActorId;
using base::BootTime;
using base::Bytes;
using base::Failure;
using base::FailureCode;
using base::ObjectId;
using base::ProcessId;
using base::TaskId;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr ProcessId kRaylet{100, 1};
constexpr ProcessId kDriver{100, 2};

// What a method does, by the low half of its id.
enum class Deed : std::uint64_t { kReturn = 1, kThrow, kExit, kCall, kDeaf };

// The node: one driver, hosts, and a raylet that grants every lease.
class World {
 public:
  struct Start {
    ActorId actor;
    std::int64_t incarnation = 0;
    std::uint64_t order = 0;
  };

  explicit World(std::uint64_t seed) : random_(seed) {
    StartProcess(kDriver, base::Role::kDriver);
  }

  std::uint64_t Random(std::uint64_t below) { return random_() % below; }
  void Do(Event event) { Feed(kDriver, std::move(event)); }
  [[nodiscard]] const Core& driver() const {
    return *processes_.at(kDriver).core;
  }
  [[nodiscard]] std::size_t hosts() const { return processes_.size() - 1; }
  [[nodiscard]] std::size_t leases() const { return leases_.size(); }

  // One thing happens; false if nothing can, ever.
  bool Step() {
    std::vector<Wire> loaded;
    for (const auto& [wire, packets] : wires_) {
      if (!packets.empty()) loaded.push_back(wire);
    }
    if (Random(2) == 0 && RunDue()) return true;
    if (!loaded.empty()) {
      if (Random(20) == 0) now_ = now_ + microseconds(Random(500));
      Deliver(loaded[Random(loaded.size())]);
      return true;
    }
    return RunDue() || AdvanceTime();
  }

  // Some host crashes: by the doing of one that runs there, or of nobody.
  void CrashSome() {
    if (hosts() == 0) return;
    auto it = processes_.upper_bound(kDriver);
    std::advance(it, static_cast<std::ptrdiff_t>(Random(hosts())));
    ActorId charged;
    std::vector<ActorId> run;
    for (const auto& [actor, running] : it->second.running) {
      run.push_back(actor);
    }
    if (!run.empty() && Random(3) != 0) charged = run[Random(run.size())];
    ++crashes;
    if (!charged.IsNil()) charges.push_back(charged);
    End(it->first, charged);
  }

  std::map<TaskId, std::vector<Start>> starts;
  std::map<ObjectId, std::vector<base::Outcome>> ready;
  std::map<ActorId, std::vector<base::ActorReport>> reports;
  std::vector<ActorId> charges;
  std::uint64_t crashes = 0;
  std::uint64_t discarded = 0;  // hosts whose actors did not end in time
  std::uint64_t side_by_side = 0;

 private:
  struct Running {
    Execute execute;
    BootTime finish_at;
    ObjectId awaits;  // nil if nothing
    ActorId calls;
  };
  struct Process {
    std::unique_ptr<Core> core;
    BootTime timer = BootTime::Never();
    std::map<ActorId, Running> running;
    std::deque<ActorId> ending;  // EndActor was asked for
    std::uint64_t next_id = 1;
  };
  using Wire = std::pair<ProcessId, ProcessId>;
  using Packet = std::optional<base::Message>;  // nothing: its sender ended

  void StartProcess(ProcessId id, base::Role role) {
    Core::Options options;
    options.self = id;
    options.role = role;
    options.job = {3, 3};
    options.seed = id.lo;
    processes_[id].core =
        std::make_unique<Core>(options, base::IdSource(1'000 + id.lo));
    Transmit(kRaylet, id,
             base::Registered{kRaylet,
                              base::NodeId{4, 4},
                              "fake",
                              base::ResourceVector::Cpus(2),
                              {}});
  }

  void Feed(ProcessId id, Event event) {
    const auto it = processes_.find(id);
    if (it == processes_.end()) return;
    Effects effects;
    it->second.core->Step(std::move(event), now_, effects);
    for (Effect& effect : effects) CarryOut(id, effect);
  }

  void CarryOut(ProcessId id, Effect& effect) {
    const auto it = processes_.find(id);
    if (it == processes_.end()) return;
    Process& process = it->second;
    if (auto* send = std::get_if<Send>(&effect)) {
      MOBULA_CHECK(send->to != id, "nothing is sent to itself");
      Transmit(id, send->to, std::move(send->message));
    } else if (auto* now_ready = std::get_if<Ready>(&effect)) {
      if (id == kDriver) {
        ready[now_ready->object].push_back(std::move(now_ready->outcome));
        return;
      }
      for (auto& [actor, running] : process.running) {
        if (running.awaits == now_ready->object) running.finish_at = now_;
      }
    } else if (auto* execute = std::get_if<Execute>(&effect)) {
      Begin(id, process, *execute);
    } else if (auto* stop = std::get_if<StopExecution>(&effect)) {
      for (auto& [actor, running] : process.running) {
        const bool is_deaf =
            running.execute.function.lo == static_cast<int>(Deed::kDeaf);
        if (running.execute.task == stop->task && !is_deaf &&
            running.awaits.IsNil()) {
          running.finish_at = std::min(running.finish_at, now_);
        }
      }
    } else if (auto* end = std::get_if<EndActor>(&effect)) {
      MOBULA_CHECK(!process.running.contains(end->actor));
      process.ending.push_back(end->actor);
    } else if (auto* timer = std::get_if<SetTimer>(&effect)) {
      process.timer = timer->at;
    } else if (std::holds_alternative<Exit>(effect)) {
      MOBULA_CHECK(process.running.empty());
      End(id, ActorId());
    }
  }

  void Begin(ProcessId id, Process& process, const Execute& execute) {
    MOBULA_CHECK(execute.shared);
    side_by_side += process.running.empty() ? 0 : 1;
    const auto [it, is_new] = process.running.try_emplace(execute.actor);
    MOBULA_CHECK(is_new) << "an actor runs two things at once";
    Running& running = it->second;
    running.execute = execute;
    running.finish_at = now_ + microseconds(1 + Random(2'000));
    starts[execute.task].push_back(
        {execute.actor, execute.incarnation, ++starts_});
    const auto deed = static_cast<Deed>(execute.function.lo);
    if (deed == Deed::kDeaf) running.finish_at = now_ + seconds(8);
    if (deed == Deed::kCall) BeginCall(id, process, running);
  }

  // A method calls another actor of the driver's, perhaps of this process, and
  // waits for it.
  void BeginCall(ProcessId id, Process& process, Running& running) {
    const ActorId other{
        kDriver.lo,
        std::stoull(std::string(running.execute.args.at(0).view()))};
    if (!(running.execute.actor < other)) return;  // or they wait in a circle
    Call call;
    call.actor = other;
    call.task = {id.lo, process.next_id++};
    call.result = {id.lo, process.next_id++};
    call.parent = running.execute.task;
    call.method = {1, static_cast<std::uint64_t>(Deed::kReturn)};
    call.method_name = "Cell::Called";
    running.awaits = call.result;
    running.calls = other;
    running.finish_at = BootTime::Never();
    const ObjectId result = call.result;
    // In a turn of its own, as a thread's events come.
    later_.emplace_back(id, Adopt{other, kDriver});
    later_.emplace_back(id, std::move(call));
    later_.emplace_back(id, Watch{result});
  }

  void FinishOne(ProcessId id, ActorId actor) {
    Process& process = processes_.at(id);
    const Running running = process.running.at(actor);
    process.running.erase(actor);
    if (!running.awaits.IsNil()) {
      Feed(id, DropObject{running.awaits});
      Feed(id, DropActor{running.calls});
    }
    Executed executed;
    executed.task = running.execute.task;
    executed.run_ns = 1'000;
    const auto deed = static_cast<Deed>(running.execute.function.lo);
    executed.exit_actor = deed == Deed::kExit;
    executed.outcome = Bytes::Own("v");
    if (deed == Deed::kThrow) {
      executed.outcome = base::MakeFailure(FailureCode::kUserException,
                                           base::Executed::kYes, "thrown");
    }
    Feed(id, std::move(executed));
  }

  void Transmit(ProcessId from, ProcessId to, base::Message message) {
    if (to != kRaylet && !processes_.contains(to)) return;
    wires_[{from, to}].push_back(std::move(message));
  }

  void Deliver(Wire wire) {
    Packet packet = std::move(wires_[wire].front());
    wires_[wire].pop_front();
    const auto [from, to] = wire;
    if (to == kRaylet) {
      if (packet.has_value()) RayletHears(from, *packet);
    } else if (packet.has_value()) {
      Feed(to, Received{from, std::move(*packet)});
    } else {
      linked_.erase({std::min(from, to), std::max(from, to)});
      Feed(to, PeerLost{from});
    }
  }

  bool RunDue() {
    if (!later_.empty() && Random(2) == 0) {
      auto [id, event] = std::move(later_.front());
      later_.pop_front();
      Feed(id, std::move(event));
      return true;
    }
    std::vector<std::pair<ProcessId, ActorId>> due;
    for (const auto& [id, process] : processes_) {
      if (process.timer <= now_) due.emplace_back(id, ActorId());
      for (const auto& [actor, running] : process.running) {
        if (running.finish_at <= now_) due.emplace_back(id, actor);
      }
      if (!process.ending.empty()) due.emplace_back(id, process.ending.front());
    }
    if (due.empty()) return false;
    const auto [id, actor] = due[Random(due.size())];
    Process& process = processes_.at(id);
    if (actor.IsNil()) {
      process.timer = BootTime::Never();
      Feed(id, Tick{});
    } else if (process.running.contains(actor)) {
      FinishOne(id, actor);
    } else {
      process.ending.pop_front();
      Feed(id, ActorEnded{actor});
    }
    return true;
  }

  bool AdvanceTime() {
    if (!later_.empty()) return true;
    BootTime next = BootTime::Never();
    for (const auto& [id, process] : processes_) {
      next = std::min(next, process.timer);
      for (const auto& [actor, running] : process.running) {
        next = std::min(next, running.finish_at);
      }
    }
    if (next.IsNever()) return false;
    now_ = std::max(now_, next);
    return true;
  }

  void RayletHears(ProcessId from, const base::Message& message) {
    if (!processes_.contains(from)) return;
    if (const auto* request = std::get_if<base::RequestLease>(&message)) {
      const ProcessId worker{100, next_worker_++};
      StartProcess(worker, base::Role::kWorker);
      Link(from, worker);
      leases_[request->lease] = {from, worker};
      Transmit(kRaylet, from, base::LeaseGranted{request->lease, worker, 7});
    } else if (const auto* cancel = std::get_if<base::CancelLease>(&message)) {
      Return(cancel->lease, /*discard=*/true);
    } else if (const auto* back = std::get_if<base::ReturnLease>(&message)) {
      discarded += back->discard ? 1 : 0;
      Return(back->lease, back->discard);
    } else if (const auto* connect = std::get_if<base::ConnectTo>(&message)) {
      if (processes_.contains(connect->peer)) {
        Link(from, connect->peer);
      } else {
        Transmit(kRaylet, from, base::PeerGone{connect->peer});
      }
    } else if (const auto* report = std::get_if<base::ActorReport>(&message)) {
      reports[report->actor].push_back(*report);
    }
  }

  void Return(base::LeaseId lease, bool discard) {
    const auto found = leases_.find(lease);
    if (found == leases_.end()) return;
    const ProcessId worker = found->second.second;
    leases_.erase(found);
    if (discard) {
      End(worker, ActorId());
    } else {
      Transmit(kRaylet, worker, base::Retire{});
    }
  }

  void Link(ProcessId a, ProcessId b) {
    if (!linked_.insert({std::min(a, b), std::max(a, b)}).second) return;
    Transmit(kRaylet, a, base::Attach{b});
    Transmit(kRaylet, b, base::Attach{a});
  }

  void End(ProcessId id, ActorId charged) {
    if (processes_.erase(id) == 0) return;
    for (auto& [wire, packets] : wires_) {
      if (wire.second == id) packets.clear();
    }
    for (const auto& [a, b] : linked_) {
      if (a != id && b != id) continue;
      const ProcessId other = a == id ? b : a;
      if (processes_.contains(other)) {
        wires_[{id, other}].push_back(std::nullopt);
      }
    }
    std::erase_if(linked_, [id](const auto& pair) {
      return pair.first == id || pair.second == id;
    });
    std::erase_if(later_, [id](const auto& each) { return each.first == id; });
    for (auto it = leases_.begin(); it != leases_.end();) {
      const auto [lease, pair] = *it;
      if (pair.second != id) {
        ++it;
        continue;
      }
      Failure failure;
      failure.code = FailureCode::kWorkerDied;
      failure.signal = 11;
      failure.pid = 7;
      Transmit(kRaylet, pair.first,
               base::LeaseLost{lease, id, failure, charged});
      it = leases_.erase(it);
    }
  }

  std::mt19937_64 random_;
  BootTime now_ = BootTime::FromSinceBoot(seconds(1));
  std::map<ProcessId, Process> processes_;
  std::map<Wire, std::deque<Packet>> wires_;
  std::set<Wire> linked_;
  std::map<base::LeaseId, std::pair<ProcessId, ProcessId>> leases_;
  std::deque<std::pair<ProcessId, Event>> later_;
  std::uint64_t next_worker_ = 10;
  std::uint64_t starts_ = 0;
};

class Life {
 public:
  explicit Life(std::uint64_t seed) : world_(seed) {}

  void Run(int deeds) {
    for (int i = 0; i < deeds; ++i) {
      DoSomething();
      const std::uint64_t steps = world_.Random(25);
      for (std::uint64_t s = 0; s < steps; ++s) world_.Step();
    }
    Finish();
    CompareOutcomes();
    CompareOrder();
    for (const ObjectId object : held_) world_.Do(DropObject{object});
    for (const ActorId actor : actors_) world_.Do(DropActor{actor});
    Finish();
    CompareReports();
    CompareEnd();
  }

  const World& world() const { return world_; }
  std::size_t co_hosted = 0;
  std::size_t calls = 0;
  std::size_t separated = 0;

 private:
  void DoSomething() {
    switch (world_.Random(10)) {
      case 0:
        if (world_.Random(3) == 0) world_.CrashSome();
        return;
      case 1:
      case 2:
        DoCreate();
        return;
      case 3:
        if (actors_.empty() || world_.Random(2) == 0) return;
        DoEnd(world_.Random(actors_.size()));
        return;
      default:
        for (int i = 0; i < 4; ++i) DoCall();
    }
  }

  void DoCreate() {
    static constexpr std::int32_t kRestarts[] = {0, 1, 3, -1};
    Create create;
    create.actor = {kDriver.lo, next_id_++};
    create.task = {kDriver.lo, next_id_++};
    create.constructor = {
        1, static_cast<std::uint64_t>(world_.Random(12) == 0 ? Deed::kThrow
                                                             : Deed::kReturn)};
    create.class_name = std::string(1, static_cast<char>('A' + Draw(4)));
    create.restarts_max = kRestarts[Draw(4)];
    create.shared = true;
    restarts_max_[create.actor] = create.restarts_max;
    actors_.push_back(create.actor);
    world_.Do(std::move(create));
  }
  std::uint64_t Draw(std::uint64_t below) { return world_.Random(below); }

  void DoEnd(std::size_t at) {
    const ActorId actor = actors_[at];
    switch (world_.Random(3)) {
      case 0:
        world_.Do(Kill{actor, false});
        return;
      case 1:
        killed_to_restart_.insert(actor);
        world_.Do(Kill{actor, true});
        return;
      default:
        world_.Do(DropActor{actor});
        actors_.erase(actors_.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }

  void DoCall() {
    if (actors_.empty()) return;
    static constexpr Deed kDeeds[] = {Deed::kReturn, Deed::kReturn,
                                      Deed::kReturn, Deed::kThrow,
                                      Deed::kCall,   Deed::kCall};
    Call call;
    call.actor = actors_[world_.Random(actors_.size())];
    call.task = {kDriver.lo, next_id_++};
    call.result = {kDriver.lo, next_id_++};
    const std::uint64_t draw = world_.Random(80);
    const Deed deed = draw == 0   ? Deed::kExit
                      : draw == 1 ? Deed::kDeaf
                                  : kDeeds[draw % 6];
    call.method = {1, static_cast<std::uint64_t>(deed)};
    call.method_name = "Cell::Do";
    const ActorId other = actors_[world_.Random(actors_.size())];
    call.args.push_back({ObjectId(), Bytes::Own(std::to_string(other.lo))});
    call.retries_max = world_.Random(3) == 0 ? 2 : 0;
    issued_[call.result] = {call.task, call.actor, call.retries_max, calls++};
    held_.push_back(call.result);
    const ObjectId result = call.result;
    world_.Do(std::move(call));
    world_.Do(Watch{result});
    if (world_.Random(8) != 0) return;
    Cancel cancel;
    cancel.request = {kDriver.lo, next_id_++};
    cancel.object = {result, kDriver};
    world_.Do(std::move(cancel));
  }

  void Finish() {
    for (int i = 0; i < 2'000'000; ++i) {
      if (!world_.Step()) return;
    }
    FAIL() << "it never comes to rest";
  }

  void CompareOutcomes() {
    for (const auto& [result, issued] : issued_) {
      const auto it = world_.ready.find(result);
      ASSERT_NE(it, world_.ready.end()) << "no outcome of " << issued.number;
      ASSERT_EQ(it->second.size(), 1u);
      const auto started = world_.starts.find(issued.task);
      const std::size_t starts =
          started == world_.starts.end() ? 0 : started->second.size();
      const auto* failure = std::get_if<Failure>(&it->second.front());
      if (failure == nullptr) {
        EXPECT_GE(starts, 1u);
        continue;
      }
      if (failure->executed == base::Executed::kNo) {
        EXPECT_EQ(starts, 0u);
      }
      EXPECT_LE(starts, static_cast<std::size_t>(issued.retries_max) + 1);
      if (failure->code == FailureCode::kCoHosted) ++co_hosted;
    }
  }

  // Calls of the driver to one incarnation start in the order made.
  void CompareOrder() {
    std::vector<std::tuple<ActorId, std::int64_t, std::uint64_t, std::size_t>>
        all;
    for (const auto& [result, issued] : issued_) {
      const auto started = world_.starts.find(issued.task);
      if (started == world_.starts.end()) continue;
      for (const World::Start& start : started->second) {
        EXPECT_EQ(start.actor, issued.actor);
        all.emplace_back(start.actor, start.incarnation, start.order,
                         issued.number);
      }
    }
    std::sort(all.begin(), all.end());
    for (std::size_t i = 1; i < all.size(); ++i) {
      if (std::get<0>(all[i]) != std::get<0>(all[i - 1])) continue;
      if (std::get<1>(all[i]) != std::get<1>(all[i - 1])) continue;
      EXPECT_LT(std::get<3>(all[i - 1]), std::get<3>(all[i]));
    }
  }

  // Who is not charged is not counted; who is, is, and no more than it may.
  void CompareReports() {
    for (const auto& [actor, reports] : world_.reports) {
      std::int32_t counted = 0;
      for (std::size_t i = 1; i < reports.size(); ++i) {
        const base::ActorReport& before = reports[i - 1];
        const base::ActorReport& report = reports[i];
        EXPECT_NE(before.state, base::ActorState::kDead);
        EXPECT_TRUE(report.shared);
        separated += report.separated ? 1 : 0;
        if (report.state != base::ActorState::kRestarting) continue;
        EXPECT_EQ(report.incarnation, before.incarnation + 1);
        const bool is_counted = report.cause.code != FailureCode::kCoHosted;
        EXPECT_EQ(report.restarts, before.restarts + (is_counted ? 1 : 0));
        counted += is_counted ? 1 : 0;
      }
      const std::int32_t most = restarts_max_.at(actor);
      EXPECT_TRUE(most < 0 || counted <= most);
      const auto charges =
          std::count(world_.charges.begin(), world_.charges.end(), actor);
      if (killed_to_restart_.contains(actor)) continue;
      EXPECT_LE(counted, charges);
    }
  }

  void CompareEnd() {
    const Core::Census census = world_.driver().Count();
    EXPECT_EQ(census.objects, 0u);
    EXPECT_EQ(census.calls, 0u);
    EXPECT_EQ(census.actors, 0u);
    EXPECT_EQ(census.leases, 0u);
    EXPECT_EQ(world_.leases(), 0u);
    EXPECT_EQ(world_.hosts(), 0u);
  }

  struct Issued {
    TaskId task;
    ActorId actor;
    std::int32_t retries_max = 0;
    std::size_t number = 0;
  };

  World world_;
  std::uint64_t next_id_ = 1;
  std::vector<ActorId> actors_;
  std::set<ActorId> killed_to_restart_;
  std::map<ActorId, std::int32_t> restarts_max_;
  std::map<ObjectId, Issued> issued_;
  std::vector<ObjectId> held_;
};

TEST(CoreSharedRandomTest, WhatIsSaidIsTrue) {
  std::size_t calls = 0;
  std::size_t co_hosted = 0;
  std::size_t separated = 0;
  std::uint64_t crashes = 0;
  std::uint64_t discarded = 0;
  std::uint64_t side_by_side = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Life life(seed);
    life.Run(150);
    calls += life.calls;
    co_hosted += life.co_hosted;
    separated += life.separated;
    crashes += life.world().crashes;
    discarded += life.world().discarded;
    side_by_side += life.world().side_by_side;
    if (HasFailure()) return;
  }
  // Not an empty run.
  EXPECT_GT(calls, 10'000u);
  EXPECT_GT(co_hosted, 50u);
  EXPECT_GT(separated, 50u);
  EXPECT_GT(crashes, 200u);
  EXPECT_GT(discarded, 5u);
  EXPECT_GT(side_by_side, 1'000u);
}

}  // namespace
}  // namespace mobula::runtime
