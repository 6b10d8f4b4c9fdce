// HeldActor is what the copies of one ActorHandle share: a handle of the
// runtime's actor, made when it is first needed, and its id as Ray's programs
// see it. The id is the actor's whole address, so a handle travels as its id.
// Not for users.
// Owner: shared pointers in ActorHandles.   Threading: any thread.
// Failure: RayException for an id that is none.
#ifndef MOBULA_API_COMPAT_RAY_VALUES_HELD_ACTOR_H_
#define MOBULA_API_COMPAT_RAY_VALUES_HELD_ACTOR_H_

#include <memory>
#include <string>

#include "api/mobula/detail/calls.h"
#include "base/mutex.h"

namespace ray::internal {

class HeldActor {
 public:
  explicit HeldActor(mobula::detail::ActorPtr actor);
  explicit HeldActor(std::string id);
  HeldActor(const HeldActor&) = delete;
  HeldActor& operator=(const HeldActor&) = delete;

  // Throws RayException for an id that is none, RuntimeClosed.
  [[nodiscard]] mobula::detail::ActorPtr actor() const;
  // 33 bytes: the actor's id, its owner's, and whether it is detached.
  [[nodiscard]] const std::string& id() const { return id_; }

 private:
  const std::string id_;
  mutable mobula::base::Mutex mutex_;
  mutable mobula::detail::ActorPtr actor_ MOBULA_GUARDED_BY(mutex_);
};

using HeldActorPtr = std::shared_ptr<const HeldActor>;

const std::string& IdOf(const HeldActorPtr& held);

// Actors live until Kill, ExitActor, or the end of the process that created
// them: a handle of each is kept here. Ray counts no handles.
void KeepActor(const mobula::detail::ActorPtr& actor);
void LetActorGo(const mobula::detail::ActorPtr& actor);
void LetAllActorsGo();

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_VALUES_HELD_ACTOR_H_
