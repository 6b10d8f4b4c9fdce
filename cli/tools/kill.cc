#include "cli/tools/kill.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <optional>

#include "base/control/control_request.h"
#include "base/control/node_file.h"
#include "base/ids.h"
#include "base/unique_fd.h"
#include "cli/tools/ask_raylet.h"
#include "cli/tools/find_actor.h"
#include "cli/tools/id_matches.h"
#include "raylet/spawn/process_tree.h"

namespace mobula::cli {
namespace {

int Complain(const std::string& sentence) {
  std::fprintf(stderr, "mobula kill: %s\n", sentence.c_str());
  return 1;
}

int Say(const std::string& sentence) {
  std::printf("%s\n", sentence.c_str());
  return 0;
}

int EndActor(const Store& store, base::ActorId actor, bool restart,
             const std::string& what) {
  std::string error;
  if (!AskFor<base::Done>(store, base::EndActor{actor, restart}, &error)) {
    return Complain(error);
  }
  return Say((restart ? "restarts " : "ended ") + what);
}

int KillNamed(const Store& store, const KillCommand& command) {
  std::string error;
  const auto actor = FindActor(store, command.ns, command.target, &error);
  if (!actor) return Complain(error);
  return EndActor(store, actor->actor, command.restart, DescribeActor(*actor));
}

int EndJob(const Store& store, const base::JobRecord& job) {
  std::string error;
  if (!AskFor<base::Done>(store, base::EndJobNow{job.job}, &error)) {
    return Complain(error);
  }
  return Say("ended job " + job.job.ToString() + " of " + job.program);
}

int KillById(const Store& store, const KillCommand& command) {
  IdMatches matches(command.target);
  std::string error;
  const auto actors = LivingActors(store, &error);
  if (!actors) return Complain(error);
  const base::ActorRecord* actor = nullptr;
  for (const base::ActorRecord& one : *actors) {
    if (matches.Add(one.actor.ToString(), DescribeActor(one))) actor = &one;
  }
  const auto jobs = AskFor<base::JobsAnswer>(store, base::ListJobs(), &error);
  if (!jobs) return Complain(error);
  const base::JobRecord* job = nullptr;
  for (const base::JobRecord& one : jobs->jobs) {
    const bool runs = one.state == base::JobState::kRunning;
    if (runs && matches.Add(one.job.ToString(), "job of " + one.program)) {
      job = &one;
    }
  }
  if (matches.found().size() != 1) return Complain(matches.Complaint());
  if (actor != nullptr) {
    return EndActor(store, actor->actor, command.restart,
                    DescribeActor(*actor));
  }
  if (command.restart) return Complain("a job is not restarted");
  return EndJob(store, *job);
}

int KillWorker(pid_t pid) {
  // The descriptor first: the number may pass to another process meanwhile.
  const base::UniqueFd pidfd = raylet::OpenPidfd(pid);
  for (const base::NodeFile& node : base::FindNodes(base::SessionRoots())) {
    std::string ignored;
    if (!pidfd.valid() || !HasWorker(node.raylet, pid, &ignored)) continue;
    if (::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) !=
        0) {
      break;
    }
    return Say("killed worker " + std::to_string(pid));
  }
  return Complain(std::to_string(pid) +
                  " is no worker of a node of yours on this machine");
}

}  // namespace

int RunKill(const KillCommand& command) {
  if (IsPid(command.target)) {
    if (command.restart) return Complain("--restart is for actors");
    return KillWorker(std::stoi(command.target));
  }
  std::string error;
  const bool is_name = command.target.starts_with(kActorPrefix);
  if (!is_name && !IdMatches::IsBeginning(command.target)) {
    return Complain(command.target +
                    " is not actor:NAME, the id of an actor or a job (or its "
                    "first four digits or more), or a worker's pid");
  }
  const std::optional<Store> store = ChooseStore(command.store, &error);
  if (!store) return Complain(error);
  return is_name ? KillNamed(*store, command) : KillById(*store, command);
}

}  // namespace mobula::cli
