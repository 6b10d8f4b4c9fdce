#include "runtime/tasks/spawned_tasks.h"

#include <utility>

#include "base/check.h"

namespace mobula::runtime {

bool SpawnedTasks::Add(base::TaskId parent, base::SpawnScope scope,
                       base::TaskId child, base::ObjectId result) {
  if (parent.IsNil() && scope == 0) return false;
  const bool is_new =
      children_.emplace(result, Entry{child, parent, scope}).second;
  MOBULA_CHECK(is_new) << "object " << result << " was spawned before";
  bool stopped = false;
  if (!parent.IsNil()) {
    Group& group = parents_[parent];
    group.results.insert(result);
    stopped = group.stopped;
  }
  if (scope != 0) {
    Group& group = scopes_[scope];
    group.results.insert(result);
    stopped = stopped || group.stopped;
  }
  return stopped;
}

template <class Key>
void SpawnedTasks::TakeOut(std::map<Key, Group>& groups, Key key,
                           base::ObjectId result) {
  const auto it = groups.find(key);
  MOBULA_CHECK(it != groups.end() && it->second.results.erase(result) == 1);
  if (it->second.results.empty() && !it->second.stopped) groups.erase(it);
}

void SpawnedTasks::Settled(base::ObjectId result) {
  const auto it = children_.find(result);
  if (it == children_.end()) return;
  const Entry entry = it->second;
  children_.erase(it);
  if (!entry.parent.IsNil()) TakeOut(parents_, entry.parent, result);
  if (entry.scope != 0) TakeOut(scopes_, entry.scope, result);
}

std::vector<SpawnedTasks::Child> SpawnedTasks::ChildrenOf(
    const Group& group) const {
  std::vector<Child> children;
  children.reserve(group.results.size());
  for (const base::ObjectId result : group.results) {
    children.push_back({children_.at(result).task, result});
  }
  return children;
}

std::vector<SpawnedTasks::Child> SpawnedTasks::Stop(base::TaskId parent) {
  MOBULA_CHECK(!parent.IsNil());
  Group& group = parents_[parent];
  group.stopped = true;
  return ChildrenOf(group);
}

std::vector<SpawnedTasks::Child> SpawnedTasks::StopScope(
    base::SpawnScope scope) {
  MOBULA_CHECK(scope != 0);
  Group& group = scopes_[scope];
  group.stopped = true;
  return ChildrenOf(group);
}

bool SpawnedTasks::IsStopped(base::SpawnScope scope) const {
  const auto it = scopes_.find(scope);
  return it != scopes_.end() && it->second.stopped;
}

void SpawnedTasks::ForgetOrphan(base::ObjectId result) {
  const auto it = children_.find(result);
  if (it->second.parent.IsNil() && it->second.scope == 0) children_.erase(it);
}

void SpawnedTasks::Ended(base::TaskId parent) {
  const auto ended = parents_.extract(parent);
  if (ended.empty()) return;
  for (const base::ObjectId result : ended.mapped().results) {
    children_.at(result).parent = base::TaskId();
    ForgetOrphan(result);
  }
}

std::vector<SpawnedTasks::Child> SpawnedTasks::EndScope(base::SpawnScope scope,
                                                        base::SpawnScope heir) {
  MOBULA_CHECK(scope != 0 && scope != heir);
  auto ended = scopes_.extract(scope);
  if (ended.empty() || ended.mapped().results.empty()) return {};
  std::set<base::ObjectId>& left = ended.mapped().results;
  for (const base::ObjectId result : left) {
    children_.at(result).scope = heir;
    ForgetOrphan(result);
  }
  if (heir == 0) return {};
  Group& group = scopes_[heir];
  std::vector<Child> stopped;
  if (group.stopped) stopped = ChildrenOf(ended.mapped());
  // The few go to the many.
  if (group.results.size() < left.size()) group.results.swap(left);
  group.results.merge(left);
  return stopped;
}

}  // namespace mobula::runtime
