// ObjectTable holds the objects of this process: what each ref came to, and who
// refers to it.
//
//   (absent) --Add--> Pending --Settle--> Settled     (Put: Settled at once)
//   Settled --Unsettle: its bytes are lost--> Pending, until they are made
//   again either --no reference here, nothing lent, not watched; Sweep-->
//   (absent)
// References: one for each handle of the API, each call that has the object as
// an argument, each value of this process that has a ref of it inside. Loans:
// for each other process, how many mentions of the object were sent there and
// not returned. Borrowers are told outcomes (`tellings`): one without refs
// inside when it is there, another when they want it. The bytes of stored
// values are not here: whoever forgets one must say so to the node's store.
// Owner: References.   Threading: none; pure.
// Invariants: (1) an outcome changes by Unsettle alone; (2) a settled object
// has no watchers and no dependents; (3) after Sweep nothing is kept that
// nobody refers to; (4) each object whose value was, or may have been, stored
// is in `unused` once it is forgotten, and what was inside in `released`.
// Failure: watching an unknown object is answered with a Failure, never with
// silence; Settle of a forgotten object does nothing; what other processes say
// of loans that there are not is ignored.
#ifndef MOBULA_RUNTIME_REFS_OBJECT_TABLE_H_
#define MOBULA_RUNTIME_REFS_OBJECT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "base/frames/object_message.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/refs/object_row.h"

namespace mobula::runtime {

// Who is to give an object its outcome: nobody, where it was put.
struct ObjectMaker {
  enum class Kind : std::uint8_t { kNone, kTask, kCall };
  base::TaskId task;
  Kind kind = Kind::kNone;
};

class ObjectTable {
 public:
  // An outcome that a borrower is to be told of.
  struct Telling {
    base::ObjectId object;
    base::ProcessId to;
  };

  // A pending object with one reference. The id must be new.
  void Add(base::ObjectId object, const ObjectMaker& maker = {});
  // A settled object with one reference. The id must be new.
  void Put(base::ObjectId object, base::Outcome outcome);

  // One more reference; false if there is no such object.
  bool Hold(base::ObjectId object);
  // One reference less; the object must exist.
  void Release(base::ObjectId object);
  // The same for the API's own reference: unknown ones are let pass.
  void Drop(base::ObjectId object);

  // The outcome is there: wakes the watchers (Ready) and appends the dependents
  // to `woken`, in the order in which they came. False if the object is
  // forgotten: nothing of the outcome is kept.
  bool Settle(base::ObjectId object, base::Outcome outcome,
              std::int64_t incarnation, Effects& effects,
              std::vector<base::TaskId>& woken);

  // What the object holds is not in that place any more: it is pending again,
  // the place is free, and whoever was told of it will be told anew. False if
  // it holds nothing there.
  bool Unsettle(base::ObjectId object, const base::Extent& extent);
  // There is lineage of it: its end is of interest (`forgotten`).
  void MarkTraced(base::ObjectId object);

  // A worker ended that may have stored a value for the object and told nobody.
  void NoteLostAttempt(base::ObjectId object);

  // One Ready, now or when it is settled.
  void Watch(base::ObjectId object, Effects& effects);
  // The task is to be woken when the object, which must be pending, settles.
  void AddDependent(base::ObjectId object, base::TaskId task);

  // A message to `to` mentions the object: as a ref, or as the name of its
  // bytes. Unknown objects are let pass.
  void Lend(base::ObjectId object, base::ProcessId to, bool as_ref);
  // The borrower gives so many mentions back.
  void Return(base::ProcessId from, base::ObjectId object, std::int64_t count);
  // The borrower waits for the outcome; false if it has no loan.
  bool Want(base::ProcessId from, base::ObjectId object);
  // It has ended: all that was lent to it is taken back.
  void LoseBorrower(base::ProcessId borrower);
  // This process is about to end: all borrowers are told all outcomes, those
  // with refs inside too.
  void TellAll();
  // What is to be told, in order; its owner empties it.
  std::vector<Telling>& tellings() { return tellings_; }

  // Forgets what nobody refers to; what was inside is in `released` then.
  void Sweep();

  // Null while it is pending, or if there is no such object.
  [[nodiscard]] const base::Outcome* Find(base::ObjectId object) const;
  // Null if there is no such object.
  [[nodiscard]] const ObjectMaker* MakerOf(base::ObjectId object) const;
  // Of a settled object.
  [[nodiscard]] std::int64_t IncarnationOf(base::ObjectId object) const;
  [[nodiscard]] bool Has(base::ObjectId object) const;
  [[nodiscard]] std::size_t size() const { return objects_.size(); }
  // Pairs of an object and a process that borrows it.
  [[nodiscard]] std::size_t loans() const { return loan_count_; }
  // What is lent, in order of id.
  [[nodiscard]] std::vector<base::ObjectId> Lent() const;
  // In order of id.
  [[nodiscard]] std::vector<ObjectRow> Rows(base::ProcessId self) const;
  // It must exist.
  [[nodiscard]] ObjectRow RowOf(base::ObjectId object,
                                base::ProcessId self) const;
  // Appends all, in order of id.
  void Glance(base::ProcessId self, std::vector<ObjectGlance>& glances) const;
  // What may be freed in the node's store; its owner empties it.
  std::vector<base::FreedObject>& unused() { return unused_; }
  // What forgotten values referred to; its owner empties it.
  std::vector<base::ObjectName>& released() { return released_; }
  // Traced objects that were forgotten; its owner empties it.
  struct Forgotten {
    base::ObjectId object;
    bool lost_attempt = false;  // which is not in `unused` then
  };
  std::vector<Forgotten>& forgotten() { return forgotten_; }

 private:
  struct Object {
    std::optional<base::Outcome> outcome;
    ObjectMaker maker;
    std::int64_t incarnation = 0;
    std::int32_t references = 0;
    bool watched = false;
    bool lost_attempt = false;
    bool traced = false;
    bool swept = false;  // it is in idle_
    std::vector<base::TaskId> dependents;
    std::vector<base::ProcessId> borrowers;  // sorted
  };
  struct Loan {
    std::int64_t count = 0;
    bool told = false;
    bool wanted = false;
  };
  using Objects = std::unordered_map<base::ObjectId, Object>;
  using Loans = std::unordered_map<base::ObjectId, Loan>;

  [[nodiscard]] static bool IsIdle(const Object& object) {
    return object.references == 0 && !object.watched &&
           object.borrowers.empty();
  }
  void NoteIfIdle(Objects::iterator it);
  void Forget(Objects::iterator it);
  void Free(base::ObjectId object, const base::Outcome& outcome);
  Loan* FindLoan(base::ProcessId borrower, base::ObjectId object);
  void EndLoan(base::ProcessId borrower, base::ObjectId object);
  // Whether its outcome is there and is told without being wanted.
  [[nodiscard]] bool IsTold(const Object& object) const;

  Objects objects_;  // never iterated for an effect's order
  std::map<base::ProcessId, Loans> loans_;
  std::size_t loan_count_ = 0;
  bool tells_all_ = false;
  std::vector<base::ObjectId> idle_;
  std::vector<Telling> tellings_;
  std::vector<base::FreedObject> unused_;
  std::vector<base::ObjectName> released_;
  std::vector<Forgotten> forgotten_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_REFS_OBJECT_TABLE_H_
