// Several cores, whose raylets hear one another.
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/control/control_codec.h"
#include "base/frames/node_message_codec.h"
#include "raylet/core/core_world.h"

namespace mobula::raylet {
namespace {

using base::NodeId;
using base::Placement;
using base::PlacementKind;
using test::At;
using test::BootTime;
using test::FailureCode;
using test::JobId;
using test::kDriver;
using test::kJob;
using test::LeaseId;
using test::milliseconds;
using test::OptionsFor;
using test::ProcessId;
using test::ResourceVector;
using test::seconds;
using test::World;

constexpr char kHash[] = "00ff";

// Nodes 1, 2, ... with the lines between them: what one tells another arrives
// when Run is called, in order.
class Nodes {
 public:
  struct Node {
    std::unique_ptr<World> world;
    base::NodeRecord record;
    std::set<std::pair<ProcessId, ProcessId>> channels;  // local, afar
    std::set<NodeId> known;  // to which there are lines
    bool is_dead = false;
  };

  // Its totals; each has its own clock's time. The store has not told the first
  // of `untold` of the second.
  explicit Nodes(const std::vector<double>& cpus,
                 std::pair<std::size_t, std::size_t> untold = {0, 0})
      : untold_(untold) {
    for (const double each : cpus) Add(each);
    for (std::size_t at = 1; at <= cpus.size(); ++at) Join(at);
    Run();
  }

  World& operator[](std::size_t at) { return *nodes_.at(at - 1).world; }
  Node& At(std::size_t at) { return nodes_.at(at - 1); }
  static NodeId IdOf(std::size_t at) { return NodeId{at * 100, 1}; }
  static ProcessId RayletOf(std::size_t at) { return ProcessId{at * 100, 7}; }
  // Of its drivers.
  static ProcessId DriverOf(std::size_t at) {
    return ProcessId{at * 100 + 1, 1};
  }
  static JobId JobOf(std::size_t at) { return JobId{at * 100 + 2, 1}; }

  void Label(std::size_t at, const std::string& key, const std::string& value) {
    At(at).record.labels[key] = value;
    Publish(at);
  }

  void AddDriver(std::size_t at) {
    (*this)[at].AddDriver(DriverOf(at), JobOf(at));
    Run();
  }

  LeaseId Ask(std::size_t at, ResourceVector shape,
              std::optional<Placement> placement = std::nullopt) {
    base::RequestLease request;
    request.lease = LeaseId{at * 100 + 3, ++leases_};
    request.job = JobOf(at);
    request.shape = std::move(shape);
    request.placement = std::move(placement);
    Do(at, Received{DriverOf(at), request});
    Run();
    return request.lease;
  }

  // Of a worker at that node, for the job of a driver of node 1.
  LeaseId AskFrom(std::size_t at, ProcessId worker, ResourceVector shape) {
    base::RequestLease request;
    request.lease = LeaseId{at * 100 + 3, ++leases_};
    request.job = JobOf(1);
    request.shape = std::move(shape);
    Do(at, Received{worker, request});
    Run();
    return request.lease;
  }
  // Both ends of the line give it up, and it is made anew.
  void LoseLine(std::size_t a, std::size_t b) {
    Do(a, NodeLost{IdOf(b), "cut"});
    Do(b, NodeLost{IdOf(a), "cut"});
    Run();
  }

  void Do(std::size_t at, const Event& event) {
    for (Effect& effect : (*this)[at].Do(event)) Carry(at, effect);
  }

  // Delivers, and lets workers come and programs be kept, until nothing is
  // left.
  void Run() {
    while (!lines_.empty() || StartWorkers() || Ends()) {
      if (Ends()) {
        const auto [at, worker] = ending_.front();
        ending_.pop_front();
        EndWorker(at, worker);
      }
      if (lines_.empty()) continue;
      auto [from, to, message] = std::move(lines_.front());
      lines_.pop_front();
      if (At(from).is_dead || At(to).is_dead) continue;
      // As it goes over the line.
      base::NodeMessage arrived;
      std::string error;
      ASSERT_TRUE(base::DecodeNodeMessage(
          base::Bytes::Own(base::EncodeNodeMessage(message)), &arrived, &error))
          << error;
      Do(to, NodeSaid{IdOf(from), std::move(arrived)});
    }
  }

