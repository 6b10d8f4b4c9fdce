#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "base/bytes.h"
#include "raylet/objects/object_store.h"

namespace mobula::raylet {
namespace {

using base::ArenaId;
using base::BootTime;
using base::Extent;
using base::JobId;
using base::NodeId;
using base::ObjectId;
using base::ObjectName;
using base::ProcessId;
using base::RequestId;
using std::chrono::milliseconds;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kStoreBytes = 4 * kMiB;
constexpr std::size_t kNodes = 3;
constexpr JobId kJob{2, 1};

std::string BytesOf(ObjectId object, std::uint64_t size) {
  return std::string(size, static_cast<char>('a' + object.lo % 26));
}

// The memory and the disk of one node, whose shell is slow and fails.
struct Arena {
  std::uint64_t byte_count = 0;
  std::map<std::uint64_t, std::pair<Extent, std::string>> values;  // by offset
  std::string coming;                                              // of a copy
  bool is_copy = false;
  bool in_memory = false;
};

struct Process {
  std::deque<base::Message> inbox;
  std::deque<base::Message> outbox;
  struct Written {
    std::uint64_t byte_count = 0;
    std::uint64_t next = 64;
    std::uint32_t generation = 0;
    std::size_t live = 0;
  };
  std::map<ArenaId, Written> written;
  std::set<ArenaId> mapped;
  std::set<ArenaId> opening;
  std::set<RequestId> leasing;
  std::map<ObjectId, Extent> owned;
  std::map<RequestId, ObjectId> pulling;
  std::map<ArenaId, std::pair<ObjectId, Extent>> copies;  // told of
};

struct Node {
  std::unique_ptr<ObjectStore> store;
  std::map<ArenaId, Arena> arenas;
  std::deque<Effect> work;
  std::map<ProcessId, Process> processes;
  std::set<ProcessId> guests;
  // To each other node, in order; bulk apart.
  std::map<NodeId, std::deque<base::NodeMessage>> control;
  std::map<NodeId, std::deque<base::NodeMessage>> bulk;
};

// Nodes that come and die, with honest processes that store, read and free
// values of one another, and die too.
class Joined {
 public:
  explicit Joined(std::uint32_t seed) : random_(seed) {}

  void Run(int steps) {
    for (int i = 0; i < steps; ++i) {
      now_ = now_ + milliseconds(Below(4));
      if (nodes_.size() < kNodes) NodeComes();
      Step(Pick(nodes_)->first);
    }
    EndAll();
  }

  int read = 0;
  int refused = 0;
  int lost_copies = 0;
  int parts_lost = 0;
  int spills = 0;
  int dropped_copies = 0;
  int node_deaths = 0;
  int frees_afar = 0;

 private:
  std::uint32_t Below(std::uint32_t n) { return random_() % n; }
  template <class C>
  typename C::iterator Pick(C& from) {
    return std::next(from.begin(),
                     Below(static_cast<std::uint32_t>(from.size())));
  }

