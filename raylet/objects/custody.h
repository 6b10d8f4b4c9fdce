// Custody is what is left of owners that have died: objects that somebody
// still refers to, of which the raylet is the owner from then on.
//
//   OwnerDied -> everybody is asked (OwnerGone) -> Claim ... the last answer
//   -> what was claimed is settled: its value, if a claimant knew it and there
//      are no refs inside, else OwnerDied; the rest is freed
//   -> Borrow, Return, Want as with any owner -> the last reference goes: freed
// Nobody can make what it keeps again: how is known to owners alone. Bytes that
// are lost (Lost, LoseBytes) end in an ObjectLost that names the owner's end.
// A claim counts as one lent, whatever the claimant had counted before; each
// ObjectIs with a stored value counts one more, as it names the object.
// Owner: ObjectStore.   Threading: none; runs on its owner's strand.
// Invariants: (1) every round ends: by the last answer or death; (2) who
// claimed without a value is told one outcome; (3) an object without lent
// counts is freed as soon as no round can bring more of them.
// Failure: what makes no sense is ignored.
#ifndef MOBULA_RAYLET_OBJECTS_CUSTODY_H_
#define MOBULA_RAYLET_OBJECTS_CUSTODY_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "base/frames/memory_message.h"
#include "base/frames/message.h"
#include "base/frames/object_message.h"
#include "base/ids.h"

namespace mobula::raylet {

class Custody {
 public:
  using ObjectId = base::ObjectId;
  using ProcessId = base::ProcessId;
  // What is to be done; the methods append.
  struct Out {
    std::vector<std::pair<ProcessId, base::Message>> send;
    std::vector<ObjectId> freed;   // nobody refers to them
    std::vector<ProcessId> ended;  // rounds: what is not kept is free
  };

  // How a process ended, for people: said before OwnerDied.
  void NoteDeath(ProcessId process, std::string how) {
    death_ = {process, std::move(how)};
  }
  // Asks these whether they borrow of it. Where the job is over nothing is
  // kept: who claims is told so.
  void OwnerDied(ProcessId owner, base::JobId job, bool job_over,
                 const std::set<ProcessId>& others, Out& out);
  // Also from an owner that is about to end, of its own objects.
  void Claim(ProcessId from, const base::ClaimObjects& claim, Out& out);
  void Borrow(ProcessId from, const base::BorrowObjects& borrow, Out& out);
  void Return(ProcessId from, const base::ReturnObjects& returned, Out& out);
  void Want(ProcessId from, const base::WantObjects& want, Out& out);
  // Its bytes were not found there. Who is told nothing else is told that.
  void Lost(ProcessId from, const base::LostBytes& lost, Out& out);
  void LoseBytes(const base::LostBytes& lost, Out& out);
  // An ObjectIs that came when nothing of the object was left there.
  void Taken(ProcessId from, const base::ObjectsTaken& taken, Out& out);
  void ProcessGone(ProcessId process, Out& out);
  // All that its processes owned is freed.
  void JobGone(base::JobId job, Out& out);

  // Somebody refers to it, or may yet turn out to.
  [[nodiscard]] bool Keeps(ProcessId owner, ObjectId object) const;
  // Of what it keeps, or may keep; nil: of nothing.
  [[nodiscard]] base::JobId JobOf(ProcessId owner, ObjectId object) const;
  // As their owner says of them, each under the name of the one that was; in
  // order of id.
  [[nodiscard]] std::vector<base::HeldObject> Held() const;
  [[nodiscard]] std::size_t size() const { return objects_.size(); }
  [[nodiscard]] std::size_t rounds() const { return rounds_.size(); }
  void CheckInvariants() const;

 private:
  struct Round {
    base::JobId job;
    bool job_over = false;
    std::set<ProcessId> awaited;
    std::string death;  // of the owner
  };
  struct Object {
    ProcessId owner;  // that was; nil: borrowed before anyone claimed it
    base::JobId job;
    // As a claimant or its owner knew it; there once it is settled.
    std::optional<base::Outcome> outcome;
    bool settled = false;
    bool doomed = false;  // its job is over
    std::string death;    // of its owner
    std::map<ProcessId, std::int64_t> lent;
    std::set<ProcessId> untold;  // want the outcome
  };
  using Objects = std::map<ObjectId, Object>;

  void TakeBack(ProcessId from, ObjectId object, std::int64_t count, Out& out);
  void TakeClaim(ProcessId from, ProcessId owner,
                 const base::ClaimedObject& claimed);
  void EndRounds(Out& out);
  void EndRound(ProcessId owner, const Round& round, Out& out);
  void Settle(ObjectId id, Object& object, Out& out);
  void Tell(ObjectId id, Object& object, ProcessId to, Out& out);
  [[nodiscard]] bool IsOpen(const Object& object) const;
  [[nodiscard]] bool MayGo(const Object& object) const;
  // Gives the next one.
  Objects::iterator Free(Objects::iterator object, Out& out);

  Objects objects_;
  std::map<ProcessId, Round> rounds_;
  // Owners that claimed for themselves and are still there.
  std::set<ProcessId> ending_;
  std::pair<ProcessId, std::string> death_;  // the last that was noted
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_OBJECTS_CUSTODY_H_
