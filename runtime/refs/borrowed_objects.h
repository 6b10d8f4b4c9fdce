// BorrowedObjects holds the objects of other owners to which this process
// refers, and keeps their owners agreeing that it does.
//
//   Unasked --link to the owner, BorrowObjects--> Asked --ObjectsBorrowed-->
//   Known; --gone--> Gone (an outcome, a Failure)
//   any --a mention from the owner itself--> Known
//   any --no reference, not watched; Sweep--> ReturnObjects --> (absent)
// Who speaks for an object is its owner and, once that has ended, the raylet.
// An owner's end: OwnerGone comes, and the link's end, after its last message;
// then everything of it is claimed (ClaimObjects) and the raylet is asked from
// there on. A third process that sent a ref is told (ObjectsTaken) as soon as
// this process is counted by who speaks for the object, or needs it no more.
// A value whose bytes are lost is pending again (LoseBytes): its owner is told
// where they were, once, and answers with another outcome, or the same.
// Owner: References, which calls Sweep and Ask at the end of each step.
// Threading: none; pure.
// Invariants: (1) an outcome changes only where it is a stored value and its
// bytes were lost; (2) `received` is what the other
// end has lent to this process, less what is on its way; (3) each giver is told
// once for each mention; (4) after Sweep nothing is kept that nobody refers to,
// except where an answer is due; (5) OwnerGone is answered once.
// Failure: an owner that cannot be reached, or is not heard to have ended in
// kPatience, is taken for ended: its pending objects fail with kOwnerDied. What
// others say of objects that are not here is ignored.
#ifndef MOBULA_RUNTIME_REFS_BORROWED_OBJECTS_H_
#define MOBULA_RUNTIME_REFS_BORROWED_OBJECTS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/frames/object_message.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/core/peer_links.h"
#include "runtime/core/produced.h"
#include "runtime/core/timer_set.h"
#include "runtime/refs/object_row.h"
#include "runtime/refs/ref_outbox.h"

namespace mobula::runtime {

class BorrowedObjects {
 public:
  // For a link to come, and for the news of an owner's end. Both come from the
  // raylet, which is never that late.
  static constexpr base::Duration kPatience = std::chrono::seconds(30);
  // For the end of the link to an owner that has ended.
  static constexpr base::Duration kLinkPatience = std::chrono::seconds(5);

  // A call that waits for an object that has its outcome now.
  using Woken = std::pair<base::TaskId, base::ObjectId>;

  BorrowedObjects(PeerLinks& links, RefOutbox& outbox)
      : links_(links), outbox_(outbox) {}

  void Joined(base::ProcessId raylet) { raylet_ = raylet; }

  // ---- references of this process ------------------------------------------
  // One more; an object that is new here is asked for.
  void Hold(const base::ObjectName& name);
  // One less; the object must be here.
  void Release(base::ObjectId object);
  // The same for the API's own reference: unknown ones are let pass.
  void Drop(base::ObjectId object);
  // One Ready, now or when the outcome is there. The object must be here.
  void Watch(base::ObjectId object, Effects& effects);
  // What the object holds is not in that place: it is pending again, if it was
  // there, and asked for anew.
  void LoseBytes(const base::ObjectName& name, const base::Extent& extent,
                 Effects& effects);
  // The task is to be woken when the object, which is pending, has its outcome.
  void AddDependent(base::ObjectId object, base::TaskId task);

  // ---- what others say ------------------------------------------------------
  // A message from that process mentions the object.
  void Mentioned(const base::ObjectName& name, base::ProcessId from);
  void Borrowed(base::ProcessId from, const base::ObjectsBorrowed& borrowed,
                Effects& effects);
  // True if the outcome is kept from now on. What it was before is let go.
  bool Is(base::ProcessId from, const base::ObjectIs& is, Effects& effects);
  void OwnerGone(base::ProcessId owner, base::BootTime now, Produced& out);
  // PeerLinks has been told before.
  void Attached(base::ProcessId peer);
  void LinkEnded(base::ProcessId peer, base::BootTime now, Produced& out);
  // No link can be made: there is no such process.
  void Unreachable(base::ProcessId peer);
  void Tick(base::BootTime now, Produced& out);
  [[nodiscard]] base::BootTime Next() const { return timers_.Next(); }
  // The raylet is gone: nothing more will be known.
  void FailAll(const base::Failure& failure, Effects& effects);

