#include "runtime/tasks/spawned_tasks.h"

#include "base/check.h"

namespace mobula::runtime {

bool SpawnedTasks::Add(base::TaskId parent, base::TaskId child,
                       base::ObjectId result) {
  MOBULA_CHECK(!parent.IsNil());
  const bool is_new = parent_of_.emplace(result, parent).second;
  MOBULA_CHECK(is_new) << "object " << result << " has a parent";
  Parent& record = parents_[parent];
  record.children.emplace(result, child);
  return record.stopped;
}

void SpawnedTasks::Settled(base::ObjectId result) {
  const auto it = parent_of_.find(result);
  if (it == parent_of_.end()) return;
  const auto parent = parents_.find(it->second);
  MOBULA_CHECK(parent != parents_.end());
  parent->second.children.erase(result);
  parent_of_.erase(it);
  if (parent->second.children.empty() && !parent->second.stopped) {
    parents_.erase(parent);
  }
}

std::vector<base::TaskId> SpawnedTasks::Stop(base::TaskId parent) {
  MOBULA_CHECK(!parent.IsNil());
  Parent& record = parents_[parent];
  record.stopped = true;
  std::vector<base::TaskId> children;
  children.reserve(record.children.size());
  for (const auto& [result, child] : record.children) children.push_back(child);
  return children;
}

void SpawnedTasks::Ended(base::TaskId parent) {
  const auto it = parents_.find(parent);
  if (it == parents_.end()) return;
  for (const auto& [result, child] : it->second.children) {
    parent_of_.erase(result);
  }
  parents_.erase(it);
}

}  // namespace mobula::runtime
