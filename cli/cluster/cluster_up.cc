#include "cli/cluster/cluster_up.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/security/digest.h"
#include "cli/cluster/cluster_nodes.h"
#include "cli/cluster/cluster_plan.h"
#include "cli/cluster/run_command.h"
#include "cli/cluster/spec_file.h"
#include "cli/cluster/state_store.h"

namespace mobula::cli {
namespace {

// Nodes that are worked on at once.
constexpr std::size_t kSideBySideMax = 8;
constexpr std::size_t kIdBytes = 6;

int Complain(const std::string& sentence) {
  std::fprintf(stderr, "mobula cluster: %s\n", sentence.c_str());
  return 1;
}

void Say(const std::string& node, const std::string& what) {
  std::printf("%s: %s\n", node.c_str(), what.c_str());
  std::fflush(stdout);
}

// A cluster that this process alone works on.
class Work {
 public:
  Work(StateStore store, ClusterState state, ClusterSpec spec)
      : store_(std::move(store)),
        state_(std::move(state)),
        spec_(std::move(spec)),
        nodes_(spec_, state_) {}
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  [[nodiscard]] const ClusterState& state() const { return state_; }
  [[nodiscard]] const ClusterSpec& spec() const { return spec_; }
  [[nodiscard]] const ClusterNodes& nodes() const { return nodes_; }

  // How each recorded node is; false where one cannot be reached.
  bool FindAll(std::map<std::string, Found>* found);
  // Whether all went well.
  bool CarryOut(const std::vector<NodeStep>& steps);
  // Whether nothing is left of it.
  bool Remove(const std::vector<NodeRecord>& nodes, bool forget);
  // After all of its nodes: what has none, and the state.
  bool Forget();
  bool Save();

 private:
  void Record(const NodeRecord& node);
  std::string DoStep(const NodeStep& step) const;
  bool DoHead(const NodeStep& step);

