#include "cli/nodes/stop.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/control/node_file.h"
#include "base/sockets/poll_wait.h"
#include "base/unique_fd.h"
#include "cli/nodes/node_choice.h"
#include "raylet/spawn/keeper.h"
#include "raylet/spawn/process_tree.h"
#include "raylet/spawn/runtime_folder.h"

namespace mobula::cli {
namespace {

using base::NodeFile;
using base::UniqueFd;

// The keeper gives its raylet and its control store 10 s each.
constexpr base::Duration kPatience = std::chrono::seconds(25);
constexpr base::Duration kKillPatience = std::chrono::seconds(15);

int Complain(const std::string& sentence) {
  std::fprintf(stderr, "mobula stop: %s\n", sentence.c_str());
  return 1;
}

bool SessionIsThere(const NodeFile& node) {
  const std::string root = node.folder.substr(0, node.folder.rfind('/'));
  const auto sessions = raylet::ListSessions(root);
  return std::any_of(sessions.begin(), sessions.end(),
                     [&node](const raylet::SessionState& session) {
                       return session.path == node.folder && session.live;
                     });
}

// After a SIGKILL of the keeper: until its raylet has ended what is left.
void WaitSwept(const NodeFile& node) {
  const base::BootTime deadline = base::BootNow() + kKillPatience;
  while (SessionIsThere(node) && base::BootNow() < deadline) {
    raylet::WaitForOne({});
  }
  raylet::ReapStale({node.folder.substr(0, node.folder.rfind('/'))});
}

void Send(const UniqueFd& pidfd, int signal) {
  ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0);
}

int StopOne(const NodeFile& node) {
  const UniqueFd pidfd = raylet::OpenPidfd(node.pid);
  const auto stat = raylet::ReadProcessStat(node.pid);
  if (!pidfd.valid() || !stat || stat->name != raylet::kKeeperName) {
    // It ended since it was looked for.
    WaitSwept(node);
    return 0;
  }
  Send(pidfd, SIGTERM);
  const bool in_order =
      base::WaitReadable(pidfd.get(), base::BootNow() + kPatience);
  if (!in_order) {
    Send(pidfd, SIGKILL);
    [[maybe_unused]] const bool ended =
        base::WaitReadable(pidfd.get(), base::BootNow() + kKillPatience);
    WaitSwept(node);
  }
  std::printf("%s: %s\n", DescribeNode(node).c_str(),
              in_order ? "ended" : "did not end, and was killed");
  return 0;
}

}  // namespace

int RunStop(const StopCommand& command) {
  std::vector<NodeFile> nodes = StartedNodes(base::SessionRoots());
  if (nodes.empty() && command.node.empty()) {
    std::printf("no node of yours runs on this machine\n");
    return 0;
  }
  if (!command.all) {
    std::string error;
    const std::optional<NodeFile> chosen =
        ChooseNode(nodes, command.node, &error);
    if (!chosen) return Complain(error);
    return StopOne(*chosen);
  }
  // Heads last: the others say to them that they leave.
  std::stable_partition(nodes.begin(), nodes.end(),
                        [](const NodeFile& node) { return !node.is_head; });
  int code = 0;
  for (const NodeFile& node : nodes) code = std::max(code, StopOne(node));
  return code;
}

}  // namespace mobula::cli
