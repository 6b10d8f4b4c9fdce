// ArgWaits holds the calls whose arguments are not all there yet.
//
//   Begin --all there, or one failed--> Resolved
//         --otherwise--> waiting --Wake, last one or a failed one--> Resolved
// One that was there when others were not may have been lost since: then it is
// waited for again.
// Whoever made the call holds its objects meanwhile (ArgHolds).
// Owner: runtime::Owner, for tasks, constructors and methods alike.
// Threading: none; pure.
// Invariants: each call is resolved once, or given up by Abandon.
#ifndef MOBULA_RUNTIME_REFS_ARG_WAITS_H_
#define MOBULA_RUNTIME_REFS_ARG_WAITS_H_

#include <cstddef>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "base/failure.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/refs/references.h"

namespace mobula::runtime {

// The values of a call's arguments, or why one of them has none.
using ResolvedArgs = std::variant<std::vector<base::Value>, base::Failure>;

class ArgWaits {
 public:
  explicit ArgWaits(References& refs) : refs_(refs) {}

  // Nothing if the call must wait.
  std::optional<ResolvedArgs> Begin(base::TaskId task, std::vector<Arg> args);
  // `object`, for which the call waits, has settled.
  std::optional<ResolvedArgs> Wake(base::TaskId task, base::ObjectId object);
  // The call no longer wants its arguments; unknown calls are let pass.
  void Abandon(base::TaskId task);

  // What a call waits for: so many arguments, one of which is that object's.
  struct Awaited {
    std::size_t count = 0;
    base::ObjectId object;
  };
  // Of none if it does not wait.
  [[nodiscard]] Awaited AwaitedBy(base::TaskId task) const {
    const auto it = waits_.find(task);
    return it == waits_.end() ? Awaited() : Describe(it->second);
  }
  // Calls each(task, awaited), in order of id, until it says false.
  template <class F>
  void ForEach(F&& each) const {
    for (const auto& [task, wait] : waits_) {
      if (!each(task, Describe(wait))) return;
    }
  }
  [[nodiscard]] std::size_t size() const { return waits_.size(); }

 private:
  struct Wait {
    std::vector<Arg> args;
    std::size_t missing = 0;
  };

  [[nodiscard]] Awaited Describe(const Wait& wait) const;

  // How many of them have no outcome; the task waits for those.
  std::size_t AwaitMissing(base::TaskId task, const std::vector<Arg>& args);
  [[nodiscard]] const base::Failure* FirstFailure(
      const std::vector<Arg>& args) const;
  std::vector<base::Value> TakeValues(std::vector<Arg>& args) const;

  References& refs_;
  std::map<base::TaskId, Wait> waits_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_REFS_ARG_WAITS_H_