  StateStore store_;
  ClusterState state_;
  const ClusterSpec spec_;
  const ClusterNodes nodes_;
};

bool Work::Save() {
  std::string error;
  if (store_.Write(state_, &error)) return true;
  Complain(error);
  return false;
}

void Work::Record(const NodeRecord& node) {
  if (NodeRecord* const old = state_.Find(node.name)) {
    *old = node;
  } else {
    state_.nodes.push_back(node);
  }
}

bool Work::FindAll(std::map<std::string, Found>* found) {
  std::vector<std::function<std::string()>> tasks;
  for (const NodeRecord& node : state_.nodes) {
    tasks.emplace_back([this, &node]() -> std::string {
      std::string error;
      const auto how = nodes_.Find(node, &error);
      return how ? std::to_string(static_cast<int>(*how)) : error;
    });
  }
  bool all = true;
  RunSideBySide(tasks, kSideBySideMax,
                [&](std::size_t i, const std::string& gave) {
                  const std::string& name = state_.nodes[i].name;
                  if (gave.size() == 1) {
                    (*found)[name] = static_cast<Found>(gave[0] - '0');
                    return;
                  }
                  Complain(name + ": " + gave);
                  all = false;
                });
  return all;
}

// Of one node whose head is there; what went wrong.
std::string Work::DoStep(const NodeStep& step) const {
  const NodeRecord& node = step.node;
  std::string wrong;
  if (step.kind == StepKind::kStart) wrong = nodes_.End(node);
  if (step.kind == StepKind::kRemake) wrong = nodes_.Remove(node);
  if (wrong.empty() && step.kind != StepKind::kStart) wrong = nodes_.Make(node);
  if (wrong.empty()) wrong = nodes_.Furnish(node);
  if (!wrong.empty()) return wrong;
  std::string address = state_.address;
  if (node.name == kHeadNode) address = nodes_.AddressOf(node, &wrong);
  return wrong.empty() ? nodes_.Start(node, address) : wrong;
}

std::string HowDone(const NodeStep& step, const std::string& place) {
  const char* what = "made on ";
  if (step.kind == StepKind::kKeep) what = "kept on ";
  if (step.kind == StepKind::kStart) what = "started again on ";
  if (step.kind == StepKind::kRemake) what = "made anew on ";
  return what + place + (step.note.empty() ? "" : " (" + step.note + ")");
}

bool Work::DoHead(const NodeStep& step) {
  if (step.kind == StepKind::kKeep) return true;
  NodeRecord node = step.node;
  node.is_up = false;
  Record(node);
  if (!Save()) return false;
  std::string wrong = DoStep(step);
  if (wrong.empty()) state_.address = nodes_.AddressOf(node, &wrong);
  if (!wrong.empty()) {
    Complain(node.name + ": " + wrong);
    return false;
  }
  node.is_up = true;
  Record(node);
  return Save();
}

bool Work::CarryOut(const std::vector<NodeStep>& steps) {
  std::vector<NodeStep> others;
  for (const NodeStep& step : steps) {
    if (step.node.name == kHeadNode && !DoHead(step)) return false;
    if (step.node.name == kHeadNode || step.kind == StepKind::kKeep) {
      Say(step.node.name, HowDone(step, nodes_.PlaceOf(step.node)));
    } else {
      others.push_back(step);
    }
  }
  if (others.empty()) return true;
  std::vector<std::function<std::string()>> tasks;
  for (NodeStep& step : others) {
    step.node.is_up = false;
    Record(step.node);
    tasks.emplace_back([this, &step] { return DoStep(step); });
  }
  if (!Save()) return false;
  bool all = true;
  RunSideBySide(tasks, kSideBySideMax,
                [&](std::size_t i, const std::string& wrong) {
                  NodeStep& step = others[i];
                  if (!wrong.empty()) {
                    Complain(step.node.name + ": " + wrong);
                    all = false;
                    return;
                  }
                  step.node.is_up = true;
                  Record(step.node);
                  if (!Save()) all = false;
                  Say(step.node.name, HowDone(step, nodes_.PlaceOf(step.node)));
                });
  return all;
}

bool Work::Remove(const std::vector<NodeRecord>& nodes, bool forget) {
  std::vector<std::function<std::string()>> tasks;
  for (const NodeRecord& node : nodes) {
    tasks.emplace_back([this, &node] { return nodes_.Remove(node); });
  }
  bool all = true;
  RunSideBySide(tasks, kSideBySideMax,
                [&](std::size_t i, const std::string& wrong) {
                  const std::string& name = nodes[i].name;
                  if (!wrong.empty()) {
                    Complain(name + ": " + wrong);
                    all = all && forget;
                    if (!forget) return;
                  }
                  std::erase_if(state_.nodes, [&name](const NodeRecord& node) {
                    return node.name == name;
                  });
                  if (!Save()) all = false;
                  Say(name, wrong.empty() ? "removed" : "forgotten");
                });
  return all;
}

bool Work::Forget() {
  const std::string wrong = nodes_.RemoveSurroundings();
  if (!wrong.empty()) {
    Complain(wrong);
    return false;
  }
  store_.Remove();
  return true;
}

// Of a cluster that is there; none, and why.
std::optional<std::pair<ClusterState, ClusterSpec>> ReadState(
    const StateStore& store, std::string* error) {
  auto state = store.Read(error);
  if (!state) return std::nullopt;
  auto spec = ParseAgain(state->file, state->text, error);
  if (!spec) return std::nullopt;
  return std::make_pair(*std::move(state), *std::move(spec));
}

// Why a cluster that is there cannot become what the file says, "" if it can.
std::string WhyNot(const ClusterState& state, const ClusterSpec& old,
                   const SpecFile& file) {
  if (state.file != file.path) {
    return "there is a cluster " + state.name + " already, of " + state.file +
           ": take it down, or name this one otherwise";
  }
  if (old.provider.kind != file.spec.provider.kind) {
    return "the file has another provider now: mobula cluster down, then up";
  }
  if (old.provider.kind != ProviderKind::kSsh) return "";
  for (const NodeRecord& node : state.nodes) {
    const auto& hosts = file.spec.provider.hosts;
    if (std::any_of(hosts.begin(), hosts.end(), [&node](const SshHost& host) {
          return HostKey(host) == node.host;
        })) {
      continue;
    }
    return node.name + " is on " + node.host +
           ", which the file does not have any more: put it back, mobula "
           "cluster remove " +
           node.name + ", and take it out then";
  }
  return "";
}

// The state to begin with, which is none where there is no cluster yet.
std::optional<ClusterState> StateFor(const StateStore& store,
                                     const SpecFile& file, std::string* error) {
  ClusterState state;
  if (store.IsThere()) {
    auto known = ReadState(store, error);
    if (!known) return std::nullopt;
    *error = WhyNot(known->first, known->second, file);
    if (!error->empty()) return std::nullopt;
    state = std::move(known->first);
  } else {
    state.name = file.spec.name;
    state.id = base::RandomHex(kIdBytes);
    state.file = file.path;
  }
  state.text = file.text;
  return state;
}

void SayWhatIsUp(const Work& work, const std::vector<NodeStep>& steps) {
  const auto kept = static_cast<std::size_t>(std::count_if(
      steps.begin(), steps.end(),
      [](const NodeStep& step) { return step.kind == StepKind::kKeep; }));
  const std::string now = std::to_string(steps.size() - kept);
  std::printf("%s is up: %zu nodes, %s\n", work.state().name.c_str(),
              work.state().nodes.size(),
              kept == steps.size() ? "nothing had to be done"
                                   : (now + " of them since now").c_str());
  std::printf(
      "  mobula cluster run -- PROGRAM   runs a program on it\n"
      "  mobula cluster status           what it does\n"
      "  mobula cluster down             ends it, and removes all of it\n");
}

// Opens the cluster of that name to work on it; null, and an exit code.
std::unique_ptr<Work> OpenWork(const std::string& cluster, int* code) {
  std::string error;
  *code = 1;
  auto store = StateStore::Open(cluster, &error);
  if (store && !store->IsThere()) error = "there is no cluster " + cluster;
  if (!store || !store->IsThere()) {
    Complain(error);
    return nullptr;
  }
  auto known = ReadState(*store, &error);
  if (!known) {
    Complain(error);
    return nullptr;
  }
  return std::make_unique<Work>(*std::move(store), std::move(known->first),
                                std::move(known->second));
}

}  // namespace

int ClusterUp(const std::string& file_path) {
  std::string error;
  const auto file = ReadSpecFile(file_path, &error);
  if (!file) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return 1;
  }
  auto store = StateStore::Open(file->spec.name, &error);
  if (!store) return Complain(error);
  auto state = StateFor(*store, *file, &error);
  if (!state) return Complain(error);
  Work work(*std::move(store), *std::move(state), file->spec);
  std::map<std::string, Found> found;
  if (!work.FindAll(&found)) return 1;
  const auto steps = PlanUp(work.spec(), work.state(), found, &error);
  if (!steps) return Complain(error);
  if (!work.Save()) return 1;
  error = work.nodes().MakeSurroundings();
  if (!error.empty()) return Complain(error);
  if (!work.CarryOut(*steps)) {
    return Complain("not all of " + work.state().name +
                    " is up: mobula cluster up " + file_path +
                    " tries again what is missing, mobula cluster down "
                    "removes all of it");
  }
  SayWhatIsUp(work, *steps);
  return 0;
}

