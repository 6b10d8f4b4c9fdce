// ArgHolds keeps what the arguments of calls refer to while they may be sent,
// or sent again.
//
//   Hold(result, args) --the result has its outcome--> Release(result)
//   Hold(actor, args)  --the actor will not be made again--> Release(actor)
// A ref in the place of an argument is held, and so are the objects that the
// values of the others mention: what is inside of the first is held by its
// object.
// Owner: runtime::Owner.   Threading: none; pure.
// Invariants: calls without refs cost nothing; a second Release does nothing.
#ifndef MOBULA_RUNTIME_REFS_ARG_HOLDS_H_
#define MOBULA_RUNTIME_REFS_ARG_HOLDS_H_

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/refs/references.h"

namespace mobula::runtime {

class ArgHolds {
 public:
  using Names = std::vector<base::ObjectName>;

  explicit ArgHolds(References& refs) : refs_(refs) {}

  void Hold(base::ObjectId result, const std::vector<Arg>& args);
  void Hold(base::ActorId actor, const std::vector<Arg>& args);
  void Release(base::ObjectId result);
  void Release(base::ActorId actor);

  [[nodiscard]] std::size_t size() const {
    return of_result_.size() + of_actor_.size();
  }
  // What is kept for an actor.
  [[nodiscard]] Names NamesFor(base::ActorId actor) const {
    const auto found = of_actor_.find(actor);
    return found == of_actor_.end() ? Names() : found->second;
  }
  // Of all calls, or of all actors, in order of whose they are.
  [[nodiscard]] Names NamesForCalls() const;
  [[nodiscard]] Names NamesForActors() const;

 private:
  [[nodiscard]] Names NamesIn(const std::vector<Arg>& args) const;
  template <class Map, class Key>
  void HoldFor(Map& map, Key key, const std::vector<Arg>& args);
  template <class Map, class Key>
  void ReleaseFor(Map& map, Key key);
  template <class Map>
  static Names AllIn(const Map& map);

  References& refs_;
  std::unordered_map<base::ObjectId, Names> of_result_;
  std::unordered_map<base::ActorId, Names> of_actor_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_REFS_ARG_HOLDS_H_
