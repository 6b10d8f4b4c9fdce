// LeaseCache holds the slots that this owner has, or has asked for, by the
// shape of the tasks that need them.
//
//   Requested --Grant--> Granted --Return (idle 50 ms, or used 1 s while others
//   may wait) | Drop (its worker died)--> gone;  Requested --Ask(0)--> gone
// A granted lease holds what is in flight on it, in the order pushed: the first
// is the one that runs. Coroutines that wait there stand aside: they keep the
// lease, but no room on it; they have shapes of their own. Work in flight is
// bounded by time (RunTimes), so that a task waits on a slot only briefly while
// others could run it. If the first one runs longer than that, the table above
// takes the rest back (recall). Owner: TaskTable.   Threading: none; pure.
// Invariants: (1) a worker has at most one lease here; (2) backlog_ns is the
// sum of the costs in flight; (3) requests <= min(queued tasks, what the node
// could hold, if it is of no cluster, kRequestsMax) when they are made; (4) a
// lease that is idle, or has more than its first task in flight, has a check
// due.
#ifndef MOBULA_RUNTIME_TASKS_LEASE_CACHE_H_
#define MOBULA_RUNTIME_TASKS_LEASE_CACHE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/scheduling/placement.h"
#include "base/scheduling/resource_vector.h"
#include "runtime/core/produced.h"
#include "runtime/core/timer_set.h"
#include "runtime/core/worker_loss.h"

namespace mobula::runtime {

class LeaseCache {
 public:
  using Shape = std::uint32_t;  // an index; valid while someone uses it

  static constexpr base::Duration kIdle = std::chrono::milliseconds(50);
  static constexpr base::Duration kTurn = std::chrono::seconds(1);
  static constexpr base::Duration kRecallAfter = std::chrono::milliseconds(5);
  // A slot of coroutines serves no more while one runs for longer.
  static constexpr base::Duration kStuckAfter = std::chrono::milliseconds(100);
  // How long a worker may still run what was given up before it is ended.
  static constexpr base::Duration kUnwantedRun = std::chrono::milliseconds(100);
  static constexpr base::Duration kAskAgain = std::chrono::seconds(1);
  static constexpr std::size_t kRequestsMax = 64;
  static constexpr std::size_t kAsideMax = 10'000;  // of one lease

  struct InFlight {
    base::TaskId task;
    base::ObjectId result;
    std::int64_t cost_ns = 0;
    bool unwanted = false;   // it has its outcome; only the answer is awaited
    bool is_to_end = false;  // its worker is ended where it runs on
  };
  struct Lease {
    base::LeaseId id;
    Shape shape = 0;
    bool granted = false;
    base::ProcessId worker;
    std::int32_t pid = 0;
    std::deque<InFlight> in_flight;
    std::map<base::TaskId, InFlight> aside;  // coroutines that wait
    std::int64_t backlog_ns = 0;             // without those aside
    base::BootTime granted_at;
    base::BootTime idle_since;
    base::BootTime head_since;  // when the first one in flight became first
    base::BootTime check_at = base::BootTime::Never();
    bool recalled = false;  // the rest was taken back; nothing is pushed
    bool draining = false;  // returned as soon as nothing is in flight
    WorkerLoss loss;
  };

  LeaseCache(base::JobId job, base::IdSource& ids) : job_(job), ids_(ids) {}

  // `is_of_cluster`: slots may be of other nodes too.
  void Joined(base::ProcessId raylet, const base::ResourceVector& total,
              bool is_of_cluster = false);

  // One more, one less task of that shape.
  Shape Use(const base::ResourceVector& resources, bool is_coroutine = false,
            const std::optional<base::Placement>& placement = std::nullopt);
  void Unuse(Shape shape);
  [[nodiscard]] std::size_t shapes() const { return shapes_.size(); }
  [[nodiscard]] const base::ResourceVector& ResourcesOf(Shape shape) const {
    return shapes_[shape].resources;
  }
  [[nodiscard]] const std::optional<base::Placement>& PlacementOf(
      Shape shape) const {
    return shapes_[shape].placement;
  }
  [[nodiscard]] bool IsCoroutine(Shape shape) const {
    return shapes_[shape].is_coroutine;
  }

  struct Queued {
    std::size_t count = 0;
    std::int32_t priority = 0;  // of the first
  };
  // Makes the requests fit that queue; none are left if it is empty.
  void Ask(Shape shape, Queued queued, const std::string& function,
           base::BootTime now, Produced& out);
  // Null if the lease is unknown: taken back meanwhile, or an actor's.
  Lease* Grant(const base::LeaseGranted& granted, base::BootTime now);
  // A request was refused: forgets it. Whether it was ours.
  bool Refuse(base::LeaseId lease, Shape* shape);
  // Asks no more for a while; ShapeDue tells when.
  void Postpone(Shape shape, base::BootTime now);
  [[nodiscard]] bool Expects(Shape shape) const;  // granted or requested

