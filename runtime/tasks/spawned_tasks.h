// SpawnedTasks knows what the tasks and methods that run in this process, and
// the scopes of this process, have submitted and called, and what of that is
// not finished: what a cancel reaches that is recursive, or is that of a scope.
//
//   if (spawned.Add(parent, scope, child, result)) ...  // it is to be
//   cancelled for (const Child& child : spawned.Stop(parent)) ... for (const
//   Child& child : spawned.StopScope(scope)) ...
// A parent or scope that was stopped is remembered until it ends, so that what
// it spawns in the meantime is stopped too. What a scope leaves behind belongs
// to the scope around it from then on.
// Owner: runtime::Owner; LocalBackend.   Threading: none; pure.
// Invariants: (1) each result has at most one parent and one scope; (2) nothing
// is kept of what has neither, nor of a parent or scope that has ended.
#ifndef MOBULA_RUNTIME_TASKS_SPAWNED_TASKS_H_
#define MOBULA_RUNTIME_TASKS_SPAWNED_TASKS_H_

#include <cstddef>
#include <map>
#include <set>
#include <vector>

#include "base/ids.h"
#include "base/scheduling/call_scope.h"

namespace mobula::runtime {

class SpawnedTasks {
 public:
  struct Child {
    base::TaskId task;
    base::ObjectId result;

    friend bool operator==(const Child&, const Child&) = default;
  };

  // `parent`, nil or of what runs here, has submitted or called `child`, which
  // is to give `result`, under `scope`, 0 or one that has not ended. Whether
  // one of them was stopped.
  bool Add(base::TaskId parent, base::SpawnScope scope, base::TaskId child,
           base::ObjectId result);
  // What is to give the result is finished; unknown ones are let pass.
  void Settled(base::ObjectId result);
  // The unfinished children, in the order of their results.
  std::vector<Child> Stop(base::TaskId parent);
  void Ended(base::TaskId parent);
  std::vector<Child> StopScope(base::SpawnScope scope);
  // What is to be cancelled, since the heir was stopped.
  std::vector<Child> EndScope(base::SpawnScope scope, base::SpawnScope heir);
  [[nodiscard]] bool IsStopped(base::SpawnScope scope) const;

  [[nodiscard]] std::size_t size() const { return children_.size(); }
  [[nodiscard]] bool empty() const {
    return parents_.empty() && scopes_.empty();
  }

 private:
  struct Group {
    bool stopped = false;
    std::set<base::ObjectId> results;
  };
  struct Entry {
    base::TaskId task;
    base::TaskId parent;
    base::SpawnScope scope = 0;
  };

  template <class Key>
  static void TakeOut(std::map<Key, Group>& groups, Key key,
                      base::ObjectId result);
  [[nodiscard]] std::vector<Child> ChildrenOf(const Group& group) const;
  void ForgetOrphan(base::ObjectId result);

  std::map<base::ObjectId, Entry> children_;
  std::map<base::TaskId, Group> parents_;
  std::map<base::SpawnScope, Group> scopes_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_TASKS_SPAWNED_TASKS_H_
