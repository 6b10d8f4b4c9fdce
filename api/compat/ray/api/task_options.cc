#include "api/compat/ray/api/task_options.h"

#include <cmath>

namespace ray {

bool PlacementGroup::Wait(int timeout_seconds) {
  if (callback_ == nullptr) internal::RefusePlacementGroup();
  return callback_(id_, timeout_seconds);
}

namespace internal {

void CheckTaskOptions(
    const std::unordered_map<std::string, double>& resources) {
  for (const auto& [name, quantity] : resources) {
    const std::string said =
        "Specified resource: " + name + " = " + std::to_string(quantity) + ".";
    if (name.empty() || quantity == 0) {
      throw RayException("Resource values should be positive. " + said);
    }
    if (quantity > 1 && quantity != std::floor(quantity)) {
      throw RayException(
          "A resource value should be an integer if it is greater than 1.0. " +
          said);
    }
  }
}

void RefusePlacementGroup() {
  throw RayException(
      "Placement groups are not supported by this version of Mobula. Ask for "
      "the resources themselves (SetResource) on the tasks and actors.");
}

}  // namespace internal
}  // namespace ray
