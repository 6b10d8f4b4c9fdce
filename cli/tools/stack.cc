#include "cli/tools/stack.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "raylet/spawn/process_tree.h"

namespace mobula::cli {
namespace {

int Complain(const std::string& sentence) {
  std::fprintf(stderr, "mobula stack: %s\n", sentence.c_str());
  return 1;
}

// The keeper or janitor of a node of this user, or below one. Its name alone
// would not do: it must run the very program that we are.
bool IsHead(const raylet::ProcessStat& stat) {
  if (stat.name != "mobula-keeper" && stat.name != "mobula-janitor") {
    return false;
  }
  struct stat info;
  const std::string path = "/proc/" + std::to_string(stat.pid);
  return ::stat(path.c_str(), &info) == 0 && info.st_uid == ::geteuid();
}

bool BelongsToNode(pid_t pid) {
  while (const auto stat = raylet::ReadProcessStat(pid)) {
    if (IsHead(*stat)) return true;
    if (stat->parent <= 0 || stat->parent == pid) return false;
    pid = stat->parent;
  }
  return false;
}

// The file of a program on PATH, absolute entries only; "" if there is none.
std::string FindProgram(const std::string& name) {
  const char* const all = std::getenv("PATH");
  std::string_view rest = all == nullptr ? "/usr/bin:/bin" : all;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const std::string file = std::string(rest.substr(0, end)) + "/" + name;
    if (file.front() == '/' && ::access(file.c_str(), X_OK) == 0) return file;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return "";
}

std::vector<std::string> Tool(int pid) {
  const std::string number = std::to_string(pid);
  const std::string eu_stack = FindProgram("eu-stack");
  if (!eu_stack.empty()) return {eu_stack, "-p", number};
  const std::string gdb = FindProgram("gdb");
  if (gdb.empty()) return {};
  return {gdb,
          "-p",
          number,
          "-batch",
          "-nx",
          "-ex",
          "set pagination off",
          "-ex",
          "thread apply all bt"};
}

int RunTool(const std::vector<std::string>& words) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<char*> argv;
    for (const std::string& word : words) {
      argv.push_back(const_cast<char*>(word.c_str()));
    }
    argv.push_back(nullptr);
    // Asking the network for symbols takes minutes.
    ::unsetenv("DEBUGINFOD_URLS");
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return 127;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Why the kernel refuses to let one process look at another.
std::string PtraceHint() {
  std::ifstream file("/proc/sys/kernel/yama/ptrace_scope");
  int scope = 0;
  file >> scope;
  if (scope == 0 || ::geteuid() == 0) return "";
  return "; the kernel lets only root look at other processes "
         "(kernel.yama.ptrace_scope is " +
         std::to_string(scope) + ")";
}

}  // namespace

int RunStack(const StackCommand& command) {
  const std::string pid = std::to_string(command.pid);
  if (!BelongsToNode(command.pid)) {
    return Complain(pid + " is no process of a node of yours on this machine");
  }
  const std::vector<std::string> tool = Tool(command.pid);
  if (tool.empty()) {
    return Complain(
        "neither eu-stack nor gdb is installed; the first is in Debian's "
        "package elfutils: apt-get install elfutils");
  }
  const int code = RunTool(tool);
  if (code == 0) return 0;
  // It says 1 also where only names of functions were not to be had.
  return Complain(tool[0] + " ended with exit code " + std::to_string(code) +
                  PtraceHint());
}

}  // namespace mobula::cli
