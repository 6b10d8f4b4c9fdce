#include "runtime/actors/call_gate.h"

#include <algorithm>

#include "base/check.h"

namespace mobula::runtime {

CallGate::CallGate(const base::Concurrency& concurrency)
    : threads_(static_cast<std::int32_t>(concurrency.total())) {
  MOBULA_CHECK(concurrency.IsPlausible());
  groups_.push_back({"", std::max(concurrency.calls_max, 1), 0});
  for (const base::ConcurrencyGroup& group : concurrency.groups) {
    groups_.push_back({group.name, group.calls_max, 0});
  }
}

std::optional<std::size_t> CallGate::GroupOf(std::string_view name) const {
  const auto found =
      std::find_if(groups_.begin(), groups_.end(),
                   [name](const Group& group) { return group.name == name; });
  if (found == groups_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - groups_.begin());
}

std::string CallGate::WhyUnknown(std::string_view name) const {
  std::string why =
      "the actor has no concurrency group '" + std::string(name) + "'";
  if (groups_.size() == 1) {
    return why + ": ActorOptions().ConcurrencyGroup(name, calls) makes one";
  }
  why += "; it has ";
  for (std::size_t i = 1; i < groups_.size(); ++i) {
    why += (i > 1 ? ", '" : "'") + groups_[i].name + "'";
  }
  return why;
}

bool CallGate::HasRoom(std::size_t group) const {
  MOBULA_CHECK(group < groups_.size());
  return groups_[group].running < groups_[group].calls_max;
}

void CallGate::Begin(std::size_t group) {
  MOBULA_CHECK(HasRoom(group)) << "group " << group;
  ++groups_[group].running;
}

void CallGate::End(std::size_t group) {
  MOBULA_CHECK(group < groups_.size() && groups_[group].running > 0);
  --groups_[group].running;
}

}  // namespace mobula::runtime
