// What frames say of large values and of refs: the part of the vocabulary
// (base/frames/message.h) by which the node's store is used and by which owners
// and borrowers of objects agree.
// Threading: values.
#ifndef MOBULA_BASE_FRAMES_OBJECT_MESSAGE_H_
#define MOBULA_BASE_FRAMES_OBJECT_MESSAGE_H_

#include <cstdint>
#include <vector>

#include "base/failure.h"
#include "base/ids.h"
#include "base/value.h"

namespace mobula::base {

// ---- the node's store ------------------------------------------------------

// Asks for an arena with room for one value of `byte_count` bytes and more.
// Answered by ArenaLeased, with a writable descriptor beside it, or
// ArenaRefused; it waits while the store is full.
struct LeaseArena {
  RequestId request;
  std::uint64_t byte_count = 0;
};

// Takes a request back; an arena that was leased meanwhile is returned.
struct CancelArena {
  RequestId request;
};

struct ArenaLeased {
  RequestId request;
  ArenaId arena;
  std::uint64_t byte_count = 0;  // of the whole arena
};

struct ArenaRefused {
  RequestId request;
  Failure failure;  // kObjectStoreFull, kTooLarge, kLimit
};

// The writer holds nothing in it and has unmapped it.
struct ReturnArena {
  ArenaId arena;
};

// The writer has filled an extent; from now on its owner says when it is free.
struct ObjectStored {
  ObjectName object;
  Extent extent;
};

// The owner has no use for these any more. `extent` is nil where the owner
// knows of none: then every extent that is registered for the object is free.
// Else it is that one, be it registered yet or not (ObjectStored may come
// later: it goes another way).
struct FreedObject {
  ObjectId object;
  Extent extent;
};

struct FreeObjects {
  std::vector<FreedObject> objects;
};

// To the writer, which may use these places anew.
struct FreeExtents {
  std::vector<Extent> extents;
};

// A reader wants to map an arena; a spilled one is brought back first.
struct OpenArena {
  ArenaId arena;
};

// A read-only descriptor rides beside it.
struct ArenaOpened {
  ArenaId arena;
  std::uint64_t byte_count = 0;
};

struct ArenaLost {
  ArenaId arena;
  Failure failure;  // kObjectLost; kObjectStoreFull, kLimit: not now
};

// A reader wants a value that lies in the store of another node: the raylet
// copies it into this one's, once for all who ask.
struct PullValue {
  RequestId request;
  ObjectName object;
  Extent extent;
};

// The copy, to be read like any other for as long as its arena is mapped; one
// that nobody maps may go at any time, and is pulled again.
struct ValuePulled {
  RequestId request;
  Extent here;
};

// `failure`: kObjectLost where it is no more; kObjectStoreFull: not now.
struct PullRefused {
  RequestId request;
  Failure failure;
};

// The raylet wants to spill the arena: whoever can do without unmaps it.
struct QuietArena {
  ArenaId arena;
};

// The answer: unmapped (it opens it anew when it must), or in use. A writer
// that says `quiet` has given its lease back; what lives there is spilled.
struct ArenaQuiet {
  ArenaId arena;
  bool quiet = false;
};

// ---- owners and borrowers of objects ---------------------------------------
// A process borrows an object of another's while it has a reference. Counts
// make both ends agree although messages cross: the owner counts what it lent
// to a borrower (each ObjectName of its own that it sent there, each
// BorrowObjects heard from there), the borrower what it received.

// Of refs that came from a third process, which holds them until ObjectsTaken.
struct BorrowObjects {
  std::vector<ObjectId> objects;
};

// The owner has counted them; `gone` were free before.
struct ObjectsBorrowed {
  std::vector<ObjectId> objects;
  std::vector<ObjectId> gone;
};

// To who sent refs of objects that it does not own: the receiver has each of
// them by itself now (one entry for each time that it was sent).
struct ObjectsTaken {
  std::vector<ObjectId> objects;
};

struct ReturnedObject {
  ObjectId object;
  std::int64_t lent_count = 0;  // that the borrower knows of
};

// No reference is left there.
struct ReturnObjects {
  std::vector<ReturnedObject> objects;
};

// The borrower wants to be told the outcomes of these, which are not told by
// themselves: there are refs inside.
struct WantObjects {
  std::vector<ObjectId> objects;
};

// Of a borrowed object: sent to each borrower when it is settled, or at once
// when it is lent later or wanted; once more when its lost bytes were made
// again.
struct ObjectIs {
  ObjectId object;
  Outcome outcome;
  std::int64_t incarnation = 0;
};

// The bytes of a stored value are not, or no more, where they were said to be.
struct LostBytes {
  ObjectName object;
  Extent extent;
};

// To the owner, from a borrower, which wants to be told the outcome anew, or
// from the raylet, which found spilled bytes damaged. What is said of a place
// that the owner has given up already is out of date and does nothing.
struct ObjectsLost {
  std::vector<LostBytes> objects;
};

// To the raylet, which counts: the task of a lost result has run again.
struct ResultRemade {
  ObjectId object;
  bool differs = false;  // from what it gave before
};

// An owner has ended. What its borrowers claim becomes the raylet's.
struct OwnerGone {
  ProcessId owner;
};

struct ClaimedObject {
  ObjectId object;
  bool is_settled = false;  // else the claimant does not know its outcome
  bool has_refs = false;    // there are refs inside, so the claimant keeps it
  Outcome outcome;          // else
};

struct ClaimObjects {
  ProcessId owner;  // the dead one
  std::vector<ClaimedObject> objects;
  bool is_last = true;  // of this claimant for this owner
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_OBJECT_MESSAGE_H_