  // ---- the end of a step ----------------------------------------------------
  // Returns what nobody refers to; what was inside is in `released` then.
  void Sweep();
  // Asks for what is new, and wants what is waited for.
  void Ask(base::BootTime now, Produced& out);
  // Its owner empties these.
  std::vector<Woken>& woken() { return woken_; }
  std::vector<base::ObjectName>& released() { return released_; }

  // Null while it is pending, or if there is no such object.
  [[nodiscard]] const base::Outcome* Find(base::ObjectId object) const;
  [[nodiscard]] bool Has(base::ObjectId object) const {
    return objects_.contains(object);
  }
  [[nodiscard]] base::ProcessId OwnerOf(base::ObjectId object) const {
    return objects_.at(object).owner;
  }
  [[nodiscard]] std::size_t size() const { return objects_.size(); }
  // Owners of which something is remembered.
  [[nodiscard]] std::size_t owners() const { return lenders_.size(); }
  // In order of id.
  [[nodiscard]] std::vector<ObjectRow> Rows() const;
  // It must be here.
  [[nodiscard]] ObjectRow RowOf(base::ObjectId object) const;
  // Appends all, in order of id.
  void Glance(std::vector<ObjectGlance>& glances) const;

 private:
  enum class Standing : std::uint8_t { kUnasked, kAsked, kKnown, kGone };
  enum class Wish : std::uint8_t { kNone, kDue, kSent };
  struct Object {
    base::ProcessId owner;
    std::optional<base::Outcome> outcome;
    std::int64_t incarnation = 0;
    std::int64_t received = 0;
    std::int32_t references = 0;
    Standing standing = Standing::kUnasked;
    Wish wish = Wish::kNone;
    bool watched = false;
    bool swept = false;   // it is in idle_
    bool is_due = false;  // it is in its lender's due
    std::vector<base::TaskId> dependents;
    std::vector<base::ProcessId> givers;  // that wait for ObjectsTaken
  };
  // What is known of an owner, as long as there are objects of it here.
  struct Lender {
    std::size_t objects = 0;
    bool is_raylet = false;  // it has ended, the raylet speaks for it
    bool ending = false;     // OwnerGone came; the link's end is awaited
    bool lost = false;       // the link ended; OwnerGone is awaited
    base::BootTime deadline = base::BootTime::Never();
    std::vector<base::ObjectId> due;  // to be asked for, or wanted
  };
  using Objects = std::unordered_map<base::ObjectId, Object>;
  using Lenders = std::map<base::ProcessId, Lender>;

  [[nodiscard]] base::ProcessId SpeakerFor(base::ProcessId owner) const;
  Objects::iterator Enter(const base::ObjectName& name);
  void NoteRaylet(base::ProcessId owner);
  void NoteDue(Objects::iterator it);
  void NoteIfIdle(Objects::iterator it);
  void NoteWish(Objects::iterator it);
  void Unsettle(Objects::iterator it);
  void Forget(Objects::iterator it);
  void TellGivers(Objects::iterator it);
  void Settle(Objects::iterator it, base::Outcome outcome,
              std::int64_t incarnation, Effects& effects);
  // Nobody counts this process for it any more.
  void Lose(Objects::iterator it, const base::Failure& failure,
            Effects& effects);
  // In order of id.
  [[nodiscard]] std::vector<base::ObjectId> Of(base::ProcessId owner) const;
  void AskLender(base::ProcessId owner, Lender& lender, base::BootTime now,
                 Produced& out);
  void SetDeadline(base::ProcessId owner, Lender& lender, base::BootTime at);
  // Answers OwnerGone: the raylet speaks for its objects from here on.
  void Claim(base::ProcessId owner, Produced& out);
  void GiveUp(base::ProcessId owner, const base::Failure& failure,
              Produced& out);
  void ForgetIfUnused(base::ProcessId owner);

  PeerLinks& links_;
  RefOutbox& outbox_;
  base::ProcessId raylet_;
  std::optional<base::Failure> closed_;  // why nothing can be asked any more
  Objects objects_;                      // never iterated for an effect's order
  Lenders lenders_;
  // Pending ones whose bytes were lost: where they were.
  std::map<base::ObjectId, base::Extent> lost_;
  std::set<base::ProcessId> due_;  // lenders that have something due
  TimerSet<base::ProcessId> timers_;
  std::vector<base::ObjectId> idle_;
  std::vector<Woken> woken_;
  std::vector<base::ObjectName> released_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_REFS_BORROWED_OBJECTS_H_
