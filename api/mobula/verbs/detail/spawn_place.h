// SpawnPlace is the scope here, as what is spawned in it carries it along. Not
// for users.
//
//   const SpawnPlace place;
//   call.parent = place.parent();
//   call.scope = place.Spawn();
//   backend.Post(std::move(call));
//   place.Posted();
// Owner: the calling function, inside of the scope.   Threading: any.
#ifndef MOBULA_API_MOBULA_VERBS_DETAIL_SPAWN_PLACE_H_
#define MOBULA_API_MOBULA_VERBS_DETAIL_SPAWN_PLACE_H_

#include "base/ids.h"
#include "base/scheduling/call_scope.h"

namespace mobula::detail {

class Context;

class SpawnPlace {
 public:
  SpawnPlace();

  // The task of the scope, by which what is spawned here is spawned; nil if
  // there is none.
  [[nodiscard]] base::TaskId parent() const;
  // Of what is cancelled with the scope; Posted follows.
  [[nodiscard]] base::CallerScope Spawn() const;
  // Of what lives on: an actor.
  [[nodiscard]] base::CallerScope Create() const;
  // What Spawn was asked for has been posted: had the scope been stopped
  // meanwhile, it is cancelled now.
  void Posted() const;

 private:
  Context* const context_;  // null: no scope
};

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_VERBS_DETAIL_SPAWN_PLACE_H_
