#include "api/compat/ray/api.h"

#include "api/compat/ray/internal/calls.h"
#include "api/compat/ray/start/job.h"
#include "api/compat/ray/start/ray_flags.h"
#include "api/mobula/context.h"

namespace ray {

void Init() { internal::StartJob(RayConfig()); }

void Init(const RayConfig& config) { internal::StartJob(config); }

void Init(const RayConfig& config, int argc, char** argv) {
  internal::StartJob(internal::WithFlags(config, argc, argv), argc, argv);
}

bool IsInitialized() { return internal::IsJobRunning(); }

void Shutdown() { internal::EndJob(); }

std::string GetNamespace() { return internal::JobNamespace(); }

void ExitActor() { internal::ExitThisActor(); }

bool WasCurrentActorRestarted() { return mobula::WasRestarted(); }

PlacementGroup CreatePlacementGroup(const PlacementGroupCreationOptions&) {
  internal::RefusePlacementGroup();
}

void RemovePlacementGroup(const std::string&) {
  internal::RefusePlacementGroup();
}

std::vector<PlacementGroup> GetAllPlacementGroups() {
  internal::RefusePlacementGroup();
}

PlacementGroup GetPlacementGroupById(const std::string&) {
  internal::RefusePlacementGroup();
}

PlacementGroup GetPlacementGroup(const std::string&) {
  internal::RefusePlacementGroup();
}

}  // namespace ray
