#include "cli/node_checks.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <variant>

#include "base/clock.h"
#include "base/control/control_request.h"
#include "base/control/node_file.h"
#include "base/error_text.h"
#include "cli/nodes/head_folder.h"
#include "cli/nodes/node_choice.h"
#include "cli/tables/amounts.h"
#include "cli/tools/ask_raylet.h"
#include "cli/tools/store.h"

namespace mobula::cli {
namespace {

// What a control store leaves free: with less it can write nothing.
constexpr std::int64_t kHeadRoomMin = std::int64_t{64} << 20;
// How often a raylet that is being started is looked for.
constexpr int kLookMilliseconds = 20;
// How long a raylet may take to say what its store does.
constexpr base::Duration kAskWithin = std::chrono::seconds(5);

bool IsOnPath(const std::string& name) {
  const char* const all = std::getenv("PATH");
  std::string_view rest = all == nullptr ? "/usr/bin:/bin" : all;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const std::string file = std::string(rest.substr(0, end)) + "/" + name;
    if (::access(file.c_str(), X_OK) == 0) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

// The folder, or what is nearest above it.
std::string NearestThere(std::string path) {
  struct stat stat;
  while (path.size() > 1 && ::stat(path.c_str(), &stat) != 0) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    path.resize(std::max<std::size_t>(slash, 1));
  }
  return path;
}

// Nodes whose raylets are on their way are given a moment.
std::vector<base::NodeFile> SettledNodes(
    const std::vector<std::string>& roots) {
  const base::BootTime deadline = base::BootNow() + kAbsenceMax;
  while (true) {
    std::vector<base::NodeFile> nodes = StartedNodes(roots);
    const bool all_serve = std::all_of(
        nodes.begin(), nodes.end(),
        [](const base::NodeFile& node) { return !node.node.IsNil(); });
    if (all_serve || base::BootNow() >= deadline) return nodes;
    ::poll(nullptr, 0, kLookMilliseconds);
  }
}

Check CheckStore(const std::string& control) {
  Check check;
  check.name = "control store";
  check.advice =
      "`mobula logs gcs` and `mobula logs keeper` say why; its keeper starts "
      "it again and again";
  const auto store = ChooseStore({control, ""}, &check.detail);
  if (!store) return check;
  const base::ControlReply reply = Ask(*store, base::GetStatus());
  if (const auto* failure = std::get_if<base::Failure>(&reply)) {
    check.detail = failure->message;
    return check;
  }
  const auto* const status = std::get_if<base::StatusAnswer>(&reply);
  check.ok = status != nullptr && !status->disk_full;
  check.detail = control + " answers";
  if (status != nullptr && status->disk_full) {
    check.detail +=
        ", and THE DISK IS FULL: " + ShowBytes(status->disk_free_bytes) +
        " free";
    check.advice = "make room there; it goes on by itself";
  }
  return check;
}

}  // namespace

std::vector<Check> CheckPrograms(const std::string& folder) {
  const std::string gcs = folder + "/mobula-gcs";
  const bool is_there = ::access(gcs.c_str(), X_OK) == 0;
  std::vector<Check> checks = {
      {"mobula-gcs", is_there, is_there ? gcs : base::WithErrorText(gcs),
       "put it beside mobula, of the same version: without it no head has a "
       "control store"}};
  const bool has_stack = IsOnPath("eu-stack") || IsOnPath("gdb");
  checks.push_back({"eu-stack", has_stack,
                    has_stack ? "eu-stack or gdb is there"
                              : "neither eu-stack nor gdb is installed",
                    "for `mobula stack`: apt-get install elfutils",
                    /*is_note=*/true});
  return checks;
}

Check CheckHeadFolder(const std::string& path) {
  Check check;
  check.name = "head folder";
  check.advice = "let `mobula start --head --dir DIR` name one with room";
  if (path.empty()) {
    check.detail = "there is no HOME";
    return check;
  }
  const std::string there = NearestThere(path);
  const std::string wrong =
      there == path ? HeadFolder::WrongWith(path)
      : ::access(there.c_str(), W_OK | X_OK) == 0
          ? ""
          : "cannot be made: " + base::WithErrorText(there);
  struct statvfs disk{};
  const bool is_known = ::statvfs(there.c_str(), &disk) == 0;
  const std::int64_t free = static_cast<std::int64_t>(disk.f_bavail) *
                            static_cast<std::int64_t>(disk.f_frsize);
  const bool has_room = !is_known || free > kHeadRoomMin;
  check.ok = wrong.empty() && has_room;
  check.detail = path + (there == path ? "" : " will be made");
  if (!wrong.empty()) check.detail = path + ": " + wrong;
  if (is_known) check.detail += ", " + ShowBytes(free) + " free";
  if (!has_room) {
    check.detail += ": a control store leaves " + ShowBytes(kHeadRoomMin) +
                    " free, and can write nothing";
  }
  return check;
}

Check CheckSpilling(const std::string& node, const base::StoreInfo& store) {
  Check check;
  check.name = "spill folders";
  check.ok = store.disk_trouble.empty();
  check.detail = node + (check.ok ? " uses all of them"
                                  : " leaves one alone: " + store.disk_trouble);
  check.advice =
      "make room there, or start the node with another --spill-folder; it "
      "tries "
      "again by itself";
  return check;
}

std::vector<Check> CheckNodes(const std::vector<std::string>& roots) {
  std::vector<Check> checks;
  std::set<std::string> controls;
  for (const base::NodeFile& node : SettledNodes(roots)) {
    if (!node.control.empty()) controls.insert(node.control);
    if (!node.node.IsNil()) {
      std::string error;
      const auto listing = AskRaylet(node.raylet, kAskWithin, &error);
      if (!listing.has_value()) {
        checks.push_back({"raylet", false, DescribeNode(node) + ": " + error,
                          "see " + node.folder + "/raylet.log"});
        continue;
      }
      for (const base::StoreInfo& store : listing->stores) {
        if (store.bytes_max == 0) continue;
        checks.push_back(CheckSpilling(DescribeNode(node), store));
      }
      continue;
    }
    checks.push_back({"raylet", false, DescribeNode(node) + ", does not serve",
                      "see " + node.folder + "/raylet.log and keeper.log"});
  }
  const std::string starting = base::StartingControl(roots);
  if (!starting.empty()) controls.insert(starting);
  for (const std::string& control : controls) {
    checks.push_back(CheckStore(control));
  }
  return checks;
}

}  // namespace mobula::cli