  void Step(NodeId id) {
    Node& node = nodes_.at(id);
    if (node.processes.size() < 3 && Below(4) == 0) ProcessComes(id);
    if (node.processes.empty()) return;
    const auto it = Pick(node.processes);
    Process& process = it->second;
    switch (Below(16)) {
      case 0:
        AskForArena(process);
        break;
      case 1:
      case 2:
        Write(id, process);
        break;
      case 3:
        FreeOne(process);
        break;
      case 4:
      case 5:
      case 6:
        ReadOne(id, process);
        break;
      case 7:
        if (Below(120) == 0) ProcessDies(id, it->first);
        if (Below(1'200) == 0) NodeDies(id);
        break;
      case 8:
      case 9:
        Work(id);
        break;
      case 10:
      case 11:
        if (!process.outbox.empty()) Deliver(id, it->first);
        break;
      case 12:
      case 13:
        if (!process.inbox.empty()) Hear(id, it->first);
        break;
      default:
        Carry(id);
    }
    if (nodes_.contains(id)) Pump(id);
  }

  // ---- who comes and goes
  void NodeComes() {
    const std::uint64_t maker = ++makers_;
    const NodeId id{maker, 0};
    Node& node = nodes_[id];
    ArenaTable::Options options;
    options.bytes_max = kStoreBytes;
    node.store = std::make_unique<ObjectStore>(options, base::IdSource(maker));
    node.store->SetNodes(maker, [this](std::uint64_t of) {
      const NodeId found{of, 0};
      return nodes_.contains(found) ? std::optional(found) : std::nullopt;
    });
    for (auto& [other, its] : nodes_) {
      for (const auto& [process, state] : its.processes) {
        if (other != id) GuestComes(node, process);
      }
    }
  }
  static void GuestComes(Node& node, ProcessId process) {
    node.store->GuestCame(process, kJob, "guest");
    node.guests.insert(process);
  }
  void ProcessComes(NodeId id) {
    const ProcessId process{100, ++processes_};
    for (auto& [other, node] : nodes_) {
      if (other != id) {
        GuestComes(node, process);
        continue;
      }
      node.processes[process];
      node.store->ProcessCame(process, kJob, "one");
    }
  }
  void ProcessDies(NodeId id, ProcessId process) {
    Node& node = nodes_.at(id);
    node.processes.erase(process);
    Effects effects;
    node.store->ProcessGone(process, false, now_, effects);
    CarryOut(id, effects);
    for (const auto& [other, its] : nodes_) {
      if (other == id) continue;
      node.control[other].emplace_back(base::ProcessLeft{process, false});
    }
  }
  void NodeDies(NodeId id) {
    ++node_deaths;
    const auto dead = nodes_.extract(id);
    for (auto& [other, node] : nodes_) {
      node.control.erase(id);
      node.bulk.erase(id);
      Effects effects;
      node.store->NodeGone(id, now_, effects);
      CarryOut(other, effects);
      for (const auto& [process, state] : dead.mapped().processes) {
        Effects left;
        LeaveGuest(node, process, left);
        CarryOut(other, left);
      }
      Pump(other);
    }
  }
  void LeaveGuest(Node& node, ProcessId process, Effects& effects) {
    if (node.guests.erase(process) == 0) return;
    node.store->ProcessGone(process, false, now_, effects);
  }

  // ---- what processes do
  void AskForArena(Process& process) {
    if (process.leasing.size() > 1 || process.written.size() > 1) return;
    const RequestId request{3, ++requests_};
    process.leasing.insert(request);
    process.outbox.emplace_back(
        base::LeaseArena{request, Below(10) == 0 ? kMiB : 100'000});
  }
  void Write(NodeId id, Process& process) {
    if (process.written.empty()) return;
    const auto arena = Pick(process.written);
    Process::Written& written = arena->second;
    const std::uint64_t size =
        5'000 + (Below(6) == 0 ? Below(900'000) : Below(60'000));
    const Extent extent{arena->first, written.next, size,
                        written.generation + 1};
    if (extent.offset + size > written.byte_count) return;
    written.next = (extent.offset + size + 127) / 64 * 64;
    ++written.generation;
    ++written.live;
    const auto home = Pick(nodes_);
    if (home->second.processes.empty()) return;
    const auto owner = Pick(home->second.processes);
    const ObjectId object{4, ++objects_};
    owner->second.owned[object] = extent;
    nodes_.at(id).arenas.at(arena->first).values[extent.offset] = {
        extent, BytesOf(object, size)};
    process.outbox.emplace_back(
        base::ObjectStored{{object, owner->first}, extent});
  }
  void FreeOne(Process& process) {
    if (process.owned.empty()) return;
    const auto it = Pick(process.owned);
    // What is not there yet is freed by its place alone.
    const NodeId where{it->second.arena.hi, 0};
    const bool is_there = nodes_.contains(where) &&
                          nodes_.at(where).store->stored().Contains(it->first);
    const bool is_known = !is_there || Below(4) != 0;
    process.outbox.emplace_back(
        base::FreeObjects{{{it->first, is_known ? it->second : Extent()}}});
    freed_ = *it;
    process.owned.erase(it);
  }
  // Also of one that is free by now.
  void ReadOne(NodeId id, Process& process) {
    std::pair<const ObjectId, Extent> what = freed_;
    const auto home = Pick(nodes_);
    if (Below(8) != 0 && !home->second.processes.empty()) {
      const auto owner = Pick(home->second.processes);
      if (owner->second.owned.empty()) return;
      const auto owned = Pick(owner->second.owned);
      Pull(id, process, owned->first, owned->second);
    } else if (!what.second.arena.IsNil()) {
      Pull(id, process, what.first, what.second);
    }
  }
  void Pull(NodeId id, Process& process, ObjectId object,
            const Extent& extent) {
    if (extent.arena.hi == id.hi || process.pulling.size() > 5) return;
    const RequestId request{5, ++requests_};
    process.pulling[request] = object;
    process.outbox.emplace_back(
        base::PullValue{request, {object, ProcessId{100, 1}}, extent});
  }

  void Deliver(NodeId id, ProcessId from) {
    Node& node = nodes_.at(id);
    Process& process = node.processes.at(from);
    const base::Message message = std::move(process.outbox.front());
    process.outbox.pop_front();
    Effects effects;
    EXPECT_TRUE(node.store->Received(from, message, now_, effects));
    CarryOut(id, effects);
    for (const FreedAfar& freed : node.store->TakeAfar()) {
      ++frees_afar;
      for (const auto& [other, its] : nodes_) {
        const Extent& extent = freed.freed.extent;
        if (other == id) continue;
        if (!extent.arena.IsNil() && extent.arena.hi != other.hi) continue;
        node.control[other].emplace_back(base::Pass{
            freed.owner, ProcessId(), base::FreeObjects{{freed.freed}}});
      }
    }
  }
  void Hear(NodeId id, ProcessId who) {
    Process& process = nodes_.at(id).processes.at(who);
    const base::Message message = std::move(process.inbox.front());
    process.inbox.pop_front();
    if (const auto* m = std::get_if<base::ArenaLeased>(&message)) {
      EXPECT_EQ(process.leasing.erase(m->request), 1u);
      process.written[m->arena].byte_count = m->byte_count;
    } else if (const auto* m = std::get_if<base::ArenaRefused>(&message)) {
      EXPECT_EQ(process.leasing.erase(m->request), 1u);
    } else if (const auto* m = std::get_if<base::ValuePulled>(&message)) {
      ASSERT_TRUE(process.pulling.contains(m->request));
      const ObjectId object = process.pulling.at(m->request);
      process.pulling.erase(m->request);
      process.copies[m->here.arena] = {object, m->here};
      if (process.mapped.contains(m->here.arena)) {
        ExpectBytes(id, object, m->here);
      } else if (process.opening.insert(m->here.arena).second) {
        process.outbox.emplace_back(base::OpenArena{m->here.arena});
      }
    } else if (const auto* m = std::get_if<base::PullRefused>(&message)) {
      EXPECT_EQ(process.pulling.erase(m->request), 1u);
      ++refused;
    } else if (const auto* m = std::get_if<base::ArenaOpened>(&message)) {
      EXPECT_EQ(process.opening.erase(m->arena), 1u);
      process.mapped.insert(m->arena);
      const auto copy = process.copies.at(m->arena);
      ExpectBytes(id, copy.first, copy.second);
    } else if (const auto* m = std::get_if<base::ArenaLost>(&message)) {
      EXPECT_EQ(process.opening.erase(m->arena), 1u);
      // Who is told of a copy finds it, but for what is freed meanwhile.
      EXPECT_FALSE(IsThere(process.copies.at(m->arena).first));
      ++lost_copies;
    } else if (const auto* m = std::get_if<base::QuietArena>(&message)) {
      AnswerQuiet(process, m->arena);
    } else if (const auto* m = std::get_if<base::FreeExtents>(&message)) {
      for (const Extent& extent : m->extents) Reuse(id, process, extent);
    } else if (const auto* m = std::get_if<base::OwnerGone>(&message)) {
      process.outbox.emplace_back(base::ClaimObjects{m->owner, {}, true});
    }
  }
  // Its owner and its node live, and it is not freed.
  bool IsThere(ObjectId object) {
    for (const auto& [id, node] : nodes_) {
      for (const auto& [who, process] : node.processes) {
        const auto found = process.owned.find(object);
        if (found == process.owned.end()) continue;
        return nodes_.contains(NodeId{found->second.arena.hi, 0});
      }
    }
    return false;
  }
  void ExpectBytes(NodeId id, ObjectId object, const Extent& here) {
    ++read;
    const Arena& arena = nodes_.at(id).arenas.at(here.arena);
    ASSERT_TRUE(arena.in_memory);
    const auto& [extent, bytes] = arena.values.at(here.offset);
    EXPECT_EQ(extent, here);
    EXPECT_TRUE(bytes == BytesOf(object, here.byte_count));
  }
  void AnswerQuiet(Process& process, ArenaId arena) {
    const bool quiet =
        !process.opening.contains(arena) && (settling_ || Below(3) != 0);
    if (quiet) {
      process.written.erase(arena);
      process.mapped.erase(arena);
      process.copies.erase(arena);
    }
    process.outbox.emplace_back(base::ArenaQuiet{arena, quiet});
  }
  void Reuse(NodeId id, Process& process, const Extent& extent) {
    const auto written = process.written.find(extent.arena);
    if (written == process.written.end()) return;
    nodes_.at(id).arenas.at(extent.arena).values.erase(extent.offset);
    if (--written->second.live == 0) written->second.next = 64;
  }

  // ---- between nodes
  void Carry(NodeId id) {
    Node& node = nodes_.at(id);
    for (auto* lane : {&node.control, &node.bulk}) {
      for (auto& [to, messages] : *lane) {
        for (std::uint32_t left = settling_ ? 1'000 : Below(4); left > 0;
             --left) {
          if (messages.empty()) break;
          const base::NodeMessage message = std::move(messages.front());
          messages.pop_front();
          Arrive(id, to, message);
          Pump(to);
        }
      }
    }
  }
  void Arrive(NodeId from, NodeId to, const base::NodeMessage& message) {
    Node& node = nodes_.at(to);
    Effects effects;
    if (const auto* left = std::get_if<base::ProcessLeft>(&message)) {
      LeaveGuest(node, left->process, effects);
    } else if (const auto* pass = std::get_if<base::Pass>(&message)) {
      if (pass->to.IsNil()) {
        if (node.guests.contains(pass->from)) {
          node.store->Received(pass->from, pass->message, now_, effects);
        }
      } else if (const auto* gone =
                     std::get_if<base::OwnerGone>(&pass->message)) {
        // To whom asked.
        if (node.processes.contains(pass->to)) {
          node.control[from].emplace_back(
              base::Pass{pass->to, ProcessId(),
                         base::ClaimObjects{gone->owner, {}, true}});
        }
      }
    } else {
      EXPECT_TRUE(node.store->ReceivedFrom(from, message, now_, effects));
    }
    CarryOut(to, effects);
  }

  // ---- the shells
  void CarryOut(NodeId id, const Effects& effects) {
    Node& node = nodes_.at(id);
    for (const Effect& effect : effects) {
      if (const auto* send = std::get_if<Send>(&effect)) {
        Send_(node, send->to, send->message);
      } else if (const auto* with = std::get_if<SendWithArena>(&effect)) {
        EXPECT_TRUE(node.arenas.at(with->arena).in_memory);
        Send_(node, with->to, with->message);
      } else if (const auto* tell = std::get_if<TellNode>(&effect)) {
        if (nodes_.contains(tell->node)) {
          node.control[tell->node].push_back(tell->message);
        }
      } else if (const auto* part = std::get_if<SendExtentPart>(&effect)) {
        SendPart(node, *part);
      } else if (const auto* write = std::get_if<WriteArena>(&effect)) {
        Arena& arena = node.arenas.at(write->arena);
        EXPECT_TRUE(arena.in_memory);
        arena.is_copy = true;
        EXPECT_EQ(write->offset, 64 + arena.coming.size());
        arena.coming += write->bytes.view();
        EXPECT_LE(64 + arena.coming.size(), arena.byte_count);
      } else if (const auto* finish = std::get_if<FinishExtent>(&effect)) {
        Arena& arena = node.arenas.at(finish->extent.arena);
        arena.values[finish->extent.offset] = {finish->extent,
                                               std::move(arena.coming)};
      } else if (const auto* rename = std::get_if<RenameArena>(&effect)) {
        auto arena = node.arenas.extract(rename->arena);
        arena.key() = rename->as;
        arena.mapped().values.clear();
        node.arenas.insert(std::move(arena));
      } else if (const auto* drop = std::get_if<DropArena>(&effect)) {
        ExpectUnmapped(node, drop->arena);
        if (node.arenas.contains(drop->arena)) {
          dropped_copies += node.arenas.at(drop->arena).is_copy ? 1 : 0;
        }
        node.arenas.erase(drop->arena);
        std::erase_if(node.work, [drop](const Effect& work) {
          const auto* make = std::get_if<MakeArena>(&work);
          return make != nullptr && make->arena == drop->arena;
        });
      } else {
        if (const auto* spill = std::get_if<SpillArena>(&effect)) {
          ExpectUnmapped(node, spill->arena);
          EXPECT_FALSE(node.arenas.at(spill->arena).is_copy);
        }
        node.work.push_back(effect);
      }
    }
  }
  void Send_(Node& node, ProcessId to, const base::Message& message) {
    if (node.processes.contains(to)) {
      node.processes.at(to).inbox.push_back(message);
      return;
    }
    ASSERT_TRUE(node.guests.contains(to));
    for (auto& [other, its] : nodes_) {
      if (!its.processes.contains(to)) continue;
      node.control[other].emplace_back(base::Pass{ProcessId(), to, message});
    }
  }
  static void ExpectUnmapped(const Node& node, ArenaId arena) {
    for (const auto& [id, process] : node.processes) {
      EXPECT_FALSE(process.written.contains(arena));
      EXPECT_FALSE(process.mapped.contains(arena));
    }
  }
  void SendPart(Node& node, const SendExtentPart& part) {
    if (!nodes_.contains(part.node)) return;
    const Arena& arena = node.arenas.at(part.extent.arena);
    EXPECT_TRUE(arena.in_memory);
    const auto value = arena.values.find(part.extent.offset);
    if (value == arena.values.end() || value->second.first != part.extent) {
      ++parts_lost;
      node.work.emplace_front(part);  // told as an event, in its own turn
      return;
    }
    EXPECT_LE(part.byte_count, base::kPartBytesMax);
    node.bulk[part.node].emplace_back(
        base::ExtentPart{part.want, part.offset,
                         base::Bytes::Own(value->second.second.substr(
                             part.offset, part.byte_count))});
  }
  void Work(NodeId id) {
    Node& node = nodes_.at(id);
    if (node.work.empty()) return;
    const Effect work = node.work.front();
    node.work.pop_front();
    const bool fails = !settling_ && Below(10) == 0;
    if (const auto* make = std::get_if<MakeArena>(&work)) {
      if (fails) return Tell(id, ArenaFailed{make->arena, Full()});
      Arena& arena = node.arenas[make->arena];
      arena.byte_count = make->byte_count;
      arena.in_memory = true;
      Tell(id, ArenaMade{make->arena});
    } else if (const auto* spill = std::get_if<SpillArena>(&work)) {
      Tell(id, SpillDisks{100 * kStoreBytes, 0, ""});
      if (fails) return Tell(id, SpillFailed{spill->arena, Full()});
      Arena& arena = node.arenas.at(spill->arena);
      arena.in_memory = false;
      ++spills;
      Tell(id, Spilled{spill->arena});
    } else if (const auto* restore = std::get_if<RestoreArena>(&work)) {
      if (fails) return Tell(id, RestoreFailed{restore->arena, Full()});
      Arena& arena = node.arenas.at(restore->arena);
      arena.in_memory = true;
      std::erase_if(arena.values, [restore](const auto& value) {
        return std::find(restore->extents.begin(), restore->extents.end(),
                         value.second.first) == restore->extents.end();
      });
      Restored restored{restore->arena, {}};
      if (Below(6) == 0) {
        restored.lost.push_back(restore->extents.front());
        arena.values.erase(restore->extents.front().offset);
      }
      Tell(id, restored);
    } else if (const auto* part = std::get_if<SendExtentPart>(&work)) {
      Tell(id, ExtentPartLost{part->node, part->want});
    }
  }
  static base::Failure Full() {
    return base::NotRun(base::FailureCode::kObjectStoreFull, "full");
  }
  void Tell(NodeId id, const Event& event) {
    Effects effects;
    EXPECT_TRUE(nodes_.at(id).store->Happened(event, now_, effects));
    CarryOut(id, effects);
  }
  void Pump(NodeId id) {
    Node& node = nodes_.at(id);
    Effects effects;
    node.store->Pump(now_, effects);
    CarryOut(id, effects);
    node.store->CheckInvariants();
    EXPECT_LE(node.store->arenas().charged_bytes(), kStoreBytes);
    std::uint64_t copies = 0;
    for (const auto& [arena, state] : node.arenas) {
      if (state.is_copy) copies += state.byte_count;
    }
    EXPECT_LE(copies, node.store->arenas().copy_bytes());
  }

  // All that is on its way arrives.
  void Settle() {
    for (int i = 0; i < 2'000; ++i) {
      for (auto& [id, node] : nodes_) {
        for (auto& [who, process] : node.processes) {
          while (!process.inbox.empty()) Hear(id, who);
          while (!process.outbox.empty()) Deliver(id, who);
        }
        while (!node.work.empty()) Work(id);
        Carry(id);
        Pump(id);
      }
      now_ = now_ + milliseconds(20);
    }
  }
  void EndAll() {
    settling_ = true;
    Settle();
    for (auto& [id, node] : nodes_) {
      EXPECT_EQ(node.store->pulled().under_way(), 0u);
      EXPECT_EQ(node.store->pulled().size(), node.store->pulled().copies());
      EXPECT_EQ(node.store->served().size(), 0u);
      EXPECT_EQ(node.store->arenas().waiting(), 0u);
      EXPECT_EQ(node.store->arenas().copies(), node.store->pulled().copies());
      for (auto& [who, process] : node.processes) {
        EXPECT_TRUE(process.pulling.empty());
        EXPECT_TRUE(process.opening.empty());
        while (!process.owned.empty()) FreeOne(process);
      }
    }
    Settle();
    for (auto& [id, node] : nodes_) {
      EXPECT_EQ(node.store->stored().size(), 0u);
      Effects effects;
      node.store->JobGone(kJob, now_, effects);
      CarryOut(id, effects);
    }
    Settle();
    for (auto& [id, node] : nodes_) {
      EXPECT_EQ(node.store->pulled().size(), 0u);
      EXPECT_EQ(node.store->arenas().copy_bytes(), 0u);
      while (!node.processes.empty()) {
        ProcessDies(id, node.processes.begin()->first);
      }
    }
    Settle();
    for (auto& [id, node] : nodes_) {
      EXPECT_EQ(node.store->arenas().size(), 0u);
      EXPECT_EQ(node.store->arenas().charged_bytes(), 0u);
      EXPECT_TRUE(node.arenas.empty());
    }
  }

  std::mt19937 random_;
  BootTime now_ = BootTime::FromSinceBoot(milliseconds(1));
  std::map<NodeId, Node> nodes_;
  std::uint64_t makers_ = 0;
  std::uint64_t processes_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t objects_ = 0;
  std::pair<ObjectId, Extent> freed_;  // the last one
  bool settling_ = false;
};

TEST(JoinedStores, ValuesAreReadFromOneAnother) {
  int read = 0;
  int refused = 0;
  int lost_copies = 0;
  int parts_lost = 0;
  int spills = 0;
  int dropped_copies = 0;
  int node_deaths = 0;
  int frees_afar = 0;
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Joined joined(seed);
    joined.Run(10'000);
    read += joined.read;
    refused += joined.refused;
    lost_copies += joined.lost_copies;
    parts_lost += joined.parts_lost;
    spills += joined.spills;
    dropped_copies += joined.dropped_copies;
    node_deaths += joined.node_deaths;
    frees_afar += joined.frees_afar;
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(read, 2'000);
  EXPECT_GT(refused, 100);
  EXPECT_GT(parts_lost, 5);
  EXPECT_GT(spills, 20);
  EXPECT_GT(dropped_copies, 200);
  EXPECT_GT(node_deaths, 10);
  EXPECT_GT(frees_afar, 500);
  EXPECT_GT(lost_copies, 10);
}

}  // namespace
}  // namespace mobula::raylet
