// ServedValues sends values of this node's store to the nodes that want them.
//
//   Want -> queued --> opening (a spilled arena comes back first) --> sending
//       --> sent --ExtentTaken for all--> done
//   opening, sending, sent --> ExtentLost: the arena or the extent is no more;
//   any --EndWant, NodeGone--> done
// To ArenaTable all of it is one reader (kReader): an arena counts as mapped
// while it is opened or sent from. Parts are sent in turn, a window of each
// want and of each node on its way.
// Owner: ObjectStore, which carries what ArenaTable says to kReader to Hear.
// Threading: none.
// Invariants: (1) a want is answered in full, or by ExtentLost, or has been
// ended; (2) what is on its way is within the windows; (3) an arena that is
// sent from is in memory.
// Failure: what makes no sense is ignored, or answered by ExtentLost.
#ifndef MOBULA_RAYLET_OBJECTS_SERVED_VALUES_H_
#define MOBULA_RAYLET_OBJECTS_SERVED_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/frames/node_message.h"
#include "base/ids.h"
#include "base/value.h"
#include "raylet/core/events.h"
#include "raylet/objects/arena_table.h"

namespace mobula::raylet {

class ServedValues {
 public:
  using NodeId = base::NodeId;
  using ProcessId = base::ProcessId;
  struct Options {
    std::uint64_t part_bytes_max = base::kPartBytesMax;
    // On their way, not taken.
    std::uint64_t want_window_bytes = std::uint64_t{2} << 20;
    std::uint64_t node_window_bytes = std::uint64_t{4} << 20;
    // Of a node: served at once, and known.
    std::size_t served_max = 64;
    std::size_t wants_max = 10'000;
  };
  // No process has such an id.
  static constexpr ProcessId kReader{0, 2};

  ServedValues(Options options, ArenaTable& arenas)
      : options_(options), arenas_(arenas) {}

  // ---- what nodes say
  void Want(NodeId from, const base::WantExtent& want, Effects& effects);
  void Taken(NodeId from, const base::ExtentTaken& taken);
  void End(NodeId from, std::uint64_t number);
  // What ArenaTable says to kReader.
  void Hear(const base::Message& message, base::BootTime now, Effects& effects);
  // ---- what else happens
  void PartLost(NodeId node, std::uint64_t number, Effects& effects);
  void NodeGone(NodeId node);
  // Begins what may begin and sends what may be sent.
  void Pump(base::BootTime now, Effects& effects);

  [[nodiscard]] std::size_t size() const;
  void CheckInvariants() const;

 private:
  enum class State : std::uint8_t { kQueued, kOpening, kSending, kSent };
  struct Wanted {
    base::ObjectName object;
    base::Extent extent;
    State state = State::kQueued;
    std::uint64_t sent = 0;
    std::uint64_t untaken = 0;
  };
  struct Node {
    std::map<std::uint64_t, Wanted> wants;
    std::deque<std::uint64_t> queue;  // in the order in which they came
    std::deque<std::uint64_t> turns;  // of those that are being sent
    std::size_t served = 0;           // all but those in the queue
    std::uint64_t untaken = 0;
  };
  using Nodes = std::map<NodeId, Node>;
  using Which = std::pair<NodeId, std::uint64_t>;

  Wanted* Find(NodeId node, std::uint64_t number);
  void BeginSome(NodeId id, Node& node, base::BootTime now, Effects& effects);
  // Whether it could.
  bool SendOne(NodeId id, Node& node, Effects& effects);
  // It needs its arena no more.
  void LetGo(NodeId node, std::uint64_t number, const Wanted& wanted);
  void Erase(NodeId node, std::uint64_t number);
  void Lose(NodeId node, std::uint64_t number, const base::Failure& failure,
            Effects& effects);

  const Options options_;
  ArenaTable& arenas_;
  Nodes nodes_;  // with wants
  // That are opened or sent from, never for nobody.
  std::map<base::ArenaId, std::set<Which>> users_;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_OBJECTS_SERVED_VALUES_H_
