#include "api/compat/ray/internal/actor_box.h"

namespace ray::internal {

void* ActorBox::Known(const std::type_info& base) {
  mobula::base::MutexLock lock(mutex_);
  for (const auto& [type, pointer] : known_) {
    if (*type == base) return pointer;
  }
  return nullptr;
}

void ActorBox::Learn(const std::type_info& base, void* pointer) {
  mobula::base::MutexLock lock(mutex_);
  known_.emplace_back(&base, pointer);
}

}  // namespace ray::internal
