// PulledValues brings values that lie in the stores of other nodes into this
// one, once for all who ask, and keeps the copies for as long as there is room.
//
//   Ask -> queued --Pump--> waits for room --ArenaLeased--> coming (WantExtent)
//       --ExtentPart ... the last--> here: ValuePulled to all who asked
//       --ArenaLost (its room was needed), NodeGone, JobGone, Freed--> dropped
//   queued, waits for room, coming --> refused (PullRefused): no room in time,
//       ExtentLost, its node is gone;  all who asked are gone --> ended
// A copy is known by object, place and generation, so what was freed is never
// given for what came after it. Who is told of a copy counts as one that maps
// it until it says that it does not, so it finds it.
// Owner: ObjectStore, which carries what ArenaTable says to kCopies to Hear
// before anything else happens.   Threading: none.
// Invariants: (1) each ask is answered once, or its process is gone; (2) one
// pull or copy for each extent; (3) what is under way is within the bounds, or
// a single value; (4) every copy and every pull that comes has an arena, and
// every arena of kCopies is of one.
// Failure: what makes no sense from a node ends the pull.
#ifndef MOBULA_RAYLET_OBJECTS_PULLED_VALUES_H_
#define MOBULA_RAYLET_OBJECTS_PULLED_VALUES_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/frames/node_message.h"
#include "base/frames/object_message.h"
#include "base/ids.h"
#include "base/value.h"
#include "raylet/core/events.h"
#include "raylet/objects/arena_table.h"

namespace mobula::raylet {

class PulledValues {
 public:
  using NodeId = base::NodeId;
  using ProcessId = base::ProcessId;
  struct Options {
    // That have or wait for room, and are not all here.
    std::uint64_t bytes_under_way_max = std::uint64_t{256} << 20;
    std::size_t pulls_under_way_max = 1'000;
    std::size_t asks_of_process_max = 10'000;
    // As readers of what is spilled are refused.
    base::Duration room_within = std::chrono::seconds(30);
  };

  PulledValues(Options options, ArenaTable& arenas)
      : options_(options), arenas_(arenas) {}

  // `origin` is where it lies, if that node is there.
  void Ask(ProcessId from, base::JobId job, const base::PullValue& pull,
           const std::optional<NodeId>& origin, Effects& effects);
  // What ArenaTable says to kCopies.
  void Hear(const base::Message& message, Effects& effects);
  // ---- what nodes say
  void Part(NodeId from, const base::ExtentPart& part, Effects& effects);
  void Lost(NodeId from, const base::ExtentLost& lost, Effects& effects);
  // ---- what else happens
  void NodeGone(NodeId node, Effects& effects);
  void ProcessGone(ProcessId process, Effects& effects);
  void JobGone(base::JobId job);
  // One extent of the object, or all where its arena is nil: copies of it.
  void Freed(base::ObjectId object, const base::Extent& extent);
  // Begins what may begin, and refuses what has waited too long.
  void Pump(base::BootTime now, Effects& effects);
  [[nodiscard]] base::BootTime NextDeadline() const;

  [[nodiscard]] std::size_t size() const { return pulls_.size(); }
  [[nodiscard]] std::size_t copies() const;
  [[nodiscard]] std::size_t under_way() const { return under_way_; }
  [[nodiscard]] std::uint64_t bytes_under_way() const { return bytes_; }
  void CheckInvariants() const;

 private:
  enum class State : std::uint8_t { kQueued, kWaitsForRoom, kComing, kHere };
  using Key = std::tuple<base::ObjectId, base::ArenaId, std::uint64_t,
                         std::uint64_t, std::uint32_t>;
  using Ask_ = std::pair<ProcessId, base::RequestId>;
  struct Pull {
    base::ObjectName name;
    base::Extent origin;
    NodeId node;
    base::JobId job;  // of one who asked
    State state = State::kQueued;
    base::ArenaId arena;         // from kComing on
    std::uint64_t received = 0;  // of its bytes
    base::BootTime refuse_at;    // while it waits for room
    std::map<Ask_, base::JobId> asks;
  };
  // By numbers that grow: in the order of asking.
  using Pulls = std::map<std::uint64_t, Pull>;

  static Key KeyOf(base::ObjectId object, const base::Extent& extent);
  // Its place in the arena.
  static base::Extent Here(const Pull& pull);
  Pull* FindComing(NodeId from, std::uint64_t number);
  void Begin(std::uint64_t number, base::BootTime now, Effects& effects);
  void Finish(std::uint64_t number, Effects& effects);
  void Tell(const Pull& pull, ProcessId reader, base::RequestId request,
            Effects& effects);
  // Tells all who asked; the pull is no more.
  void Refuse(std::uint64_t number, const base::Failure& failure,
              Effects& effects);
  // Gives back what it has.
  Pulls::iterator End(Pulls::iterator pull);
  void EndAtNode(std::uint64_t number, Effects& effects);
  void Answered(ProcessId process);
  [[nodiscard]] static bool IsUnderWay(const Pull& pull) {
    return pull.state == State::kWaitsForRoom || pull.state == State::kComing;
  }

  const Options options_;
  ArenaTable& arenas_;
  Pulls pulls_;
  std::map<Key, std::uint64_t> by_key_;
  std::map<base::ArenaId, std::uint64_t> by_arena_;
  std::set<std::uint64_t> queued_;
  std::set<std::uint64_t> waiting_;  // for room
  std::map<ProcessId, std::size_t> asks_of_;
  std::size_t under_way_ = 0;
  std::uint64_t bytes_ = 0;  // under way
  std::uint64_t count_ = 0;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_OBJECTS_PULLED_VALUES_H_