int ClusterDown(const std::string& cluster, bool forget) {
  int code = 0;
  const std::unique_ptr<Work> work = OpenWork(cluster, &code);
  if (work == nullptr) return code;
  std::vector<NodeRecord> workers = work->state().nodes;
  std::vector<NodeRecord> head;
  // The head last: the others say to it that they leave.
  std::erase_if(workers, [&head](const NodeRecord& node) {
    if (node.name == kHeadNode) head.push_back(node);
    return node.name == kHeadNode;
  });
  if (!work->Remove(workers, forget) || !work->Remove(head, forget) ||
      !work->Forget()) {
    return Complain("not all of " + cluster +
                    " is gone: mobula cluster down tries again what is left, "
                    "and with --forget "
                    "leaves it where it is");
  }
  std::printf("%s is gone\n", cluster.c_str());
  return 0;
}

int ClusterAdd(const std::string& cluster, int count, const std::string& type) {
  int code = 0;
  const std::unique_ptr<Work> work = OpenWork(cluster, &code);
  if (work == nullptr) return code;
  const NodeRecord* const head = work->state().Find(kHeadNode);
  std::string error;
  const auto found =
      head == nullptr ? std::nullopt : work->nodes().Find(*head, &error);
  if (!found || *found != Found::kUp) {
    return Complain(
        "the head is not up, so nobody can join it: mobula cluster "
        "up " +
        work->state().file + (error.empty() ? "" : "\n" + error));
  }
  const auto steps = PlanAdd(work->spec(), work->state(), count, type, &error);
  if (!steps) return Complain(error);
  return work->CarryOut(*steps) ? 0 : 1;
}

int ClusterRemove(const std::string& cluster, const std::string& node,
                  bool forget) {
  int code = 0;
  const std::unique_ptr<Work> work = OpenWork(cluster, &code);
  if (work == nullptr) return code;
  const NodeRecord* const record = work->state().Find(node);
  if (record == nullptr) {
    std::string names;
    for (const NodeRecord& one : work->state().nodes) names += " " + one.name;
    return Complain("there is no node " + node + "; there is:" + names);
  }
  if (node == kHeadNode) {
    return Complain("the head is the cluster: mobula cluster down removes it");
  }
  const NodeRecord leaving = *record;
  // Of a container, in which nothing would say that it leaves.
  if (work->spec().provider.kind == ProviderKind::kDocker) {
    const std::string wrong = work->nodes().End(leaving);
    if (!wrong.empty()) Complain(node + ": " + wrong);
  }
  return work->Remove({leaving}, forget) ? 0 : 1;
}

}  // namespace mobula::cli
