#include "api/compat/ray/internal/actor_box.h"

#if defined(__SANITIZE_ADDRESS__)
#define MOBULA_LEAK_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MOBULA_LEAK_SANITIZER
#endif
#endif
#ifdef MOBULA_LEAK_SANITIZER
#include <sanitizer/lsan_interface.h>
#endif

namespace ray::internal {

void ActorBox::LeaveAlone([[maybe_unused]] const void* object) {
#ifdef MOBULA_LEAK_SANITIZER
  __lsan_ignore_object(object);
#endif
}

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
