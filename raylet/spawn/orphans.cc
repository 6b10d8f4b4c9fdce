#include "raylet/spawn/orphans.h"

#include <unistd.h>

#include <optional>
#include <string>

#include "raylet/spawn/launcher.h"
#include "raylet/spawn/process_tree.h"

namespace mobula::raylet {
namespace {

bool IsOrphan(const ProcessStat& child, const LiveWorkers& live) {
  if (live.pids.contains(child.pid) || child.state == 'Z') return false;
  const auto origin = EnvironmentOf(child.pid, kOriginMark);
  if (origin) {
    const auto process = base::ProcessId::Parse(*origin);
    return !process || !live.processes.contains(*process);
  }
  return child.session == live.ended;
}

void KillTree(const ProcessStat& root) {
  for (const pid_t pid : DescendantsOf(root.pid)) {
    if (const auto stat = ReadProcessStat(pid)) KillChildOf(stat->parent, pid);
  }
  KillChildOf(root.parent, root.pid);
}

}  // namespace

std::size_t KillOrphans(const LiveWorkers& live) {
  std::size_t killed = 0;
  for (const pid_t pid : ChildrenOf(::getpid())) {
    const auto child = ReadProcessStat(pid);
    if (!child || !IsOrphan(*child, live)) continue;
    KillTree(*child);
    ++killed;
  }
  return killed;
}

}  // namespace mobula::raylet
