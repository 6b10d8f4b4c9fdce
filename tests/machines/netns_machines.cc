#include "tests/machines/netns_machines.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <system_error>

#include "raylet/spawn/process_tree.h"
#include "tests/process_tree/process_tree.h"

namespace mobula::test {
namespace {

namespace fs = std::filesystem;

constexpr int kEndMs = 20'000;

}  // namespace

NetnsMachines::NetnsMachines(int count) : Machines(count) {
  if (geteuid() != 0) {
    Trouble("network namespaces are made by root alone: run this test as root");
  }
  for (const char* const program :
       {"/usr/bin/nsenter", "/usr/bin/setpriv", "/usr/bin/timeout"}) {
    if (!fs::exists(program)) {
      Trouble(std::string("there is no ") + program +
              "; install it: apt-get install util-linux coreutils");
    }
  }
  if (trouble().empty()) BootAll();
}

NetnsMachines::~NetnsMachines() {
  for (int machine = 1; machine <= count(); ++machine) End(machine);
}

std::string NetnsMachines::Mobula() { return ProgramPath("cli/mobula"); }

std::string NetnsMachines::FolderOf(int machine) const {
  return folder() + "/" + std::to_string(machine);
}

Words NetnsMachines::On(int machine, const Words& command) const {
  const std::string folder = FolderOf(machine);
  const auto made = made_.find(machine);
  const pid_t first = made == made_.end() ? -1 : made->second.first;
  // It ends with nsenter, which waits for it.
  Words words = {"/usr/bin/nsenter",
                 "--target",
                 std::to_string(first),
                 "--net",
                 "--mount",
                 "--uts",
                 "--pid",
                 "--",
                 "/usr/bin/setpriv",
                 "--pdeathsig",
                 "KILL",
                 "/usr/bin/env",
                 "XDG_RUNTIME_DIR=" + folder + "/run",
                 "XDG_STATE_HOME=" + folder + "/state",
                 "TMPDIR=" + folder + "/tmp",
                 "MOBULA_ADDRESS="};
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

std::string NetnsMachines::Begin(int machine, std::string* error) {
  for (const char* const name : {"/run", "/state", "/tmp"}) {
    std::error_code wrong;
    fs::create_directories(FolderOf(machine) + name, wrong);
    fs::permissions(FolderOf(machine) + name, fs::perms::owner_all, wrong);
  }
  Made& made = made_[machine];
  made.init = std::make_unique<RunningProgram>(
      Words{ProgramPath("tests/machines/machine_init"),
            "m" + std::to_string(machine)},
      Words{});
  const std::string said = made.init->Line();
  constexpr std::string_view kReady = "ready ";
  if (!said.starts_with(kReady)) {
    *error = said;
    made_.erase(machine);
    return "";
  }
  made.first = std::atoi(said.c_str() + kReady.size());
  return "/proc/" + std::to_string(made.first) + "/ns/net";
}

void NetnsMachines::End(int machine) {
  const auto made = made_.find(machine);
  if (made == made_.end()) return;
  // With it the kernel ends all that ran there, and it ends behind that.
  const base::UniqueFd pidfd = raylet::OpenPidfd(made->second.first);
  kill(made->second.first, SIGKILL);
  pollfd ended{pidfd.get(), POLLIN, 0};
  if (pidfd.valid() && poll(&ended, 1, kEndMs) != 1) {
    Trouble("machine " + std::to_string(machine) + " does not end");
  }
  made_.erase(made);
}

std::vector<pid_t> NetnsMachines::PidsOf(int machine) const {
  const auto made = made_.find(machine);
  if (made == made_.end()) return {};
  std::vector<pid_t> all = TreePids(made->second.first);
  all.erase(all.begin());
  // What was begun from here is no child of its first process.
  const std::string mine = fs::read_symlink(
      "/proc/" + std::to_string(made->second.first) + "/ns/pid");
  std::set<pid_t> there(all.begin(), all.end());
  for (const pid_t pid : raylet::AllProcesses()) {
    std::error_code gone;
    const auto its =
        fs::read_symlink("/proc/" + std::to_string(pid) + "/ns/pid", gone);
    if (!gone && its == mine && pid != made->second.first) there.insert(pid);
  }
  return {there.begin(), there.end()};
}

void NetnsMachines::Freeze(int machine) {
  // Until nobody is left that could begin another.
  std::set<pid_t> stopped;
  for (bool more = true; more;) {
    more = false;
    for (const pid_t pid : PidsOf(machine)) {
      if (!stopped.insert(pid).second) continue;
      more = true;
      kill(pid, SIGSTOP);
    }
  }
}

void NetnsMachines::Thaw(int machine) {
  for (const pid_t pid : PidsOf(machine)) kill(pid, SIGCONT);
}

}  // namespace mobula::test
