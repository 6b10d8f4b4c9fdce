// RestartPace slows down detached actors that die again and again soon after
// they began: the first restart is at once, and so is the second; from then on
// each waits twice as long as the one before.
//
//   Begun --Died--> (at once) | Held until a moment --> Begun ...
//
// Owner: gcs::Core.   Threading: none.
// Invariants: (1) no wait is above kWaitMax; (2) who lived for kGoodLife begins
// anew.
// Failure: none; it forgets all when the control store restarts.
#ifndef MOBULA_GCS_ACTORS_RESTART_PACE_H_
#define MOBULA_GCS_ACTORS_RESTART_PACE_H_

#include <chrono>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/ids.h"

namespace mobula::gcs {

class RestartPace {
 public:
  static constexpr base::Duration kGoodLife = std::chrono::seconds(10);
  static constexpr base::Duration kWaitMin = std::chrono::milliseconds(100);
  static constexpr base::Duration kWaitMax = std::chrono::seconds(10);

  // An incarnation is told to begin.
  void Begun(base::ActorId actor, base::BootTime now);
  // It died on `node`. True: the next is held until its time has come.
  bool Died(base::ActorId actor, base::NodeId node, base::BootTime now);
  void Forget(base::ActorId actor);

  [[nodiscard]] bool IsHeld(base::ActorId actor, base::BootTime now) const;
  // Where it died; nil if unknown.
  [[nodiscard]] base::NodeId Where(base::ActorId actor) const;
  // Holds nobody any more whose time has come: these.
  std::vector<base::ActorId> Release(base::BootTime now);
  // When there will be somebody to release; Never if nobody is held.
  [[nodiscard]] base::BootTime Next() const;

 private:
  struct Pace {
    base::BootTime begun;
    int quick_deaths = 0;  // in a row
    base::BootTime held_until;
    base::NodeId node;
  };

  std::map<base::ActorId, Pace> paces_;
  std::set<std::pair<base::BootTime, base::ActorId>> held_;
};

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_ACTORS_RESTART_PACE_H_
