#include "tests/process_tree/process_tree.h"

#include <dirent.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace mobula::test {
namespace {

struct Stat {
  pid_t parent = 0;
  bool zombie = false;
  std::int64_t cpu_ticks = 0;
};

// The fields of /proc/PID/stat that follow the name in parentheses.
Stat ReadStat(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t end = line.rfind(')');
  if (end == std::string::npos) return {};
  std::istringstream fields(line.substr(end + 2));
  Stat stat;
  std::string state;
  fields >> state >> stat.parent;
  stat.zombie = state == "Z" || state == "X";
  std::string skipped;
  for (int i = 5; i <= 13; ++i) fields >> skipped;  // pgrp ... cmajflt
  for (int i = 14; i <= 17; ++i) {                  // utime ... cstime
    std::int64_t ticks = 0;
    fields >> ticks;
    stat.cpu_ticks += ticks;
  }
  return stat;
}

std::string ReadFile(pid_t pid, const char* name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/" + name);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

std::map<pid_t, Stat> ReadAll() {
  std::map<pid_t, Stat> all;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return all;
  while (const dirent* entry = readdir(proc)) {
    const pid_t pid = std::atoi(entry->d_name);
    if (pid > 0) all[pid] = ReadStat(pid);
  }
  closedir(proc);
  return all;
}

std::vector<pid_t> Descend(const std::map<pid_t, Stat>& all, pid_t root) {
  std::vector<pid_t> tree = {root};
  for (std::size_t i = 0; i < tree.size(); ++i) {
    for (const auto& [pid, stat] : all) {
      if (stat.parent == tree[i]) tree.push_back(pid);
    }
  }
  return tree;
}

}  // namespace

std::vector<pid_t> Children(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& [pid, stat] : ReadAll()) {
    if (stat.parent == parent && !stat.zombie) children.push_back(pid);
  }
  return children;
}

std::vector<pid_t> TreePids(pid_t root) { return Descend(ReadAll(), root); }

std::vector<pid_t> PidsWithEnvironment(std::string_view variable) {
  std::vector<pid_t> found;
  for (const auto& [pid, stat] : ReadAll()) {
    if (stat.zombie) continue;
    std::istringstream all(ReadFile(pid, "environ"));
    std::string one;
    while (std::getline(all, one, '\0')) {
      if (one != variable) continue;
      found.push_back(pid);
      break;
    }
  }
  return found;
}

std::string ProcessName(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

std::string CommandLine(pid_t pid) {
  std::string line = ReadFile(pid, "cmdline");
  for (char& c : line) {
    if (c == '\0') c = ' ';
  }
  return line;
}

std::int64_t TreeCpuNs(pid_t root) {
  const std::map<pid_t, Stat> all = ReadAll();
  std::int64_t ticks = 0;
  for (const pid_t pid : Descend(all, root)) {
    const auto found = all.find(pid);
    if (found != all.end()) ticks += found->second.cpu_ticks;
  }
  return ticks * (1'000'000'000 / sysconf(_SC_CLK_TCK));
}

Memory MemoryOf(pid_t pid) {
  Memory memory;
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string name;
    std::int64_t kib = 0;
    fields >> name >> kib;
    if (name == "Rss:") memory.rss_kib = kib;
    if (name == "Pss:") memory.pss_kib = kib;
  }
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  while (std::getline(status, line)) {
    if (line.rfind("Threads:", 0) == 0) {
      memory.threads = std::atoi(line.c_str() + 8);
    }
  }
  return memory;
}

}  // namespace mobula::test
