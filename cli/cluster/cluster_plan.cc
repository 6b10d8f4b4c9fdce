#include "cli/cluster/cluster_plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/security/digest.h"

namespace mobula::cli {
namespace {

constexpr std::size_t kPrintSize = 16;
constexpr char kUsualFolder[] = "/var/tmp";

std::string NameOf(const NodeType& type, int number) {
  return type.name + "-" + std::to_string(number);
}

void AddAll(std::string* text, const std::vector<std::string>& words) {
  *text += std::to_string(words.size()) + "[";
  for (const std::string& word : words) {
    *text += std::to_string(word.size()) + ":" + word;
  }
  *text += "]";
}

void AddMap(std::string* text,
            const std::map<std::string, std::string>& values) {
  std::vector<std::string> words;
  for (const auto& [key, value] : values) {
    words.push_back(key);
    words.push_back(value);
  }
  AddAll(text, words);
}

// Gives new nodes their places.
class Places {
 public:
  Places(const ClusterSpec& spec, const ClusterState& state)
      : spec_(spec), state_(state) {
    for (const NodeRecord& node : state.nodes) used_.insert(node.host);
  }

  // Nothing, and why, where no host is free.
  std::optional<NodeRecord> Place(const NodeType& type, const std::string& name,
                                  std::string* error) {
    NodeRecord node;
    node.name = name;
    node.type = type.name;
    node.print = PrintOf(spec_, type);
    const Provider& provider = spec_.provider;
    const std::string& below =
        provider.folder.empty() ? kUsualFolder : provider.folder;
    node.folder = below + "/mobula-" + state_.id + "/" + name;
    if (provider.kind == ProviderKind::kDocker) {
      node.container = "mobula-" + spec_.name + "-" + name;
    }
    if (provider.kind != ProviderKind::kSsh) return node;
    const SshHost* const host = FreeHost(type.name);
    if (host == nullptr) {
      *error = "no host of the file is free for " + name + ": it has " +
               std::to_string(provider.hosts.size()) +
               (provider.hosts.size() == 1 ? " host" : " hosts");
      return std::nullopt;
    }
    node.host = HostKey(*host);
    used_.insert(node.host);
    if (type.name == kHeadNode && host->address.empty()) {
      *error = "the head's host " + host->host +
               " has a name: say by which number the others reach it "
               "(address: 10.0.0.1)";
      return std::nullopt;
    }
    return node;
  }

 private:
  // Those that are for this type alone come first.
  const SshHost* FreeHost(const std::string& type) const {
    for (const bool only : {true, false}) {
      for (const SshHost& host : spec_.provider.hosts) {
        if (host.type == (only ? type : "") && !used_.contains(HostKey(host))) {
          return &host;
        }
      }
    }
    return nullptr;
  }

