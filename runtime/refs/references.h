// References is all that one process refers to: its own objects, those that it
// borrows, and what it keeps for others; docs/decisions/0010 is the contract.
//
//   refs.Begin(now, out);
//   refs.Received(from, message);   // before the message is acted upon
//   ... refs.Hold(name) ... refs.Release(name) ...
//   refs.Carry();                   // counts what the step's messages mention
//   refs.End();                     // says to others what is to be said
// Whoever keeps a value holds one reference to each object that it mentions
// (runtime/refs/inside.h): the tables for outcomes, ArgHolds for calls, Host
// for what runs here. Every Send of the step is looked at: a mention of an own
// object is lent to the receiver, one of another's is kept for the receiver
// until it says ObjectsTaken. The raylet keeps no values, so what it is sent
// mentions nothing, and so does what is sent to who has ended.
// Owner: runtime::Owner.   Threading: none; pure.
// Invariants: those of its machines; each mention is counted once, on both
// ends.
// Failure: a ref of an own object that is gone holds a kObjectLost.
#ifndef MOBULA_RUNTIME_REFS_REFERENCES_H_
#define MOBULA_RUNTIME_REFS_REFERENCES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/frames/object_message.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/core/peer_links.h"
#include "runtime/core/produced.h"
#include "runtime/refs/borrowed_objects.h"
#include "runtime/refs/handed_refs.h"
#include "runtime/refs/object_row.h"
#include "runtime/refs/object_table.h"
#include "runtime/refs/ref_outbox.h"

namespace mobula::runtime {

class References {
 public:
  using Woken = BorrowedObjects::Woken;

  References(base::ProcessId self, PeerLinks& links)
      : self_(self), links_(links), borrowed_(links, outbox_) {}
  References(const References&) = delete;
  References& operator=(const References&) = delete;

  void Joined(base::ProcessId raylet);
  void Begin(base::BootTime now, Produced& out);
  // May wake calls; to be repeated until it wakes none.
  void Carry();
  void End();

  // ---- own objects: see ObjectTable -----------------------------------------
  void Add(base::ObjectId object, const ObjectMaker& maker = {}) {
    own_.Add(object, maker);
  }
  [[nodiscard]] const ObjectMaker* MakerOf(base::ObjectId object) const {
    return own_.MakerOf(object);
  }
  void Put(base::ObjectId object, base::Outcome outcome);
  void Settle(base::ObjectId object, base::Outcome outcome,
              std::int64_t incarnation);
  void NoteLostAttempt(base::ObjectId object) { own_.NoteLostAttempt(object); }
  bool Unsettle(base::ObjectId object, const base::Extent& extent) {
    return own_.Unsettle(object, extent);
  }
  void MarkTraced(base::ObjectId object) { own_.MarkTraced(object); }
  [[nodiscard]] bool Owns(base::ObjectId object) const {
    return own_.Has(object);
  }
  // Of an own one that is settled; 0 unless a call of an actor gave it.
  [[nodiscard]] std::int64_t IncarnationOf(base::ObjectId object) const {
    return own_.IncarnationOf(object);
  }
  std::vector<ObjectTable::Forgotten>& forgotten() { return own_.forgotten(); }
  std::vector<base::FreedObject>& unused() { return own_.unused(); }

  // ---- any objects ----------------------------------------------------------
  void Hold(const base::ObjectName& name);
  void Release(const base::ObjectName& name);
  void Drop(base::ObjectId object);
  void Watch(base::ObjectId object);
  void AddDependent(base::ObjectId object, base::TaskId task);
  [[nodiscard]] const base::Outcome* Find(base::ObjectId object) const;
  // Nothing if it is neither owned nor borrowed.
  [[nodiscard]] std::optional<base::ObjectName> NameOf(
      base::ObjectId object) const;
  // Calls whose objects have their outcomes now; its owner empties it.
  std::vector<Woken>& woken() { return borrowed_.woken(); }

  // The bytes of another's object are not in that place: its outcome is asked
  // for anew.
  void LoseBorrowed(const base::ObjectName& name, const base::Extent& extent);

  // ---- what others say ------------------------------------------------------
  // Counts what a message mentions.
  void Received(base::ProcessId from, const base::Message& message);
  void On(base::ProcessId from, const base::BorrowObjects& borrow);
  void On(base::ProcessId from, const base::ObjectsBorrowed& borrowed);
  void On(base::ProcessId from, const base::ObjectsTaken& taken);
  void On(base::ProcessId from, const base::ReturnObjects& returned);
  void On(base::ProcessId from, const base::WantObjects& want);
  // It is told the outcome of an own object, at once or when it is there.
  void Want(base::ProcessId from, base::ObjectId object);
  void On(base::ProcessId from, const base::ObjectIs& is);
  void On(const base::OwnerGone& gone);
  // PeerLinks has been told of these before.
  void Attached(base::ProcessId peer) { borrowed_.Attached(peer); }
  void Unreachable(base::ProcessId peer) { borrowed_.Unreachable(peer); }
  void PeerLost(base::ProcessId peer);
  void Tick() { borrowed_.Tick(now_, *out_); }
  [[nodiscard]] base::BootTime Next() const { return borrowed_.Next(); }
  void FailAll(const base::Failure& failure);

  // ---- the end of a process in order ----------------------------------------
  // Borrowers are told every outcome from now on.
  void Leave() { own_.TellAll(); }
  // Nothing is kept for others any more.
  [[nodiscard]] bool MayLeave() const { return handed_.size() == 0; }
  // Hands what others borrow of this process to the raylet.
  void ClaimOwn(Effects& effects) const;

  [[nodiscard]] std::size_t owned() const { return own_.size(); }
  [[nodiscard]] std::size_t lent() const { return own_.loans(); }
  [[nodiscard]] std::size_t borrowed() const { return borrowed_.size(); }
  [[nodiscard]] std::size_t handed() const { return handed_.size(); }
  // Own ones first, each in order of id.
  [[nodiscard]] std::vector<ObjectRow> Rows() const;
  // Of one that is owned or borrowed.
  [[nodiscard]] ObjectRow RowOf(base::ObjectId object) const;
  // Own ones first, each in order of id.
  [[nodiscard]] std::vector<ObjectGlance> Glance() const;
  // What is kept for others, each as often as it is.
  [[nodiscard]] std::vector<base::ObjectId> Handed() const {
    return handed_.All();
  }

 private:
  void HoldAll(const std::vector<base::ObjectName>& names);
  void Mentioned(const base::Value& value, base::ProcessId from,
                 bool as_answer);
  void Mention(const base::Value& value, base::ProcessId to, bool as_answer);
  void LookAt(const Send& send);
  void TellBorrowers();
  void Refuse(base::ProcessId borrower, base::ObjectId object);
  void Sweep();

  const base::ProcessId self_;
  PeerLinks& links_;
  base::ProcessId raylet_;
  base::BootTime now_;
  Produced* out_ = nullptr;
  std::size_t looked_at_ = 0;  // effects of this step
  RefOutbox outbox_;
  ObjectTable own_;
  BorrowedObjects borrowed_;
  HandedRefs handed_;
  std::vector<base::TaskId> woken_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_REFS_REFERENCES_H_
