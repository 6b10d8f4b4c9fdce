// What tasks and actors are asked to hold, and placement groups.
//
// Placement groups are not there yet: CreatePlacementGroup throws a
// RayException that says so, and nothing pretends to be one.
// Threading: values.
#ifndef MOBULA_API_COMPAT_RAY_API_TASK_OPTIONS_H_
#define MOBULA_API_COMPAT_RAY_API_TASK_OPTIONS_H_

#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/compat/ray/api/ray_exception.h"

namespace ray {

enum class PlacementStrategy {
  PACK = 0,
  SPREAD = 1,
  STRICT_PACK = 2,
  STRICT_SPREAD = 3,
  UNRECOGNIZED = -1
};

enum PlacementGroupState {
  PENDING = 0,
  PREPARED = 1,
  CREATED = 2,
  REMOVED = 3,
  RESCHEDULING = 4,
  UNRECOGNIZED = -1,
};

struct PlacementGroupCreationOptions {
  std::string name;
  std::vector<std::unordered_map<std::string, double>> bundles;
  PlacementStrategy strategy = PlacementStrategy::PACK;
};

class PlacementGroup {
 public:
  PlacementGroup() = default;
  PlacementGroup(std::string id, PlacementGroupCreationOptions options,
                 PlacementGroupState state = PlacementGroupState::UNRECOGNIZED)
      : id_(std::move(id)), options_(std::move(options)), state_(state) {}

  [[nodiscard]] std::string GetID() const { return id_; }
  [[nodiscard]] std::string GetName() const { return options_.name; }
  [[nodiscard]] std::vector<std::unordered_map<std::string, double>>
  GetBundles() const {
    return options_.bundles;
  }
  [[nodiscard]] PlacementGroupState GetState() const { return state_; }
  [[nodiscard]] PlacementStrategy GetStrategy() const {
    return options_.strategy;
  }
  // Throws RayException.
  bool Wait(int timeout_seconds);
  void SetWaitCallbak(std::function<bool(const std::string&, int)> callback) {
    callback_ = std::move(callback);
  }
  [[nodiscard]] bool Empty() const { return id_.empty(); }

 private:
  std::string id_;
  PlacementGroupCreationOptions options_;
  PlacementGroupState state_ = PlacementGroupState::UNRECOGNIZED;
  std::function<bool(const std::string&, int)> callback_;
};

namespace internal {

// Throws RayException for a resource without a name, of 0, or of more than 1
// and not whole.
void CheckTaskOptions(const std::unordered_map<std::string, double>& resources);

[[noreturn]] void RefusePlacementGroup();

}  // namespace internal
}  // namespace ray

#endif  // MOBULA_API_COMPAT_RAY_API_TASK_OPTIONS_H_