  const ClusterSpec& spec_;
  const ClusterState& state_;
  std::set<std::string> used_;
};

// The names of all nodes of the file, with their types, the head first.
std::vector<std::pair<std::string, const NodeType*>> Wanted(
    const ClusterSpec& spec) {
  std::vector<std::pair<std::string, const NodeType*>> all = {
      {kHeadNode, &spec.head}};
  for (const NodeType& type : spec.workers) {
    for (int i = 1; i <= type.count; ++i) {
      all.emplace_back(NameOf(type, i), &type);
    }
  }
  return all;
}

StepKind KindFor(const NodeRecord& node, Found found) {
  if (!node.is_up || found == Found::kAbsent) return StepKind::kRemake;
  return found == Found::kUp ? StepKind::kKeep : StepKind::kStart;
}

Found HowFound(const std::map<std::string, Found>& found,
               const std::string& node) {
  const auto one = found.find(node);
  return one == found.end() ? Found::kAbsent : one->second;
}

std::string WhyNotKept(const NodeRecord& node, Found found) {
  if (!node.is_up) return "it was half made";
  return found == Found::kAbsent ? "nothing of it was there" : "it had ended";
}

// Of a node that is recorded. `type` is null where the file has it no more.
NodeStep StepFor(const ClusterSpec& spec, const NodeRecord& node,
                 const NodeType* type, Found found) {
  NodeStep step;
  step.node = node;
  step.kind = KindFor(node, found);
  if (step.kind != StepKind::kKeep) {
    step.note = WhyNotKept(node, found);
    if (type != nullptr) step.node.print = PrintOf(spec, *type);
    return step;
  }
  if (type != nullptr && node.print != PrintOf(spec, *type)) {
    step.note =
        "the file says something else of it now; to have that: mobula "
        "cluster " +
        (node.name == kHeadNode ? std::string("down") : "remove " + node.name) +
        ", then up";
  }
  return step;
}

}  // namespace

std::string HostKey(const SshHost& host) {
  return host.host + ":" + std::to_string(host.port);
}

std::string PrintOf(const ClusterSpec& spec, const NodeType& type) {
  std::string text;
  AddAll(&text, {type.name, type.cpus ? std::to_string(*type.cpus) : "",
                 type.memory, type.object_store_memory,
                 type.workers_max ? std::to_string(*type.workers_max) : "",
                 spec.provider.image, spec.provider.mobula,
                 std::to_string(spec.provider.listen_port)});
  std::map<std::string, std::string> resources;
  for (const auto& [name, quantity] : type.resources) {
    resources[name] = std::to_string(quantity);
  }
  AddMap(&text, resources);
  AddMap(&text, type.labels);
  AddMap(&text, spec.environment);
  AddMap(&text, type.environment);
  AddAll(&text, spec.setup);
  AddAll(&text, type.setup);
  for (const FileCopy& file : spec.files) AddAll(&text, {file.from, file.to});
  return base::HashOf(text).substr(0, kPrintSize);
}

std::optional<std::vector<NodeStep>> PlanUp(
    const ClusterSpec& spec, const ClusterState& state,
    const std::map<std::string, Found>& found, std::string* error) {
  std::vector<NodeStep> steps;
  std::set<std::string> planned;
  Places places(spec, state);
  // Who joined a head that is no more has to join the new one.
  bool new_head = state.Find(kHeadNode) == nullptr;
  for (const auto& [name, type] : Wanted(spec)) {
    planned.insert(name);
    const NodeRecord* const record = state.Find(name);
    NodeStep step;
    if (record == nullptr) {
      auto placed = places.Place(*type, name, error);
      if (!placed) return std::nullopt;
      step.kind = StepKind::kMake;
      step.node = *std::move(placed);
    } else {
      step = StepFor(spec, *record, type, HowFound(found, name));
    }
    if (name == kHeadNode) new_head |= step.kind == StepKind::kRemake;
    steps.push_back(std::move(step));
  }
  for (const NodeRecord& record : state.nodes) {
    if (planned.contains(record.name)) continue;
    const NodeType* const type = spec.FindType(record.type);
    NodeStep step = StepFor(spec, record, type, HowFound(found, record.name));
    if (type == nullptr && (step.kind != StepKind::kKeep || new_head)) {
      *error = record.name + " has ended, and the file has no type " +
               record.type + " any more: mobula cluster remove " + record.name;
      return std::nullopt;
    }
    if (step.note.empty()) step.note = "beyond what the file counts";
    steps.push_back(std::move(step));
  }
  for (NodeStep& step : steps) {
    if (!new_head || step.kind == StepKind::kMake ||
        step.kind == StepKind::kRemake) {
      continue;
    }
    step.kind = StepKind::kRemake;
    step.note = "its head is made anew";
  }
  return steps;
}

std::optional<std::vector<NodeStep>> PlanAdd(const ClusterSpec& spec,
                                             const ClusterState& state,
                                             int count, const std::string& type,
                                             std::string* error) {
  const NodeType* chosen = nullptr;
  std::string names;
  for (const NodeType& worker : spec.workers) {
    names += (names.empty() ? "" : ", ") + worker.name;
    if (worker.name == type) chosen = &worker;
  }
  if (type.empty() && spec.workers.size() == 1) chosen = &spec.workers[0];
  if (chosen == nullptr) {
    *error = names.empty()  ? "the file has no type of workers"
             : type.empty() ? "say of which type: " + names
                            : "there is no type " + type +
                                  " of workers; there is: " + names;
    return std::nullopt;
  }
  if (state.nodes.size() + static_cast<std::size_t>(count) >
      static_cast<std::size_t>(kNodesMax)) {
    *error = "a cluster has " + std::to_string(kNodesMax) + " nodes at most";
    return std::nullopt;
  }
  std::vector<NodeStep> steps;
  Places places(spec, state);
  for (int number = 1; static_cast<int>(steps.size()) < count; ++number) {
    const std::string name = NameOf(*chosen, number);
    if (state.Find(name) != nullptr) continue;
    auto placed = places.Place(*chosen, name, error);
    if (!placed) return std::nullopt;
    steps.push_back({StepKind::kMake, *std::move(placed), ""});
  }
  return steps;
}

}  // namespace mobula::cli
