#include "cli/tools/logs.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "base/control/node_file.h"
#include "base/unique_fd.h"
#include "cli/nodes/node_choice.h"
#include "cli/tools/ask_raylet.h"
#include "cli/tools/find_actor.h"
#include "cli/tools/log_files.h"
#include "raylet/spawn/process_tree.h"

namespace mobula::cli {
namespace {

using base::UniqueFd;

// How often files that are followed are looked at.
constexpr int kLookMilliseconds = 200;

int Complain(const std::string& sentence) {
  std::fprintf(stderr, "mobula logs: %s\n", sentence.c_str());
  return 1;
}

bool IsNumber(const std::string& text) {
  return !text.empty() &&
         text.find_first_not_of("0123456789") == std::string::npos;
}

bool IsDaemon(const std::string& which) {
  return which.empty() || which == "gcs" || which == "raylet" ||
         which == "keeper";
}

// The pid that is meant, "" and why.
std::string PidOf(const LogsCommand& command, std::string* error) {
  if (IsNumber(command.which)) return command.which;
  const auto store = ChooseStore(command.store, error);
  if (!store) return "";
  const auto actor = FindActor(*store, command.ns, command.which, error);
  if (!actor) return "";
  if (actor->pid != 0) return std::to_string(actor->pid);
  *error = DescribeActor(*actor) + " has no worker now";
  return "";
}

struct Chosen {
  base::NodeFile node;
  std::vector<std::string> files;
  bool is_silent = false;  // a worker whose file is not there yet
};

std::optional<Chosen> ChooseSilent(const std::vector<base::NodeFile>& nodes,
                                   const std::string& pid) {
  for (const base::NodeFile& node : nodes) {
    std::string ignored;
    if (node.raylet.empty() ||
        !HasWorker(node.raylet, std::atoi(pid.c_str()), &ignored)) {
      continue;
    }
    return Chosen{node, {node.folder + "/logs/worker-" + pid + ".log"}, true};
  }
  return std::nullopt;
}

// Of a daemon: of the node that is named, or the only one. Of a worker: of
// whichever node has it.
std::optional<Chosen> Choose(const LogsCommand& command, std::string* error) {
  std::vector<base::NodeFile> nodes = StartedNodes(base::SessionRoots());
  if (IsDaemon(command.which) || !command.node.empty() || nodes.empty()) {
    const auto node = ChooseNode(nodes, command.node, error);
    if (!node) return std::nullopt;
    nodes = {*node};
  }
  if (command.which.empty()) return Chosen{nodes[0], LogFiles(nodes[0].folder)};
  const std::string which =
      IsDaemon(command.which) ? command.which : PidOf(command, error);
  if (which.empty()) return std::nullopt;
  for (const base::NodeFile& node : nodes) {
    std::vector<std::string> files = LogFilesOf(LogFiles(node.folder), which);
    if (!files.empty()) return Chosen{node, std::move(files)};
  }
  if (!IsDaemon(which)) {
    if (auto silent = ChooseSilent(nodes, which)) return silent;
  }
  *error = IsDaemon(which) ? "this node has no " + which + ".log"
                           : "there is no log of process " + which +
                                 ": it is no worker of a node here";
  return std::nullopt;
}

struct Followed {
  std::string file;
  long long at = 0;
};

void Heading(const std::string& file) {
  std::printf("==> %s <==\n", file.c_str());
}

// Writes what was added; begins anew where a file was replaced or emptied.
// Whether anything was.
bool ShowMore(Followed* followed, bool with_heading) {
  const UniqueFd fd(::open(followed->file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat stat;
  if (!fd.valid() || ::fstat(fd.get(), &stat) != 0) return false;
  if (stat.st_size < followed->at) followed->at = 0;
  if (stat.st_size == followed->at) return false;
  if (with_heading) Heading(followed->file);
  char buffer[16384];
  ssize_t n = 0;
  while ((n = ::pread(fd.get(), buffer, sizeof(buffer), followed->at)) > 0) {
    std::fwrite(buffer, 1, static_cast<std::size_t>(n), stdout);
    followed->at += n;
  }
  return std::fflush(stdout) == 0;
}

int Follow(std::vector<Followed> all, const base::NodeFile& node) {
  const UniqueFd keeper = raylet::OpenPidfd(node.pid);
  std::string shown = all.size() == 1 ? all[0].file : "";
  bool ended = !keeper.valid();
  while (std::ferror(stdout) == 0) {
    for (Followed& one : all) {
      if (ShowMore(&one, one.file != shown)) shown = one.file;
    }
    if (ended) return 0;
    pollfd poll{keeper.get(), POLLIN, 0};
    ended = ::poll(&poll, 1, kLookMilliseconds) > 0;
  }
  return 1;
}

}  // namespace

int RunLogs(const LogsCommand& command) {
  std::string error;
  const std::optional<Chosen> chosen = Choose(command, &error);
  if (!chosen) return Complain(error);
  if (chosen->is_silent) {
    std::fprintf(stderr, "mobula logs: it has written nothing yet\n");
  }
  std::vector<Followed> all;
  for (const std::string& file : chosen->files) {
    const Tail tail = ReadTail(file, command.lines);
    if (chosen->files.size() > 1) Heading(file);
    std::fwrite(tail.text.data(), 1, tail.text.size(), stdout);
    all.push_back({file, tail.end});
  }
  std::fflush(stdout);
  return command.follow ? Follow(std::move(all), chosen->node) : 0;
}

}  // namespace mobula::cli
