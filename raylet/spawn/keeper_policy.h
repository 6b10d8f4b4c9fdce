// KeeperPolicy decides when the keeper of a node starts, ends and starts again
// its two children: the control store (on a head) and the raylet.
//
//   starting --both serve once--> keeping --StopAsked--> stopping --> done
//      `-- one ends -----------------------------------> (failed)
// While it keeps, a child that ends is started again for ever: at once if it
// had served for a while, else after a wait that doubles up to backoff_max.
// In stopping the raylet ends first, so that the control store hears it leave.
// Owner: the keeper.   Threading: none; pure.
// Invariants: (1) a child is started only while it does not run; (2) the
// raylet's leavings are swept after each of its ends, before anything else;
// (3) nothing is started once stopping has begun; (4) kFinish comes once, last,
// and nothing runs then.
// Failure: a child that does not end when it is told is killed.
#ifndef MOBULA_RAYLET_SPAWN_KEEPER_POLICY_H_
#define MOBULA_RAYLET_SPAWN_KEEPER_POLICY_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "base/boot_time.h"

namespace mobula::raylet {

enum class KeeperChild : std::uint8_t { kControlStore, kRaylet };

enum class KeeperAction : std::uint8_t {
  kStartControlStore,
  kStartRaylet,
  kEndControlStore,   // ask it to end
  kEndRaylet,         // ask it to leave
  kKillControlStore,  // it had its time
  kKillRaylet,
  kSweepRaylet,   // end its descendants, remove its files
  kReportRaylet,  // tell the control store that it is dead
  kSayReady,      // both serve
  kFinish,
};

class KeeperPolicy {
 public:
  struct Options {
    bool has_control_store = false;
    base::Duration backoff_first = std::chrono::milliseconds(20);
    base::Duration backoff_max = std::chrono::milliseconds(500);
    // One that served for so long is started again at once.
    base::Duration healthy_after = std::chrono::seconds(1);
    base::Duration end_patience = std::chrono::seconds(10);
  };
  using Actions = std::vector<KeeperAction>;

  explicit KeeperPolicy(Options options) : options_(options) {}

  // First, once.
  void Begin(base::BootTime now, Actions& actions);
  void Serves(KeeperChild child, base::BootTime now, Actions& actions);
  // `in_order`: it ended as one that was asked to.
  void Ended(KeeperChild child, bool in_order, base::BootTime now,
             Actions& actions);
  void StopAsked(base::BootTime now, Actions& actions);
  // When Tick is due next.
  [[nodiscard]] base::BootTime wakeup() const;
  void Tick(base::BootTime now, Actions& actions);

  [[nodiscard]] bool keeping() const { return phase_ == Phase::kKeeping; }
  // Whether it ended because the start failed.
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  enum class Phase : std::uint8_t { kStarting, kKeeping, kStopping, kDone };
  struct Child {
    bool wanted = false;
    bool runs = false;
    bool serves = false;
    base::BootTime served_since;
    int failures = 0;  // in a row
    base::BootTime start_at = base::BootTime::Never();
    base::BootTime kill_at = base::BootTime::Never();
  };

  Child& Get(KeeperChild child) {
    return children_[static_cast<std::size_t>(child)];
  }
  void Start(KeeperChild child, Actions& actions);
  void StartAgain(KeeperChild child, base::BootTime now, Actions& actions);
  void Stop(base::BootTime now, Actions& actions);
  // Asks the next child to end, or finishes.
  void StopNext(base::BootTime now, Actions& actions);

  const Options options_;
  Phase phase_ = Phase::kStarting;
  bool failed_ = false;
  std::array<Child, 2> children_;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SPAWN_KEEPER_POLICY_H_