  // What the store has not told so far.
  void TellUntold() {
    const auto [at, of] = std::exchange(untold_, {0, 0});
    Change(at, "nodes", of, base::EncodeNode(At(of).record));
    Run();
  }
  // What the store tells the others of it.
  void Publish(std::size_t of) {
    for (std::size_t at = 1; at <= nodes_.size(); ++at) {
      if (at != of) Change(at, "nodes", of, base::EncodeNode(At(of).record));
    }
  }
  void PublishLoad(std::size_t of) {
    base::NodeLoad load;
    load.node = IdOf(of);
    load.free = (*this)[of].core.free();
    for (std::size_t at = 1; at <= nodes_.size(); ++at) {
      if (at != of) Change(at, "loads", of, base::EncodeLoad(load));
    }
    Run();
  }
  void Kill(std::size_t dead) {
    At(dead).is_dead = true;
    At(dead).record.state = base::NodeState::kDead;
    Publish(dead);
    Run();
  }
  void Pass(std::size_t at, base::Duration time) {
    (*this)[at].now = (*this)[at].now + time;
    Do(at, Tick{});
    Run();
  }
  // A worker ends; its channels do first.
  void EndWorker(std::size_t at, ProcessId worker) {
    EndChannels(at, worker);
    base::Failure failure;
    failure.code = FailureCode::kWorkerDied;
    failure.signal = 9;
    Do(at, WorkerExited{worker, failure});
  }
  void EndChannels(std::size_t at, ProcessId local) {
    const auto channels = At(at).channels;
    for (const auto& [mine, afar] : channels) {
      if (mine != local) continue;
      At(at).channels.erase({mine, afar});
      for (std::size_t to = 1; to <= nodes_.size(); ++to) {
        if (At(to).channels.contains({afar, mine})) {
          lines_.emplace_back(at, to, base::CloseChannel{mine, afar});
        }
      }
    }
  }

  // That processes were given last.
  std::map<ProcessId, base::ArenaId> arenas;
  // Workers that are killed take their time.
  bool holds_ends = false;

