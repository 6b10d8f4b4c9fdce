#include "cli/memory/memory.h"

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_request.h"
#include "base/control/node_file.h"
#include "base/control/records.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "cli/memory/join_view.h"
#include "cli/memory/memory_view.h"
#include "cli/tools/ask_raylet.h"
#include "cli/tools/find_actor.h"

namespace mobula::cli {
namespace {

// Beyond what is given to processes.
constexpr base::Duration kRayletPatience = std::chrono::seconds(10);

std::optional<MemoryReport> AskMemory(const std::string& socket,
                                      std::uint32_t patience_ms,
                                      std::string* error) {
  MemoryReport report;
  std::string refusal;
  const auto take = [&](base::Message message) {
    if (auto* part = std::get_if<base::MemoryPart>(&message)) {
      report.parts.push_back(std::move(*part));
    } else if (auto* stored = std::get_if<base::StorePart>(&message)) {
      for (base::StoredRow& row : stored->objects) {
        report.stored.push_back(std::move(row));
      }
    } else if (auto* listed = std::get_if<base::MemoryListed>(&message)) {
      report.listed = std::move(*listed);
      return true;
    } else if (auto* no = std::get_if<base::QuestionRefused>(&message)) {
      refusal = no->failure.message;
      return true;
    }
    return false;
  };
  const base::Duration patience =
      std::chrono::milliseconds(patience_ms) + kRayletPatience;
  if (!AskRaylet(socket, base::ListMemory{patience_ms}, take, patience,
                 error)) {
    return std::nullopt;
  }
  if (refusal.empty()) return report;
  *error = "the raylet at " + socket + ": " + refusal;
  return std::nullopt;
}

// What the control store knows besides; without it that is left out.
struct Known {
  std::map<base::ActorId, std::string> actor_names;
  std::set<base::NodeId> nodes;  // that live
};

Known AskStore(const StoreFlags& flags, std::string* error) {
  Known known;
  const std::optional<Store> store = ChooseStore(flags, error);
  if (!store) return known;
  const auto nodes =
      AskFor<base::NodesAnswer>(*store, base::ListNodes(), error);
  if (!nodes) return known;
  for (const base::NodeRecord& node : nodes->nodes) {
    if (node.state == base::NodeState::kAlive) known.nodes.insert(node.node);
  }
  const auto actors = LivingActors(*store, error);
  if (!actors) return known;
  for (const base::ActorRecord& actor : *actors) {
    if (!actor.name.empty()) known.actor_names[actor.actor] = actor.name;
  }
  return known;
}

std::string NoteOfOthers(std::size_t others) {
  if (others == 0) return "";
  return std::to_string(others) +
         (others == 1 ? " more node of the cluster is"
                      : " more nodes of the cluster are") +
         " not on this machine, or only a driver's own: what is there is not "
         "shown, ask on its machine\n";
}

void AddError(const std::string& error, Shown* shown) {
  if (!error.empty()) shown->err += "mobula: " + error + "\n";
}

}  // namespace

Shown Show(const MemoryCommand& command) {
  const std::vector<base::NodeFile> nodes = LocalNodes(command.store);
  if (nodes.empty()) {
    return {kNoCluster, "",
            "mobula: no node of yours runs on this machine, and only its own "
            "raylet knows who holds what on a node\n"};
  }
  Shown shown;
  std::string error;
  Known known = AskStore(command.store, &error);
  AddError(error, &shown);
  std::vector<MemoryView> views;
  for (const base::NodeFile& node : nodes) {
    error.clear();
    const auto report = AskMemory(node.raylet, command.patience_ms, &error);
    if (!report) {
      shown.exit_code = kFailed;
      AddError(error, &shown);
      continue;
    }
    views.push_back(ViewOf(*report, known.actor_names));
    known.nodes.erase(views.back().node);
  }
  if (views.empty()) return shown;
  const MemoryShown selected = Select(views, command.selection);
  shown.out = command.json ? JsonOf(views, selected) : TextOf(views, selected);
  shown.err += NoteOfOthers(known.nodes.size());
  return shown;
}

}  // namespace mobula::cli
