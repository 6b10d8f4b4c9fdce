#include "gcs/actors/restart_pace.h"

#include <algorithm>

namespace mobula::gcs {

void RestartPace::Begun(base::ActorId actor, base::BootTime now) {
  Pace& pace = paces_[actor];
  held_.erase({pace.held_until, actor});
  pace.begun = now;
  pace.held_until = base::BootTime();
}

bool RestartPace::Died(base::ActorId actor, base::NodeId node,
                       base::BootTime now) {
  const auto found = paces_.find(actor);
  if (found == paces_.end()) return false;  // it began in an earlier life
  Pace& pace = found->second;
  if (pace.held_until > now) return true;  // nobody honest says so
  pace.node = node;
  if (now - pace.begun >= kGoodLife) {
    pace.quick_deaths = 0;
    return false;
  }
  ++pace.quick_deaths;
  if (pace.quick_deaths <= 2) return false;
  // 100 ms after the third; never shifted further than the longest wait needs.
  const int doublings = std::min(pace.quick_deaths - 3, 10);
  pace.held_until = now + std::min(kWaitMin * (1 << doublings), kWaitMax);
  held_.emplace(pace.held_until, actor);
  return true;
}

void RestartPace::Forget(base::ActorId actor) {
  const auto found = paces_.find(actor);
  if (found == paces_.end()) return;
  held_.erase({found->second.held_until, actor});
  paces_.erase(found);
}

bool RestartPace::IsHeld(base::ActorId actor, base::BootTime now) const {
  const auto found = paces_.find(actor);
  return found != paces_.end() && found->second.held_until > now;
}

base::NodeId RestartPace::Where(base::ActorId actor) const {
  const auto found = paces_.find(actor);
  return found == paces_.end() ? base::NodeId() : found->second.node;
}

std::vector<base::ActorId> RestartPace::Release(base::BootTime now) {
  std::vector<base::ActorId> released;
  while (Next() <= now) {
    released.push_back(held_.begin()->second);
    held_.erase(held_.begin());
  }
  return released;
}

base::BootTime RestartPace::Next() const {
  return held_.empty() ? base::BootTime::Never() : held_.begin()->first;
}

}  // namespace mobula::gcs
