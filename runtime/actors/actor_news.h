// ActorNews says that an actor came to live in a worker, left it, or ended:
// what the machines that follow actors tell the one that holds the calls.
//
// Owner: runtime::Owner carries it from ActorTable and BorrowedActors to
// CallTable.   Threading: values.
#ifndef MOBULA_RUNTIME_ACTORS_ACTOR_NEWS_H_
#define MOBULA_RUNTIME_ACTORS_ACTOR_NEWS_H_

#include <cstdint>

#include "base/failure.h"
#include "base/ids.h"

namespace mobula::runtime {

// Which of the calls that were in flight when an actor was lost have certainly
// not started.
enum class Unstarted : std::uint8_t {
  kAll,          // it left by itself and then answered nothing more
  kAllButFirst,  // the last word of its worker has been read
  kUnknown       // it may have gone on unseen
};

struct ActorNews {
  enum class What : std::uint8_t { kUp, kDown, kDead };
  What what = What::kUp;
  base::ActorId actor;
  std::int64_t incarnation = 0;
  base::ProcessId worker;  // up
  std::int32_t pid = 0;    // up; 0 if unknown
  base::Failure failure;   // down: of the worker; dead: the cause
  Unstarted unstarted = Unstarted::kAllButFirst;  // down, dead
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_ACTORS_ACTOR_NEWS_H_
