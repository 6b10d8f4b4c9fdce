#include "cli/tools/logs.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <utility>
#include <vector>

#include "base/control/node_file.h"
#include "base/unique_fd.h"
#include "cli/nodes/node_choice.h"
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

// The files that are meant; none, and why.
std::vector<std::string> Choose(const LogsCommand& command,
                                const std::string& folder, std::string* error) {
  const std::vector<std::string> all = LogFiles(folder);
  if (command.which.empty()) return all;
  std::vector<std::string> files = LogFilesOf(all, command.which);
  if (!files.empty()) return files;
  if (IsNumber(command.which)) {
    *error = "there is no log of process " + command.which + " in " + folder;
    return {};
  }
  const auto store = ChooseStore(command.store, error);
  if (!store) return {};
  const auto actor = FindActor(*store, command.ns, command.which, error);
  if (!actor) return {};
  if (actor->pid == 0) {
    *error = "the actor has no worker now";
    return {};
  }
  files = LogFilesOf(all, std::to_string(actor->pid));
  if (files.empty()) {
    *error = "there is no log of its worker " + std::to_string(actor->pid) +
             " in " + folder;
  }
  return files;
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
  const std::vector<base::NodeFile> nodes = StartedNodes(base::SessionRoots());
  const auto node = ChooseNode(nodes, command.node, &error);
  if (!node) return Complain(error);
  const std::vector<std::string> files = Choose(command, node->folder, &error);
  if (!error.empty()) return Complain(error);
  std::vector<Followed> all;
  for (const std::string& file : files) {
    const Tail tail = ReadTail(file, command.lines);
    if (files.size() > 1) Heading(file);
    std::fwrite(tail.text.data(), 1, tail.text.size(), stdout);
    all.push_back({file, tail.end});
  }
  std::fflush(stdout);
  return command.follow ? Follow(std::move(all), *node) : 0;
}

}  // namespace mobula::cli
