#include "api/mobula/verbs/detail/spawn_place.h"

#include "api/mobula/coro/detail/context.h"
#include "api/mobula/coro/detail/setting.h"

namespace mobula::detail {

SpawnPlace::SpawnPlace() : context_(CurrentSetting().context) {}

base::TaskId SpawnPlace::parent() const {
  return context_ == nullptr ? base::TaskId() : context_->task();
}

base::CallerScope SpawnPlace::Create() const {
  base::CallerScope scope;
  if (context_ == nullptr) return scope;
  scope.trace = context_->trace();
  scope.priority = context_->priority();
  scope.deadline = context_->deadline();
  return scope;
}

base::CallerScope SpawnPlace::Spawn() const {
  base::CallerScope scope = Create();
  if (context_ != nullptr) scope.id = context_->SpawnId();
  return scope;
}

void SpawnPlace::Posted() const {
  if (context_ != nullptr) context_->Spawned();
}

}  // namespace mobula::detail
