// PulledPlaces knows where in this node's store the copies lie of values of
// other nodes, and asks the raylet for those that it does not know.
//
//   value: unknown --Find--> asked --Pulled--> known --Unmapped, Forget-->
//   unknown
//                                 '--Refused--> unknown
// The raylet takes a copy to be mapped here from when it tells of it until this
// process says that its arena is quiet. So what is known is there, but for a
// thread that looked before: it finds nothing, says so (Forget) and asks anew.
// Owner: StoreMemory.
// Threading: Find, which waits, and Forget from any thread but the strand; the
// rest on the strand. `tell` is called without a lock, by any.
// Invariants: (1) one PullValue is under way for a value at a time; (2) what is
// known is of arenas that were not said to be quiet; (3) nobody waits after
// Close.
// Failure: kTimeout, and what the raylet says: kObjectLost, kObjectStoreFull.
#ifndef MOBULA_RUNTIME_MEMORY_PULLED_PLACES_H_
#define MOBULA_RUNTIME_MEMORY_PULLED_PLACES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <variant>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "base/value.h"
#include "runtime/memory/lent_wait.h"

namespace mobula::runtime {

class PulledPlaces {
 public:
  using TellFn = std::function<void(base::Message)>;
  // What keeps an arena from being quiet, if anything does.
  using Pin = std::shared_ptr<const void>;
  struct Place {
    base::Extent here;
    Pin pin;
  };

  PulledPlaces(base::IdSource ids, TellFn tell);
  PulledPlaces(const PulledPlaces&) = delete;
  PulledPlaces& operator=(const PulledPlaces&) = delete;

  // Where the copy is of what lies at `extent` on another node.
  std::variant<Place, base::Failure> Find(const base::ObjectName& object,
                                          const base::Extent& extent,
                                          base::BootTime deadline,
                                          const LentWait::BlockedFn& blocked)
      MOBULA_EXCLUDES(mutex_);
  // It is not there any more.
  void Forget(const base::ObjectName& object, const base::Extent& extent,
              const base::Extent& here) MOBULA_EXCLUDES(mutex_);

  // Those who wait get the pin.
  void Pulled(const base::ValuePulled& pulled, Pin pin) MOBULA_EXCLUDES(mutex_);
  void Refused(const base::PullRefused& refused) MOBULA_EXCLUDES(mutex_);
  // The arena was said to be quiet.
  void Unmapped(base::ArenaId arena) MOBULA_EXCLUDES(mutex_);

  // Every Find that has nothing yet, now or later, gets this failure.
  void Close(base::Failure failure) MOBULA_EXCLUDES(mutex_);

  [[nodiscard]] std::size_t size() MOBULA_EXCLUDES(mutex_);  // known ones

 private:
  using Key = std::tuple<base::ObjectId, base::ArenaId, std::uint64_t,
                         std::uint64_t, std::uint32_t>;
  // A PullValue without an answer; who waits has it too.
  struct Asked {
    Key key;
    std::optional<Place> place;
    std::optional<base::Failure> failure;
  };
  using Found = std::variant<Place, base::Failure>;

  static Key KeyOf(const base::ObjectName& object, const base::Extent& extent);
  Found WaitFor(const Asked& asked, LentWait& wait) MOBULA_EXCLUDES(mutex_);
  // Nothing if nobody has asked; it is asked no more.
  std::shared_ptr<Asked> Take(base::RequestId request) MOBULA_REQUIRES(mutex_);

  const TellFn tell_;
  base::Mutex mutex_;
  base::CondVar changed_;
  base::IdSource ids_ MOBULA_GUARDED_BY(mutex_);
  std::map<Key, base::Extent> here_ MOBULA_GUARDED_BY(mutex_);
  std::map<base::ArenaId, std::set<Key>> by_arena_ MOBULA_GUARDED_BY(mutex_);
  std::map<Key, base::RequestId> requests_ MOBULA_GUARDED_BY(mutex_);
  std::map<base::RequestId, std::shared_ptr<Asked>> asked_
      MOBULA_GUARDED_BY(mutex_);
  std::optional<base::Failure> closed_ MOBULA_GUARDED_BY(mutex_);
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_MEMORY_PULLED_PLACES_H_