  [[nodiscard]] Lease* Find(base::LeaseId lease);
  [[nodiscard]] Lease* OfWorker(base::ProcessId worker);
  // The one with the least to do that may take a task of that cost, or null.
  [[nodiscard]] Lease* Pick(Shape shape, std::int64_t cost_ns);
  [[nodiscard]] static bool HasRoom(const Lease& lease, std::int64_t cost_ns);

  void Push(Lease& lease, base::TaskId task, base::ObjectId result,
            std::int64_t cost_ns, base::BootTime now);
  // Takes the task out of what is in flight; false if it was not.
  bool Answer(Lease& lease, base::TaskId task, base::BootTime now);
  // Keeps its place until it is answered, but nobody waits for it; or it may
  // run to its end.
  void MarkUnwanted(Lease& lease, base::TaskId task, bool is_to_end);
  // If it still runs after kUnwantedRun from now, or from when it is the first,
  // its worker is to be ended; not for a coroutine that waits, beside others.
  void MarkToEnd(Lease& lease, base::TaskId task, base::BootTime now);
  // The first one in flight has had its time.
  [[nodiscard]] static bool IsOverdue(const Lease& lease, base::BootTime now);
  // Where the task is in flight, unwanted; null if it is nowhere.
  [[nodiscard]] Lease* OfUnwanted(base::TaskId task);
  // The coroutine waits; false if it was not in flight.
  bool SetAside(Lease& lease, base::TaskId task, base::BootTime now);
  [[nodiscard]] static bool IsAside(const Lease& lease, base::TaskId task) {
    return lease.aside.contains(task);
  }
  // Nothing is in flight on it nor aside.
  [[nodiscard]] static bool IsIdle(const Lease& lease) {
    return lease.in_flight.empty() && lease.aside.empty();
  }
  // Nobody waits for anything that is in flight on it.
  [[nodiscard]] static bool IsUnwanted(const Lease& lease);
  [[nodiscard]] static bool IsFirst(const Lease& lease, base::TaskId task);

  void Return(Lease& lease, bool discard, Produced& out);
  void Drop(Lease& lease);
  // Gives the slot back and has its worker ended, but keeps what is in flight
  // until the link has ended: the one that is unwanted may have been answered
  // already, and the next one been started.
  void Discard(Lease& lease, base::BootTime now, Produced& out);

  // Something is to be looked at; the caller looks and then calls Recheck.
  Lease* PopCheck(base::BootTime now);
  void Recheck(Lease& lease, base::BootTime now);
  std::optional<Shape> ShapeDue(base::BootTime now);
  [[nodiscard]] base::BootTime Next() const;

  // Calls each(lease), also of those only asked for, until it says false.
  template <class F>
  void ForEach(F&& each) const {
    for (const auto& [id, lease] : leases_) {
      if (!each(lease)) return;
    }
  }

  // Forgets all leases and requests: their raylet is gone.
  void Clear();
  [[nodiscard]] std::size_t size() const { return leases_.size(); }
  [[nodiscard]] base::ProcessId raylet() const { return raylet_; }

 private:
  struct ShapeState {
    bool in_use = false;
    bool is_coroutine = false;
    base::ResourceVector resources;
    std::optional<base::Placement> placement;
    std::size_t users = 0;
    std::size_t requests_max = 1;
    std::deque<base::LeaseId> requested;  // in the order asked
    std::vector<Lease*> granted;          // in the order granted
    std::int32_t priority = 0;            // of all that was asked for
    base::BootTime ask_after;
    base::BootTime ask_timer = base::BootTime::Never();
  };

  [[nodiscard]] std::size_t RequestsMax(
      const base::ResourceVector& shape) const;
  // How many requests a queue of that length wants.
  [[nodiscard]] static std::size_t Wanted(const ShapeState& state,
                                          std::size_t queued,
                                          base::BootTime now);
  void SetPriority(ShapeState& state, std::int32_t priority,
                   const std::string& function, Produced& out) const;
  void TakeOut(Lease& lease, std::deque<InFlight>::iterator it,
               base::BootTime now);
  void Schedule(Lease& lease, base::BootTime at);
  void ForgetIfUnused(Shape shape);

  const base::JobId job_;
  base::IdSource& ids_;
  base::ProcessId raylet_;
  base::ResourceVector total_;
  bool is_of_cluster_ = false;
  // By resources, whether they are coroutines, and where they are to run.
  using Key =
      std::tuple<base::ResourceVector, bool, std::optional<base::Placement>>;
  std::map<Key, Shape> indexes_;
  std::vector<ShapeState> shapes_;
  std::vector<Shape> free_shapes_;
  Shape last_ = 0;
  std::map<base::LeaseId, Lease> leases_;
  std::unordered_map<base::ProcessId, Lease*> of_worker_;
  TimerSet<base::LeaseId> checks_;
  TimerSet<Shape> asks_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_TASKS_LEASE_CACHE_H_
