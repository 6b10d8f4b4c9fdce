#include "tests/nodes/node_cluster.h"

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/process_tree/process_tree.h"

namespace mobula::test {
namespace {

constexpr char kRunDir[] = "XDG_RUNTIME_DIR=";
constexpr std::size_t kLogBytesMax = 4000;

std::string EndOf(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  const std::string all = text.str();
  return all.size() <= kLogBytesMax ? all
                                    : all.substr(all.size() - kLogBytesMax);
}

}  // namespace

NodeCluster::NodeCluster(int nodes) : head_({"--cpus", "1"}) {
  if (head_.started().code != 0) {
    trouble_ = head_.started().output;
    return;
  }
  for (const std::string& one : head_.environment()) {
    if (one.starts_with(kRunDir)) run_ = one.substr(sizeof(kRunDir) - 1);
  }
  control_ = FileOf(1).control;
  while (size_ < nodes && trouble_.empty()) Add();
}

NodeCluster::~NodeCluster() {
  for (int node = 2; node <= size_; ++node) Stop(node);
}

std::string NodeCluster::RunFolder(int node) const {
  return node == 1 ? run_ : run_ + "/n" + std::to_string(node);
}

std::vector<std::string> NodeCluster::environment(int node) const {
  std::vector<std::string> environment = head_.environment();
  environment.push_back(kRunDir + RunFolder(node));
  if (node > size_) {
    std::filesystem::create_directories(RunFolder(node));
    std::filesystem::permissions(RunFolder(node),
                                 std::filesystem::perms::owner_all);
    environment.push_back("MOBULA_ADDRESS=" + control_);
  }
  return environment;
}

Ended NodeCluster::Tool(int node, const std::vector<std::string>& words) const {
  std::vector<std::string> command = {ProgramPath("cli/mobula")};
  command.insert(command.end(), words.begin(), words.end());
  return RunProgram(command, environment(node));
}

void NodeCluster::Add() {
  const int node = size_ + 1;
  std::filesystem::create_directories(RunFolder(node));
  std::filesystem::permissions(RunFolder(node),
                               std::filesystem::perms::owner_all);
  size_ = node;
  const Ended started =
      Tool(node, {"start", "--address", control_, "--cpus", "4", "--label",
                  "number=" + std::to_string(node)});
  if (started.code != 0) trouble_ = started.output;
}

base::NodeFile NodeCluster::FileOf(int node) const {
  const auto files = base::FindNodes({RunFolder(node) + "/mobula"});
  return files.empty() ? base::NodeFile() : files.front();
}

pid_t NodeCluster::RayletOf(int node) const {
  for (const pid_t pid : TreePids(FileOf(node).pid)) {
    if (ProcessName(pid) == "mobula-raylet") return pid;
  }
  return 0;
}

pid_t NodeCluster::StoreOf() const {
  for (const pid_t pid : TreePids(FileOf(1).pid)) {
    if (ProcessName(pid) == "mobula-gcs") return pid;
  }
  return 0;
}

void NodeCluster::Kill(int node) const {
  const std::vector<pid_t> all = TreePids(FileOf(node).pid);
  for (const pid_t pid : all) kill(pid, SIGSTOP);
  for (const pid_t pid : all) kill(pid, SIGKILL);
}

Ended NodeCluster::Stop(int node) const {
  return Tool(node, {"stop", "--all"});
}

Ended NodeCluster::Rove(int node, const std::vector<std::string>& words) const {
  std::vector<std::string> command = {ProgramPath("tests/nodes/rover")};
  command.insert(command.end(), words.begin(), words.end());
  return RunProgram(command, environment(node));
}

std::vector<pid_t> NodeCluster::WorkersOn(int node) const {
  std::vector<pid_t> workers;
  for (const pid_t pid : TreePids(RayletOf(node))) {
    if (pid != RayletOf(node)) workers.push_back(pid);
  }
  return workers;
}

std::string NodeCluster::Logs() const {
  std::string logs;
  for (int node = 1; node <= size_; ++node) {
    const std::string folder = FileOf(node).folder;
    for (const char* name : {"raylet.log", "gcs.log"}) {
      const std::string text = EndOf(folder + "/" + name);
      if (!text.empty()) {
        logs += "---- node " + std::to_string(node) + ", " + name + "\n" + text;
      }
    }
  }
  return logs;
}

}  // namespace mobula::test
