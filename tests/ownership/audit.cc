#include "tests/ownership/audit.h"

#include <string>

#include "tests/ownership/ref_audit.h"

namespace mobula::ownership {
namespace {

Scene SceneOf(const Node& node) {
  Scene scene;
  scene.store = &node.raylet().store();
  scene.has_ended = [&node](base::ProcessId process) {
    return node.truth().HasEnded(process);
  };
  for (const auto& [id, process] : node.processes()) {
    Scene::Seat& seat = scene.seats[id];
    seat.core = process.core.get();
    seat.held_for_actors = process.program->HeldForActors();
    seat.watches = process.program->watches();
    for (const auto& [object, handle] : process.program->handles()) {
      seat.handles[object] = handle.count;
    }
  }
  return scene;
}

}  // namespace

std::vector<std::string> Audit(const Node& node) {
  node.raylet().CheckInvariants();
  std::vector<std::string> wrongs = AuditRefs(SceneOf(node));
  for (const auto& [id, process] : node.processes()) {
    if (process.program->cancels() == 0) continue;
    wrongs.push_back("a cancel of process " + std::to_string(id.lo) +
                     " has no answer");
  }
  return wrongs;
}

std::vector<std::string> AuditEmpty(const Node& node) {
  node.raylet().CheckInvariants();
  std::vector<std::string> wrongs = AuditNoRefs(SceneOf(node));
  if (node.raylet().store().stored().remembered() > 0) {
    wrongs.emplace_back("something is remembered as free");
  }
  return wrongs;
}

}  // namespace mobula::ownership
