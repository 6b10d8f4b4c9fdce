// ActorBox is what lives in an actor's process: the object that the factory
// gave, and of which class. A method of a base class, the second one of several
// too, gets the pointer that is its own. Not for users.
//
// As in Ray the object is never deleted: who knows where a factory has it from.
// Owner: the actor's instance.   Threading: any; methods may run concurrently.
#ifndef MOBULA_API_COMPAT_RAY_INTERNAL_ACTOR_BOX_H_
#define MOBULA_API_COMPAT_RAY_INTERNAL_ACTOR_BOX_H_

#include <memory>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace ray::internal {

class ActorBox {
 public:
  template <class C>
  explicit ActorBox(C* object)
      : object_(object), class_(&typeid(C)), throw_(&ThrowAs<C>) {
    LeaveAlone(object);
  }
  ActorBox(const ActorBox&) = delete;
  ActorBox& operator=(const ActorBox&) = delete;

  // The object as a B, null if its class is none and is not derived from it.
  template <class B>
  B* As() {
    if (*class_ == typeid(B)) return static_cast<B*>(object_);
    void* known = Known(typeid(B));
    if (known == nullptr) {
      known = CatchAs<B>();
      if (known != nullptr) Learn(typeid(B), known);
    }
    return static_cast<B*>(known);
  }

  [[nodiscard]] const std::type_info& type() const { return *class_; }

 private:
  // Only the exception machinery converts a pointer of a class that is known
  // here to one of a class that is known there.
  template <class C>
  static void ThrowAs(void* object) {
    throw static_cast<C*>(object);
  }
  template <class B>
  void* CatchAs() {
    try {
      throw_(object_);
    } catch (B* base) {
      return base;
    } catch (...) {
      return nullptr;
    }
    return nullptr;
  }

  // That it is never deleted is no leak.
  static void LeaveAlone(const void* object);
  void* Known(const std::type_info& base);
  void Learn(const std::type_info& base, void* pointer);

  void* const object_;
  const std::type_info* const class_;
  void (*const throw_)(void*);
  mobula::base::Mutex mutex_;
  // The pointers that CatchAs gave.
  std::vector<std::pair<const std::type_info*, void*>> known_
      MOBULA_GUARDED_BY(mutex_);
};

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_INTERNAL_ACTOR_BOX_H_