 private:
  void Add(double cpus) {
    const std::size_t at = nodes_.size() + 1;
    Core::Options options = OptionsFor(cpus);
    options.self = RayletOf(at);
    options.node = IdOf(at);
    options.node_name = "node" + std::to_string(at);
    options.has_control = true;
    options.maker = 9000 + at;
    options.object_store_bytes = std::uint64_t{64} << 20;
    Node node;
    node.record.node = options.node;
    node.record.raylet = options.self;
    node.record.name = options.node_name;
    node.record.total = options.total;
    node.record.door = "unix:/door" + std::to_string(at);
    node.record.maker = 9000 + at;
    node.world =
        std::make_unique<World>(std::move(options), base::IdSource(9000 + at));
    nodes_.push_back(std::move(node));
  }
  void Join(std::size_t at) {
    Do(at, ControlUp{1});
    Do(at, ControlSaid{base::NodeJoined{base::ClusterId{5, 5}, 1, 1, 10'000}});
    base::TableListing listing;
    listing.table = "nodes";
    listing.listing.cursor = {1, 1};
    Do(at, ControlSaid{listing});
    listing.table = "loads";
    Do(at, ControlSaid{listing});
    for (std::size_t of = 1; of <= nodes_.size(); ++of) {
      if (of != at && std::pair(at, of) != untold_) {
        Change(at, "nodes", of, base::EncodeNode(At(of).record));
        base::NodeLoad load;
        load.node = IdOf(of);
        load.free = At(of).record.total;
        Change(at, "loads", of, base::EncodeLoad(load));
      }
    }
  }
  void Change(std::size_t at, const std::string& table, std::size_t of,
              std::string value) {
    if (At(at).is_dead) return;
    base::TableChanges changes;
    changes.table = table;
    changes.life = 1;
    base::Change change;
    change.revision = ++revisions_[{at, table}] + 1;
    change.key = IdOf(of).ToString();
    change.value = base::Bytes::Own(std::move(value));
    changes.changes.push_back(std::move(change));
    Do(at, ControlSaid{changes});
  }
  bool StartWorkers() {
    bool any = false;
    for (std::size_t at = 1; at <= nodes_.size(); ++at) {
      World& world = (*this)[at];
      while (!At(at).is_dead && !world.starting.empty()) {
        const ProcessId worker = *world.starting.begin();
        world.starting.erase(world.starting.begin());
        Do(at, WorkerStarted{worker, 50});
        base::Register hello;
        hello.process = worker;
        hello.job = world.job_of.at(worker);
        hello.pid = 100;
        Do(at, Received{worker, hello});
        any = true;
      }
    }
    return any;
  }
  [[nodiscard]] bool Ends() const { return !holds_ends && !ending_.empty(); }
  void Carry(std::size_t at, Effect& effect) {
    if (const auto* know = std::get_if<KnowNode>(&effect)) {
      At(at).known.insert(know->node.node);
    } else if (const auto* forget = std::get_if<ForgetNode>(&effect)) {
      At(at).known.erase(forget->node);
    } else if (auto* tell = std::get_if<TellNode>(&effect)) {
      if (!At(at).known.contains(tell->node)) return;
      const std::size_t to = tell->node.hi / 100;
      if (const auto* close = std::get_if<base::CloseChannel>(&tell->message)) {
        At(at).channels.erase({close->from, close->to});
      }
      lines_.emplace_back(at, to, std::move(tell->message));
    } else if (const auto* make = std::get_if<MakeChannel>(&effect)) {
      At(at).channels.insert({make->local, make->afar});
    } else if (const auto* keep = std::get_if<KeepProgram>(&effect)) {
      Do(at, ProgramKept{keep->job, kHash, ""});
    } else if (const auto* kill = std::get_if<KillWorker>(&effect)) {
      ending_.emplace_back(at, kill->process);
    } else if (const auto* send = std::get_if<Send>(&effect)) {
      const auto* retire = std::get_if<base::Retire>(&send->message);
      if (retire != nullptr && !retire->may_stay) {
        ending_.emplace_back(at, send->to);
      }
    } else {
      CarryStore(at, effect);
    }
  }
  // The memory of stores: bytes are not looked at.
  void CarryStore(std::size_t at, const Effect& effect) {
    if (const auto* make = std::get_if<MakeArena>(&effect)) {
      Do(at, ArenaMade{make->arena});
    } else if (const auto* with = std::get_if<SendWithArena>(&effect)) {
      arenas[with->to] = with->arena;
    } else if (const auto* spill = std::get_if<SpillArena>(&effect)) {
      Do(at, Spilled{spill->arena});
    } else if (const auto* restore = std::get_if<RestoreArena>(&effect)) {
      Do(at, Restored{restore->arena, restore->extents});  // all is lost
    } else if (const auto* part = std::get_if<SendExtentPart>(&effect)) {
      lines_.emplace_back(at, part->node.hi / 100,
                          base::ExtentPart{part->want, part->offset,
                                           base::Bytes::Own(std::string(
                                               part->byte_count, 'x'))});
    }
  }

  std::vector<Node> nodes_;
  std::deque<std::tuple<std::size_t, std::size_t, base::NodeMessage>> lines_;
  std::deque<std::pair<std::size_t, ProcessId>> ending_;
  std::pair<std::size_t, std::size_t> untold_;
  std::map<std::pair<std::size_t, std::string>, std::uint64_t> revisions_;
  std::uint64_t leases_ = 0;
};

Placement OnNode(std::size_t at, bool soft = false) {
  Placement placement;
  placement.kind = PlacementKind::kNode;
  placement.node = Nodes::IdOf(at);
  placement.soft = soft;
  return placement;
}

Placement Spread() {
  Placement placement;
  placement.kind = PlacementKind::kSpread;
  return placement;
}

TEST(CoreNodes, WhatDoesNotFitHereIsGrantedElsewhereWithAChannel) {
  Nodes nodes({1, 4});
  nodes.AddDriver(1);
  const LeaseId lease = nodes.Ask(1, ResourceVector::Cpus(3));
  const auto worker = nodes[1].WorkerOf(lease);
  ASSERT_TRUE(worker.has_value());
  EXPECT_EQ(nodes[2].core.leases(), 1U);
  EXPECT_EQ(nodes[2].core.free(), ResourceVector::Cpus(1).With("gpu", 2));
  const ProcessId driver = Nodes::DriverOf(1);
  EXPECT_TRUE(nodes.At(1).channels.contains({driver, *worker}));
  EXPECT_TRUE(nodes.At(2).channels.contains({*worker, driver}));
  EXPECT_EQ(nodes[2].starts.at(*worker).program, kHash);
  EXPECT_EQ(nodes[2].starts.at(*worker).sources.at(0), Nodes::IdOf(1));
  EXPECT_EQ(nodes[2].starts.at(*worker).driver_node, Nodes::IdOf(1));
  EXPECT_EQ(nodes[1].core.guests(), 1U);
  EXPECT_EQ(nodes[2].core.guests(), 1U);
  nodes.Do(1, Received{driver, base::ReturnLease{lease}});
  nodes.Run();
  EXPECT_EQ(nodes[2].core.leases(), 0U);
  EXPECT_EQ(nodes[1].core.afar().size(), 0U);
}

TEST(CoreNodes, TheAttachComesBeforeTheGrant) {
  Nodes nodes({1, 4});
  nodes.AddDriver(1);
  const LeaseId lease = nodes.Ask(1, ResourceVector::Cpus(3));
  (void)lease;
  // In the step that granted it MakeChannel was carried out before the message,
  // or the channel would be missing now and the grant there.
  ASSERT_EQ(nodes[1].Sent<base::LeaseGranted>().size(), 1U);
  EXPECT_EQ(nodes.At(1).channels.size(), 1U);
}

TEST(CoreNodes, TheDeathOfAWorkerIsToldToItsOwnerElsewhere) {
  Nodes nodes({1, 4});
  nodes.AddDriver(1);
  const LeaseId lease = nodes.Ask(1, ResourceVector::Cpus(3));
  const ProcessId worker = *nodes[1].WorkerOf(lease);
  nodes.EndWorker(2, worker);
  nodes.Run();
  ASSERT_TRUE(nodes[1].lost.contains(lease));
  EXPECT_EQ(nodes[1].lost.at(lease).signal, 9);
  EXPECT_EQ(nodes[1].lost.at(lease).node, "node2");
  EXPECT_EQ(nodes[1].core.afar().size(), 0U);
  EXPECT_EQ(nodes[1].core.guests(), 0U);
  EXPECT_EQ(nodes[2].core.free(), nodes[2].core.total());
}

TEST(CoreNodes, WithItsOwnerALeaseElsewhereEnds) {
  Nodes nodes({1, 4});
  nodes.AddDriver(1);
  nodes.Ask(1, ResourceVector::Cpus(3));
  nodes.Do(1, PeerLost{Nodes::DriverOf(1)});
  nodes.Run();
  EXPECT_EQ(nodes[2].core.leases(), 0U);
  EXPECT_EQ(nodes[2].core.workers(), 0U);
  EXPECT_EQ(nodes[2].core.jobs(), 0U);
  EXPECT_EQ(nodes[2].core.guests(), 0U);
  EXPECT_EQ(nodes[1].core.jobs(), 0U);
  EXPECT_EQ(nodes[1].core.guests(), 0U);
}

TEST(CoreNodes, AJobEndsWhenItHasEndedEverywhere) {
  Nodes nodes({1, 4});
  nodes.AddDriver(1);
  nodes.Ask(1, ResourceVector::Cpus(3));
  nodes.Do(1, Received{Nodes::DriverOf(1), base::EndJob{Nodes::JobOf(1)}});
  EXPECT_TRUE(nodes[1].Sent<base::JobEnded>().empty());
  nodes.Run();
  EXPECT_EQ(nodes[1].Sent<base::JobEnded>().size(), 1U);
  EXPECT_EQ(nodes[2].core.jobs(), 0U);
  EXPECT_EQ(nodes[2].core.workers(), 0U);
}

TEST(CoreNodes, ADeadNodeLosesItsLeasesAndItsRequestsGoElsewhere) {
  Nodes nodes({1, 4, 4});
  nodes.AddDriver(1);
  const LeaseId lease = nodes.Ask(1, ResourceVector::Cpus(3), OnNode(2));
  ASSERT_TRUE(nodes[1].WorkerOf(lease).has_value());
  nodes.Kill(2);
  ASSERT_TRUE(nodes[1].lost.contains(lease));
  EXPECT_NE(nodes[1].lost.at(lease).message.find("node2"), std::string::npos);
  const LeaseId next = nodes.Ask(1, ResourceVector::Cpus(3));
  EXPECT_TRUE(nodes[1].WorkerOf(next).has_value());
  EXPECT_EQ(nodes[3].core.leases(), 1U);
}

TEST(CoreNodes, TheEndOfAHomeIsTheEndOfItsJobs) {
  Nodes nodes({1, 4});
  nodes.AddDriver(1);
  nodes.Ask(1, ResourceVector::Cpus(3));
  EXPECT_EQ(nodes[2].core.jobs(), 1U);
  nodes.Kill(1);
  EXPECT_EQ(nodes[2].core.jobs(), 0U);
  EXPECT_EQ(nodes[2].core.workers(), 0U);
  EXPECT_EQ(nodes[2].core.free(), nodes[2].core.total());
}

TEST(CoreNodes, WhatIsAskedWhileAJobEndsThereIsServedAfterThat) {
  Nodes nodes({1, 4});
  nodes.AddDriver(1);
  nodes.Ask(1, ResourceVector::Cpus(3));
  nodes.holds_ends = true;
  nodes.LoseLine(1, 2);
  nodes.PublishLoad(2);
  ASSERT_EQ(nodes[2].core.workers(), 1U);  // that is being killed
  const LeaseId next = nodes.Ask(1, ResourceVector::Cpus(3));
  EXPECT_FALSE(nodes[1].refused.contains(next));
  nodes.holds_ends = false;
  nodes.Run();
  nodes.PublishLoad(2);
  EXPECT_TRUE(nodes[1].WorkerOf(next).has_value());
  EXPECT_EQ(nodes[2].core.leases(), 1U);
}

TEST(CoreNodes, WhereAJobHasEndedItsGuestsFromOtherNodesComeAnew) {
  Nodes nodes({1, 2, 4});
  nodes.AddDriver(1);
  const ProcessId worker =
      *nodes[1].WorkerOf(nodes.Ask(1, ResourceVector::Cpus(2), OnNode(2)));
  const LeaseId first = nodes.AskFrom(2, worker, ResourceVector::Cpus(3));
  ASSERT_TRUE(nodes[2].WorkerOf(first).has_value());
  // Node 3 takes the job's home for lost; node 2 does not.
  nodes.LoseLine(1, 3);
  EXPECT_TRUE(nodes[2].lost.contains(first));
  EXPECT_EQ(nodes[2].core.afar().size(), 0U);
  EXPECT_EQ(nodes[3].core.jobs(), 0U);
  nodes.PublishLoad(3);
  const LeaseId next = nodes.AskFrom(2, worker, ResourceVector::Cpus(3));
  nodes.PublishLoad(3);
  EXPECT_TRUE(nodes[2].WorkerOf(next).has_value());
}

TEST(CoreNodes, AHomeThatBecomesKnownLaterHearsWhoHasSomethingOfItsJob) {
  Nodes nodes({1, 2, 4}, {3, 1});
  nodes.AddDriver(1);
  const ProcessId worker =
      *nodes[1].WorkerOf(nodes.Ask(1, ResourceVector::Cpus(2), OnNode(2)));
  const LeaseId lease = nodes.AskFrom(2, worker, ResourceVector::Cpus(3));
  ASSERT_TRUE(nodes[2].WorkerOf(lease).has_value());
  ASSERT_EQ(nodes[3].core.jobs(), 1U);
  nodes.TellUntold();
  nodes.Do(1, Received{Nodes::DriverOf(1), base::EndJob{Nodes::JobOf(1)}});
  nodes.Run();
  EXPECT_EQ(nodes[3].core.jobs(), 0U);
  EXPECT_EQ(nodes[1].Sent<base::JobEnded>().size(), 1U);
}

TEST(CoreNodes, AJobWhoseHomeDiedBeforeThatWasKnownEnds) {
  Nodes nodes({1, 2, 4}, {3, 1});
  nodes.AddDriver(1);
  const ProcessId worker =
      *nodes[1].WorkerOf(nodes.Ask(1, ResourceVector::Cpus(2), OnNode(2)));
  nodes.AskFrom(2, worker, ResourceVector::Cpus(3));
  ASSERT_EQ(nodes[3].core.jobs(), 1U);
  nodes.Kill(1);
  EXPECT_EQ(nodes[3].core.jobs(), 0U);
  EXPECT_EQ(nodes[3].core.workers(), 0U);
}

TEST(CoreNodes, WhoWasTakenForLostSaysAnewWhatIsFree) {
  Nodes nodes({1, 4});
  nodes.AddDriver(1);
  // Node 1 counts what never came as taken there, until it is told.
  const std::size_t told = nodes[2].Told<base::NodeLoad>().size();
  nodes.LoseLine(1, 2);
  nodes.Pass(2, milliseconds(100));
  EXPECT_EQ(nodes[2].Told<base::NodeLoad>().size(), told + 1);
}

TEST(CoreNodes, AFullNodeTurnsARequestAwayAndItGoesWhereThereIsRoom) {
  Nodes nodes({1, 4, 4});
  nodes.AddDriver(1);
  nodes.AddDriver(2);
  // Node 1 does not know yet that node 2 is full.
  nodes.Ask(2, ResourceVector::Cpus(4));
  const LeaseId first = nodes.Ask(1, ResourceVector::Cpus(4));
  EXPECT_TRUE(nodes[1].WorkerOf(first).has_value());
  EXPECT_EQ(nodes[3].core.leases(), 1U);
  // Nobody has room: it waits until somebody has.
  const LeaseId second = nodes.Ask(1, ResourceVector::Cpus(4));
  EXPECT_FALSE(nodes[1].WorkerOf(second).has_value());
  EXPECT_EQ(nodes[1].core.afar().waiting(), 1U);
  nodes.Do(2, PeerLost{Nodes::DriverOf(2)});
  nodes.Run();
  nodes.PublishLoad(2);
  EXPECT_TRUE(nodes[1].WorkerOf(second).has_value());
  EXPECT_EQ(nodes[2].core.leases(), 1U);
}

TEST(CoreNodes, WhatNoNodeCanHoldIsRefusedAtOnce) {
  Nodes nodes({1, 4});
  nodes.AddDriver(1);
  const LeaseId lease = nodes.Ask(1, ResourceVector::Cpus(5));
  ASSERT_TRUE(nodes[1].refused.contains(lease));
  EXPECT_EQ(nodes[1].refused.at(lease).code, FailureCode::kInfeasible);
  EXPECT_NE(nodes[1].refused.at(lease).message.find("2 nodes"),
            std::string::npos);
}

TEST(CoreNodes, WhatWaitsHereGoesWhereThereIsRoomAfterAWhile) {
  Nodes nodes({1, 4});
  nodes.AddDriver(1);
  const LeaseId first = nodes.Ask(1, ResourceVector::Cpus(1));
  const LeaseId second = nodes.Ask(1, ResourceVector::Cpus(1));
  EXPECT_TRUE(nodes[1].WorkerOf(first).has_value());
  EXPECT_FALSE(nodes[1].WorkerOf(second).has_value());
  EXPECT_EQ(nodes[2].core.leases(), 0U);
  EXPECT_LE(nodes[1].timer, nodes[1].now + milliseconds(10));
  nodes.Pass(1, milliseconds(10));
  EXPECT_TRUE(nodes[1].WorkerOf(second).has_value());
  EXPECT_EQ(nodes[2].core.leases(), 1U);
  EXPECT_EQ(nodes[1].core.queued(), 0U);
}

TEST(CoreNodes, SpreadPutsOneOnEachNode) {
  Nodes nodes({4, 4, 4});
  nodes.AddDriver(1);
  for (int i = 0; i < 6; ++i) nodes.Ask(1, ResourceVector::Cpus(1), Spread());
  for (std::size_t at = 1; at <= 3; ++at) {
    EXPECT_EQ(nodes[at].core.leases(), 2U) << at;
  }
}

TEST(CoreNodes, SpreadOfWhatNeedsNothingCountsWhatWasSent) {
  Nodes nodes({4, 4, 4});
  nodes.AddDriver(1);
  for (int i = 0; i < 9; ++i) nodes.Ask(1, ResourceVector(), Spread());
  for (std::size_t at = 1; at <= 3; ++at) {
    EXPECT_EQ(nodes[at].core.leases(), 3U) << at;
  }
}

TEST(CoreNodes, ANodeIsMeantHardOrSoftly) {
  Nodes nodes({4, 4});
  nodes.AddDriver(1);
  nodes.Ask(1, ResourceVector::Cpus(1), OnNode(2));
  EXPECT_EQ(nodes[2].core.leases(), 1U);
  nodes.Ask(1, ResourceVector::Cpus(1), OnNode(1));
  EXPECT_EQ(nodes[1].core.leases(), 1U);
  const LeaseId nowhere = nodes.Ask(1, ResourceVector::Cpus(1), OnNode(7));
  EXPECT_TRUE(nodes[1].refused.contains(nowhere));
  const LeaseId soft = nodes.Ask(1, ResourceVector::Cpus(1), OnNode(7, true));
  EXPECT_TRUE(nodes[1].WorkerOf(soft).has_value());
  // It has no room: it waits for that one, and is refused when that dies.
  nodes.Ask(1, ResourceVector::Cpus(3), OnNode(2));
  const LeaseId waits = nodes.Ask(1, ResourceVector::Cpus(1), OnNode(2));
  EXPECT_FALSE(nodes[1].WorkerOf(waits).has_value());
  EXPECT_FALSE(nodes[1].refused.contains(waits));
  nodes.Kill(2);
  EXPECT_TRUE(nodes[1].refused.contains(waits));
}

TEST(CoreNodes, LabelsNarrowTheChoice) {
  Nodes nodes({4, 4, 4});
  nodes.Label(3, "disk", "fast");
  nodes.AddDriver(1);
  Placement fast;
  fast.labels["disk"] = "fast";
  nodes.Ask(1, ResourceVector::Cpus(1), fast);
  EXPECT_EQ(nodes[3].core.leases(), 1U);
  Placement none;
  none.labels["disk"] = "none";
  const LeaseId refused = nodes.Ask(1, ResourceVector::Cpus(1), none);
  ASSERT_TRUE(nodes[1].refused.contains(refused));
  EXPECT_NE(nodes[1].refused.at(refused).message.find("disk=none"),
            std::string::npos);
  none.soft = true;
  const LeaseId soft = nodes.Ask(1, ResourceVector::Cpus(1), none);
  EXPECT_TRUE(nodes[1].WorkerOf(soft).has_value());
}

TEST(CoreNodes, ARequestTakenBackIsTakenBackThere) {
  Nodes nodes({1, 4});
  nodes.AddDriver(1);
  base::RequestLease request;
  request.lease = LeaseId{8, 8};
  request.job = Nodes::JobOf(1);
  request.shape = ResourceVector::Cpus(3);
  nodes.Do(1, Received{Nodes::DriverOf(1), request});
  nodes.Do(1, Received{Nodes::DriverOf(1), base::CancelLease{request.lease}});
  nodes.Run();
  EXPECT_EQ(nodes[2].core.leases(), 0U);
  EXPECT_EQ(nodes[2].core.queued(), 0U);
  EXPECT_FALSE(nodes[1].WorkerOf(request.lease).has_value());
}

TEST(CoreNodes, AProcessReachesAWorkerOfAnotherNodeByItsMaker) {
  Nodes nodes({4, 4});
  nodes.AddDriver(1);
  nodes.AddDriver(2);
  const LeaseId lease = nodes.Ask(2, ResourceVector::Cpus(1));
  const ProcessId worker = *nodes[2].WorkerOf(lease);
  nodes.Do(1, Received{Nodes::DriverOf(1), base::ConnectTo{worker}});
  nodes.Run();
  const ProcessId driver = Nodes::DriverOf(1);
  EXPECT_TRUE(nodes.At(1).channels.contains({driver, worker}));
  EXPECT_TRUE(nodes.At(2).channels.contains({worker, driver}));
  // Each raylet knows the other process, so that its end is told.
  nodes.EndWorker(2, worker);
  nodes.Run();
  EXPECT_FALSE(nodes[1].Sent<base::PeerGone>().empty());
  EXPECT_EQ(nodes[1].core.guests(), 0U);
}

TEST(CoreNodes, OneThatIsNotThereIsGone) {
  Nodes nodes({4, 4});
  nodes.AddDriver(1);
  const ProcessId nobody{9002, 77};
  nodes.Do(1, Received{Nodes::DriverOf(1), base::ConnectTo{nobody}});
  nodes.Run();
  // The shell tells that the channel was closed.
  nodes.Do(1, ChannelClosed{Nodes::DriverOf(1), nobody});
  const auto gone = nodes[1].Sent<base::PeerGone>();
  ASSERT_EQ(gone.size(), 1U);
  EXPECT_EQ(gone[0].second.peer, nobody);
  EXPECT_FALSE(nodes.At(2).channels.contains({nobody, Nodes::DriverOf(1)}));
}

TEST(CoreNodes, AWorkerElsewhereReachesTheDriverOfItsJob) {
  Nodes nodes({1, 4, 4});
  nodes.AddDriver(1);
  const LeaseId lease = nodes.Ask(1, ResourceVector::Cpus(3), OnNode(2));
  const ProcessId worker = *nodes[1].WorkerOf(lease);
  // From there on to a third node, which has to reach the driver by itself.
  base::RequestLease nested;
  nested.lease = LeaseId{77, 1};
  nested.job = Nodes::JobOf(1);
  nested.shape = ResourceVector::Cpus(4);
  nodes.Do(2, Received{worker, nested});
  nodes.Pass(2, milliseconds(10));
  ASSERT_TRUE(nodes[2].WorkerOf(nested.lease).has_value());
  const ProcessId deep = *nodes[2].WorkerOf(nested.lease);
  EXPECT_EQ(nodes[3].core.leases(), 1U);
  const ProcessId driver = Nodes::DriverOf(1);
  nodes.Do(3, Received{deep, base::ConnectTo{driver}});
  nodes.Run();
  EXPECT_TRUE(nodes.At(3).channels.contains({deep, driver}));
  EXPECT_TRUE(nodes.At(1).channels.contains({driver, deep}));
  // And all of it ends with the driver.
  nodes.Do(1, PeerLost{driver});
  nodes.Run();
  for (std::size_t at = 1; at <= 3; ++at) {
    EXPECT_EQ(nodes[at].core.jobs(), 0U) << at;
    EXPECT_EQ(nodes[at].core.workers(), 0U) << at;
    EXPECT_EQ(nodes[at].core.guests(), 0U) << at;
  }
}

TEST(CoreNodes, WhatIsFreeIsToldAtMostSoOften) {
  Nodes nodes({4, 4});
  nodes.AddDriver(1);
  const std::size_t before = nodes[1].Told<base::NodeLoad>().size();
  EXPECT_GE(before, 1U);
  nodes.Ask(1, ResourceVector::Cpus(1));
  nodes.Ask(1, ResourceVector::Cpus(1));
  EXPECT_EQ(nodes[1].Told<base::NodeLoad>().size(), before);
  nodes.Pass(1, milliseconds(100));
  const auto told = nodes[1].Told<base::NodeLoad>();
  ASSERT_EQ(told.size(), before + 1);
  EXPECT_EQ(told.back().free, ResourceVector::Cpus(2).With("gpu", 2));
}

// Or who has sent something there would count it as taken for ever.
TEST(CoreNodes, WhatIsFreeIsToldAfterAGuestAskedAlsoWhereItIsTheSame) {
  Nodes nodes({1, 4});
  nodes.AddDriver(1);
  const LeaseId lease = nodes.Ask(1, ResourceVector::Cpus(4));
  ASSERT_TRUE(nodes[1].WorkerOf(lease).has_value());
  nodes.Do(1, Received{Nodes::DriverOf(1), base::ReturnLease{lease}});
  nodes.Run();
  ASSERT_EQ(nodes[2].core.free(), nodes[2].core.total());
  const std::size_t before = nodes[2].Told<base::NodeLoad>().size();
  nodes.Pass(2, milliseconds(100));
  EXPECT_GT(nodes[2].Told<base::NodeLoad>().size(), before);
  EXPECT_EQ(nodes[2].Told<base::NodeLoad>().back().free, nodes[2].core.total());
}

TEST(CoreNodes, AGuestMayNotDoWhatItsOwnRayletIsFor) {
  Nodes nodes({1, 4});
  nodes.AddDriver(1);
  nodes.Ask(1, ResourceVector::Cpus(3));
  const ProcessId driver = Nodes::DriverOf(1);
  const std::size_t told = nodes[2].told.size();
  nodes.Do(2, NodeSaid{Nodes::IdOf(1),
                       base::Pass{driver, ProcessId(),
                                  base::KillActor{base::ActorId{1, 1}}}});
  nodes.Do(2,
           NodeSaid{Nodes::IdOf(1),
                    base::Pass{driver, ProcessId(),
                               base::LeaseArena{base::RequestId{1, 1}, 10}}});
  EXPECT_EQ(nodes[2].told.size(), told);
  // Nor can a node speak for a process of another one.
  nodes.Do(2, NodeSaid{Nodes::IdOf(1),
                       base::ProcessLeft{Nodes::RayletOf(2), false}});
  EXPECT_EQ(nodes[2].core.leases(), 1U);
}

// ---- values -----------------------------------------------------------------

constexpr base::ObjectId kObject{8, 1};

// A driver on node 1, and a value of its that a worker has stored on node 2.
class CoreNodesValue : public testing::Test {
 protected:
  CoreNodesValue() {
    nodes_.AddDriver(1);
    worker_ = *nodes_[1].WorkerOf(nodes_.Ask(1, ResourceVector::Cpus(3)));
    const base::ArenaId arena = Lease(5'000);
    extent_ = {arena, 64, 5'000, 1};
    nodes_.Do(
        2, Received{worker_, base::ObjectStored{{kObject, driver_}, extent_}});
    EXPECT_EQ(extent_.arena.hi, 9002U);
  }
  base::ArenaId Lease(std::uint64_t bytes) {
    nodes_.Do(
        2, Received{worker_,
                    base::LeaseArena{base::RequestId{1, ++requests_}, bytes}});
    return nodes_.arenas.at(worker_);
  }
  void Pull() {
    nodes_.Do(1, Received{driver_, base::PullValue{base::RequestId{2, 1},
                                                   {kObject, driver_},
                                                   extent_}});
  }
  // What the driver heard.
  template <class M>
  std::vector<M> Heard() {
    std::vector<M> heard;
    for (const Send& send : nodes_[1].sent) {
      if (send.to != driver_) continue;
      if (const M* m = std::get_if<M>(&send.message)) heard.push_back(*m);
    }
    return heard;
  }

  Nodes nodes_{{1, 4}};
  const ProcessId driver_ = Nodes::DriverOf(1);
  ProcessId worker_;
  base::Extent extent_;
  std::uint64_t requests_ = 0;
};

TEST_F(CoreNodesValue, IsCopiedWhereItIsRead) {
  Pull();
  EXPECT_TRUE(Heard<base::ValuePulled>().empty());
  nodes_.Run();
  const auto pulled = Heard<base::ValuePulled>();
  ASSERT_EQ(pulled.size(), 1U);
  EXPECT_EQ(pulled[0].here.arena.hi, 9001U);
  nodes_.Do(1, Received{driver_, base::OpenArena{pulled[0].here.arena}});
  EXPECT_EQ(nodes_.arenas.at(driver_), pulled[0].here.arena);
  EXPECT_EQ(nodes_[2].core.store().served().size(), 0U);
}

TEST_F(CoreNodesValue, ItsReadersHearOfTheEndOfItsNode) {
  Pull();
  nodes_.Kill(2);
  const auto refused = Heard<base::PullRefused>();
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].failure.code, FailureCode::kObjectLost);
  Pull();
  EXPECT_EQ(Heard<base::PullRefused>().size(), 2U);
}

TEST_F(CoreNodesValue, IsFreedWhereItLies) {
  nodes_.Do(1, Received{driver_, base::FreeObjects{{{kObject, extent_}}}});
  EXPECT_EQ(nodes_[2].core.store().stored().size(), 1U);
  nodes_.Run();
  EXPECT_EQ(nodes_[2].core.store().stored().size(), 0U);
}

TEST_F(CoreNodesValue, IsFreedEverywhereWhereItsPlaceIsNotKnown) {
  nodes_.Do(1, Received{driver_, base::FreeObjects{{{kObject, {}}}}});
  nodes_.Run();
  EXPECT_EQ(nodes_[2].core.store().stored().size(), 0U);
}

TEST_F(CoreNodesValue, ItsOwnerIsToldThatItsBytesAreLost) {
  nodes_.Do(2, Received{worker_, base::ReturnArena{extent_.arena}});
  const base::ArenaId large = Lease(std::uint64_t{63} << 20);
  ASSERT_NE(large, extent_.arena);
  nodes_.Do(2, Received{worker_, base::ReturnArena{large}});
  nodes_.Do(2, Received{worker_, base::OpenArena{extent_.arena}});
  nodes_.Run();
  const auto lost = Heard<base::ObjectsLost>();
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_EQ(lost[0].objects.at(0).extent, extent_);
}

}  // namespace
}  // namespace mobula::raylet
