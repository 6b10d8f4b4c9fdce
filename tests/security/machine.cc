#include "tests/security/machine.h"

#include <arpa/inet.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

#include "tests/process_tree/process_tree.h"

namespace mobula::test {

namespace fs = std::filesystem;

Machine::Machine() {
  static int number = 0;
  const std::string name =
      std::to_string(getpid()) + "." + std::to_string(++number);
  mark_ = "MOBULA_TEST_MARK=machine." + name;
  folder_ = "/tmp/mm." + name;
  fs::create_directories(folder_ + "/run");
  fs::permissions(folder_, fs::perms::owner_all);
  fs::permissions(folder_ + "/run", fs::perms::owner_all);
  environment_ = {mark_, "XDG_RUNTIME_DIR=" + folder_ + "/run",
                  "XDG_STATE_HOME=" + folder_ + "/state", "MOBULA_ADDRESS="};
}

Machine::~Machine() {
  (void)Tool({"stop", "--all"});
  for (const pid_t pid : PidsWithEnvironment(mark_)) kill(pid, SIGKILL);
  fs::remove_all(folder_);
}

Ended Machine::Tool(const std::vector<std::string>& words) const {
  std::vector<std::string> command = {ProgramPath("cli/mobula")};
  command.insert(command.end(), words.begin(), words.end());
  return RunProgram(command, environment_);
}

std::string FilesBelow(const std::string& folder, const std::string& ending) {
  std::ostringstream all;
  std::error_code gone;
  for (fs::recursive_directory_iterator at(folder, gone), end; at != end;
       at.increment(gone)) {
    const fs::path path = at->path();
    if (!at->is_regular_file(gone)) continue;
    if (path.string().ends_with(ending)) all << std::ifstream(path).rdbuf();
    all.clear();  // of an empty file
  }
  return all.str();
}

namespace {

// Of the sockets that a process has.
void AddSockets(int pid, std::set<std::string>* inodes) {
  std::error_code gone;
  const fs::path folder = "/proc/" + std::to_string(pid) + "/fd";
  for (fs::directory_iterator at(folder, gone), end; at != end;
       at.increment(gone)) {
    const std::string target = fs::read_symlink(at->path(), gone);
    constexpr std::string_view kSocket = "socket:[";
    if (!target.starts_with(kSocket)) continue;
    inodes->insert(
        target.substr(kSocket.size(), target.size() - kSocket.size() - 1));
  }
}

// "0200007F:1F90" of /proc/net/tcp.
std::string AddressOf(const std::string& field) {
  unsigned address = 0;
  unsigned port = 0;
  if (std::sscanf(field.c_str(), "%8X:%4X", &address, &port) != 2) return "";
  char text[INET_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, &address, text, sizeof text);
  return std::string(text) + ":" + std::to_string(port);
}

}  // namespace

std::vector<std::string> ListensAt(const std::vector<int>& pids) {
  std::set<std::string> inodes;
  for (const int pid : pids) AddSockets(pid, &inodes);
  std::vector<std::string> found;
  for (const char* const table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream in(table);
    std::string line;
    while (std::getline(in, line)) {
      std::istringstream fields(line);
      std::string slot, local, remote, state, skip, inode;
      fields >> slot >> local >> remote >> state;
      for (int i = 0; i < 5; ++i) fields >> skip;
      fields >> inode;
      if (state == "0A" && inodes.contains(inode)) {
        found.push_back(local.size() > 13 ? "v6 " + local : AddressOf(local));
      }
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace mobula::test
