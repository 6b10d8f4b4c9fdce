// SpawnedTasks knows what the tasks and methods that run in this process have
// submitted and called, and what of that is not finished: what a recursive
// cancel reaches.
//
//   if (spawned.Add(parent, child, result)) ...   // the child is to be
//   cancelled for (TaskId child : spawned.Stop(parent)) ...
// A parent that was stopped is remembered until it ends, so that what it spawns
// in the meantime is stopped too.
// Owner: runtime::Owner; in a driver it is empty.   Threading: none; pure.
// Invariants: (1) each result has one parent; (2) nothing is kept of a parent
// that has ended.
#ifndef MOBULA_RUNTIME_TASKS_SPAWNED_TASKS_H_
#define MOBULA_RUNTIME_TASKS_SPAWNED_TASKS_H_

#include <cstddef>
#include <map>
#include <vector>

#include "base/ids.h"

namespace mobula::runtime {

class SpawnedTasks {
 public:
  // `parent` runs here and has submitted or called `child`, which is to give
  // `result`. Whether the parent was stopped.
  bool Add(base::TaskId parent, base::TaskId child, base::ObjectId result);
  // What is to give the result is finished; unknown ones are let pass.
  void Settled(base::ObjectId result);
  // The unfinished children, in the order of their results.
  std::vector<base::TaskId> Stop(base::TaskId parent);
  void Ended(base::TaskId parent);

  [[nodiscard]] std::size_t size() const { return parent_of_.size(); }
  [[nodiscard]] bool empty() const { return parents_.empty(); }

 private:
  struct Parent {
    bool stopped = false;
    std::map<base::ObjectId, base::TaskId> children;
  };

  std::map<base::TaskId, Parent> parents_;
  std::map<base::ObjectId, base::TaskId> parent_of_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_TASKS_SPAWNED_TASKS_H_
