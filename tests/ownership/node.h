// Node is one machine inside a test: the raylet's real core, and the real cores
// of drivers and of the workers that it starts, with a Program in each.
//
//   Node node({.seed = 7, .kills = true});
//   node.Run(100);  node.Settle();  EXPECT_TRUE(Audit(node).empty());
// Messages of one link keep their order; everything else happens in an order
// that the seed decides, some links being slow. A killed process leaves what it
// had sent, or, towards its peers, a part of it.
// Owner: a test.   Threading: none; time is virtual.
// Invariants: the same options give the same trace.
#ifndef MOBULA_TESTS_OWNERSHIP_NODE_H_
#define MOBULA_TESTS_OWNERSHIP_NODE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/value.h"
#include "raylet/core/core.h"
#include "raylet/core/events.h"
#include "runtime/core/core.h"
#include "runtime/core/events.h"
#include "tests/ownership/plant.h"
#include "tests/ownership/program.h"
#include "tests/ownership/truth.h"

namespace mobula::ownership {

class Node {
 public:
  struct Options {
    std::uint64_t seed = 1;
    int drivers = 2;
    int cpus = 3;
    bool kills = false;
    bool losses = false;  // of bytes in the store
    Plant plant = Plant::kNone;
    std::ostream* log = nullptr;  // of what happens, for people
  };
  struct Process {
    std::unique_ptr<runtime::Core> core;
    std::unique_ptr<Program> program;
    base::BootTime timer = base::BootTime::Never();
    std::set<base::ProcessId> attached;
    base::ArenaId arena;  // that it may write
    std::uint64_t arena_bytes = 0;
    std::uint64_t arena_next = 0;
    bool is_driver = false;
    bool stepping = false;
    std::deque<runtime::Event> pending;
  };
  using Processes = std::map<base::ProcessId, Process>;

  static constexpr base::ProcessId kRaylet{7, 1};

  explicit Node(const Options& options);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // The drivers do so many things, and much happens between them.
  void Run(int deeds);
  // Until nothing is left to happen but idling.
  void Settle();
  // Every program lets go of all it has.
  void DropAll();

  // ---- for programs ---------------------------------------------------------
  std::uint64_t Random(std::uint64_t below) { return random_() % below; }
  void Do(base::ProcessId process, runtime::Event event);
  // The process's shell says it to the raylet.
  void Say(base::ProcessId process, base::Message message);
  // A place in the node's store, if the process has room there.
  std::optional<base::Extent> Write(base::ProcessId process,
                                    base::ObjectId object,
                                    const base::Bytes& bytes);
  // Of an object that was put and to which some process refers.
  std::optional<base::ObjectName> SomeName();
  Truth& truth() { return truth_; }

  // ---- for audits -----------------------------------------------------------
  [[nodiscard]] const Truth& truth() const { return truth_; }
  [[nodiscard]] const Processes& processes() const { return processes_; }
  [[nodiscard]] const raylet::Core& raylet() const { return raylet_; }
  // Of all that was delivered, in order.
  [[nodiscard]] std::uint64_t trace() const { return trace_; }
  [[nodiscard]] std::uint64_t kills() const { return kills_; }
  [[nodiscard]] std::uint64_t losses() const { return losses_; }
  [[nodiscard]] std::uint64_t cancels() const { return cancels_; }
  // Results that were made again.
  [[nodiscard]] std::uint64_t remade() const { return remade_; }
  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }
  // How often a message of the kind was delivered.
  [[nodiscard]] std::uint64_t CountOf(std::size_t kind) const;

 private:
  // From, to. Messages, then the end of the link, where it has ended.
  using Wire = std::pair<base::ProcessId, base::ProcessId>;
  using Packet = std::optional<base::Message>;
  struct Line {
    std::deque<Packet> packets;
    bool is_slow = false;
  };

  void AddDriver(int number);
  Process& AddProcess(base::ProcessId id, base::JobId job, base::Role role);
  bool Step();
  bool StepOnce(std::uint64_t choice);
  bool AdvanceTime();
  bool DeliverSome();
  bool WorkSome();
  bool TimeSome();
  bool BurySome();
  void Log(base::ProcessId from, base::ProcessId to, const Packet& packet);
  [[nodiscard]] bool IsDeliverable(const Wire& wire) const;
  void Deliver(const Wire& wire);
  void DeliverToRaylet(base::ProcessId from, Packet packet);
  void Hear(base::ProcessId to, base::ProcessId from, Packet packet);

  void CarryOut(base::ProcessId from, runtime::Effects& effects);
  void Transmit(base::ProcessId from, base::ProcessId to,
                base::Message message);
  void Push(base::ProcessId from, base::ProcessId to, Packet packet);
  // What the plant makes of it; nothing: it is lost.
  std::optional<base::Message> Spoil(base::Message message) const;

  void TellRaylet(raylet::Event event);
  void CarryOut(raylet::Effects& effects);
  void Connect(base::ProcessId a, base::ProcessId b);
  void NoteStore();
  [[nodiscard]] bool IsStored(const base::Extent& extent) const;

  void KillSome();
  // It ends: by itself, or killed.
  void End(base::ProcessId process, bool was_killed);

  const Options options_;
  std::mt19937_64 random_;
  base::BootTime now_;
  raylet::Core raylet_;
  base::BootTime raylet_timer_ = base::BootTime::Never();
  std::deque<raylet::Event> raylet_pending_;
  bool raylet_stepping_ = false;
  Processes processes_;
  // Ended in this step: what ended it may still be at work.
  std::vector<Processes::node_type> ended_;
  std::map<base::ProcessId, bool> is_driver_;
  std::map<Wire, Line> lines_;
  std::set<Wire> linked_;                 // both directions
  std::deque<base::ProcessId> unburied_;  // workers whose link has ended
  std::vector<base::Extent> stored_;      // that the raylet knows of
  Truth truth_;
  std::uint64_t trace_ = 0;
  std::uint64_t kills_ = 0;
  std::uint64_t losses_ = 0;
  std::uint64_t cancels_ = 0;  // that were answered
  std::uint64_t remade_ = 0;
  std::uint64_t delivered_ = 0;
  std::map<std::size_t, std::uint64_t> counts_;
};

}  // namespace mobula::ownership

#endif  // MOBULA_TESTS_OWNERSHIP_NODE_H_
