#include "cli/cluster/cluster_look.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/error_text.h"
#include "base/security/digest.h"
#include "base/unique_fd.h"
#include "cli/cluster/cluster_nodes.h"
#include "cli/cluster/run_command.h"
#include "cli/cluster/spec_file.h"
#include "cli/cluster/state_store.h"
#include "cli/tables/text_table.h"

namespace mobula::cli {
namespace {

constexpr std::size_t kSideBySideMax = 8;
constexpr std::size_t kRunIdBytes = 8;
constexpr std::size_t kProgramBytesMax = std::size_t{4} << 30;

int Complain(const std::string& sentence) {
  std::fprintf(stderr, "mobula cluster: %s\n", sentence.c_str());
  return 1;
}

// A cluster as its state has it.
struct View {
  ClusterState state;
  ClusterSpec spec;
  std::unique_ptr<ClusterNodes> nodes;
};

// Null, and a sentence on stderr.
std::unique_ptr<View> Open(const std::string& cluster) {
  std::string error;
  auto view = std::make_unique<View>();
  auto state = StateStore::Look(cluster, &error);
  if (state) {
    auto spec = ParseAgain(state->file, state->text, &error);
    if (spec) {
      view->state = *std::move(state);
      view->spec = *std::move(spec);
      view->nodes = std::make_unique<ClusterNodes>(view->spec, view->state);
      return view;
    }
  }
  Complain(error);
  return nullptr;
}

// Null, and a sentence on stderr.
const NodeRecord* NodeOf(const View& view, const std::string& node) {
  if (const NodeRecord* const record = view.state.Find(node)) return record;
  std::string names;
  for (const NodeRecord& one : view.state.nodes) names += " " + one.name;
  Complain("there is no node " + node + "; there is:" + names);
  return nullptr;
}

const char* SignalName(int signal) {
  switch (signal) {
    case SIGINT:
      return "INT";
    case SIGHUP:
      return "HUP";
    case SIGQUIT:
      return "QUIT";
    default:
      return "TERM";
  }
}

// A command on a node, with what this process has.
int RunThere(const View& view, const NodeRecord& node,
             const std::vector<std::string>& command) {
  const std::string id = base::RandomHex(kRunIdBytes);
  std::string error;
  const Words words = view.nodes->CommandFor(
      node, RunCommandLine(node, id, command, !view.nodes->TellsSignal()),
      &error);
  if (words.empty()) return Complain(error);
  const int code = RunAttached(words, [&](int signal) {
    const CommandEnd sent =
        view.nodes->Run(node, SignalCommand(node, id, SignalName(signal)));
    if (sent.code != 0) Complain(WhyFailed("cannot hand on a signal", sent));
  });
  (void)view.nodes->Run(node, ForgetCommand(node, id));
  return code;
}

// The whole of a program; nothing, and why.
std::optional<std::string> ReadProgram(const std::string& path,
                                       std::string* error) {
  const base::UniqueFd fd(
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat stat;
  if (!fd.valid() || ::fstat(fd.get(), &stat) != 0) {
    *error = base::WithErrorText("cannot read the program " + path);
    return std::nullopt;
  }
  if (!S_ISREG(stat.st_mode) || (stat.st_mode & 0111) == 0) {
    *error = path + " is no program: a file that may be executed is meant";
    return std::nullopt;
  }
  if (stat.st_size > static_cast<off_t>(kProgramBytesMax)) {
    *error = path + " has more than 4 GiB";
    return std::nullopt;
  }
  std::string bytes(static_cast<std::size_t>(stat.st_size), '\0');
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t n =
        ::read(fd.get(), bytes.data() + size, bytes.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      *error = "cannot read the program " + path + " to its end";
      return std::nullopt;
    }
    size += static_cast<std::size_t>(n);
  }
  return bytes;
}

// Where it lies on the head then; "" and why.
std::string BringProgram(const View& view, const NodeRecord& head,
                         const std::string& path, std::string* error) {
  auto bytes = ReadProgram(path, error);
  if (!bytes) return "";
  const std::string hash = base::HashOf(*bytes);
  const std::string name = std::filesystem::path(path).filename();
  const CommandEnd has = view.nodes->Run(head, HasProgram(head, hash, name));
  if (has.code != 0) {
    CommandOptions options;
    options.input = *std::move(bytes);
    options.patience = std::chrono::minutes(10);
    const CommandEnd put =
        view.nodes->Run(head, PutProgram(head, hash, name), options);
    *error = WhyFailed("cannot copy " + path + " to the head", put);
    if (!error->empty()) return "";
  }
  return head.folder + "/programs/" + hash + "/" + name;
}

std::string StateOf(const View& view, const NodeRecord& node) {
  std::string error;
  const auto found = view.nodes->Find(node, &error);
  if (!found) return error;
  if (!node.is_up) return "half made";
  if (*found == Found::kUp) return "up";
  return *found == Found::kDown ? "ended" : "gone";
}

}  // namespace

int ClusterStatus(const std::string& cluster) {
  const auto view = Open(cluster);
  if (view == nullptr) return 1;
  std::vector<std::string> states(view->state.nodes.size());
  std::vector<std::function<std::string()>> tasks;
  for (const NodeRecord& node : view->state.nodes) {
    tasks.emplace_back([&view, &node] { return StateOf(*view, node); });
  }
  RunSideBySide(tasks, kSideBySideMax,
                [&states](std::size_t i, const std::string& state) {
                  states[i] = state;
                });
  TextTable table({"NODE", "TYPE", "STATE", "WHERE"});
  bool all_up = !states.empty();
  bool head_up = false;
  for (std::size_t i = 0; i < states.size(); ++i) {
    const NodeRecord& node = view->state.nodes[i];
    const bool is_up = states[i] == "up";
    all_up = all_up && is_up;
    head_up = head_up || (is_up && node.name == kHeadNode);
    table.Add({node.name, node.type, states[i], view->nodes->PlaceOf(node)});
  }
  std::printf("%s, of %s\n%s", view->state.name.c_str(),
              view->state.file.c_str(), table.Text().c_str());
  if (!head_up) return 1;
  const NodeRecord& head = *view->state.Find(kHeadNode);
  const CommandEnd said = view->nodes->Run(head, RunTool(head, {"status"}));
  std::printf("\n%s", said.output.c_str());
  if (said.code != 0) return Complain(WhyFailed("the head", said));
  return all_up ? 0 : 1;
}

int ClusterExec(const std::string& cluster, const std::string& node,
                const std::vector<std::string>& command) {
  const auto view = Open(cluster);
  if (view == nullptr) return 1;
  const NodeRecord* const record = NodeOf(*view, node);
  return record == nullptr ? 1 : RunThere(*view, *record, command);
}

int ClusterRun(const std::string& cluster,
               const std::vector<std::string>& command) {
  const auto view = Open(cluster);
  if (view == nullptr) return 1;
  const NodeRecord* const head = NodeOf(*view, kHeadNode);
  if (head == nullptr) return 1;
  std::string error;
  const std::string program = BringProgram(*view, *head, command[0], &error);
  if (program.empty()) return Complain(error);
  std::vector<std::string> there = command;
  there[0] = program;
  return RunThere(*view, *head, there);
}

int ClusterLogs(const std::string& cluster, const std::string& node, int lines,
                bool follow) {
  const auto view = Open(cluster);
  if (view == nullptr) return 1;
  const std::vector<std::string> command = LogsCommandLine(lines, follow);
  if (!node.empty()) {
    const NodeRecord* const record = NodeOf(*view, node);
    return record == nullptr ? 1 : RunThere(*view, *record, command);
  }
  if (follow) return Complain("of which node? --follow is of one");
  int code = 0;
  for (const NodeRecord& one : view->state.nodes) {
    std::printf("=== %s\n", one.name.c_str());
    std::fflush(stdout);
    if (RunThere(*view, one, command) != 0) code = 1;
  }
  return code;
}

}  // namespace mobula::cli
