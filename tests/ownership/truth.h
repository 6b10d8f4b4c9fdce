// Truth knows what every value of a run holds, which places of the store are
// free, and who has ended: what a program reads is compared with it.
//
//   Truth::Label(object, "7", refs);  ...  truth.Read(name, outcome);
//   for (const std::string& wrong : truth.wrongs()) ...
// The bytes of a value say whose they are and which refs are inside, so that
// bytes and refs of two values can not be mixed up unseen.
// A place whose bytes are lost can not be read; what its object holds after
// that may be another value, but one for each loss. At one place everybody
// reads the same. Owner: Node, or the simulator's World.
// Threading: none. Invariants: what is wrong is said once, in words.
#ifndef MOBULA_TESTS_OWNERSHIP_TRUTH_H_
#define MOBULA_TESTS_OWNERSHIP_TRUTH_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/value.h"

namespace mobula::ownership {

// What the values in a message mention, but for those that the raylet is told:
// the refs inside, and the name of each that is stored.
std::vector<base::ObjectName> MentionsIn(const base::Message& message);

// Of those, the objects that the sender and the receiver do not own.
std::vector<base::ObjectId> ThirdPartyRefs(base::ProcessId from,
                                           base::ProcessId to,
                                           const base::Message& message);

class Truth {
 public:
  // What is wrong is said there too, when it happens.
  using SayFn = std::function<void(const std::string& wrong)>;

  explicit Truth(SayFn say) : say_(std::move(say)) {}

  // Bytes that say of which object they are (nil: an argument's), which ones,
  // and what is inside.
  static base::Bytes Label(base::ObjectId object, const std::string& which,
                           const std::vector<base::ObjectName>& refs);

  // The object holds a value for sure, as long as its owner lives.
  void NotePut(base::ObjectId object, bool has_refs) {
    puts_.insert(object);
    if (!has_refs) leaves_.insert(object);
  }
  // The same of what a task or call gave, until its bytes are lost.
  void NoteResult(base::ObjectId object, bool has_refs) {
    if (times_anew_.contains(object)) return;
    results_.insert(object);
    if (!has_refs) leaves_.insert(object);
  }
  // Nothing is inside of it.
  [[nodiscard]] bool IsLeaf(base::ObjectId object) const {
    return leaves_.contains(object);
  }
  void NoteWritten(base::ObjectId object, const base::Extent& extent,
                   const base::Bytes& bytes);
  void NoteWriter(const base::Extent& extent, base::ProcessId writer) {
    writers_[PlaceOf(extent)] = writer;
  }
  // Damages a place that is neither free nor damaged, if there is one; whose.
  base::ObjectId LoseSome(std::uint64_t choice);
  // The object's bytes are not, or no more, at that place; whether that is new.
  bool NoteLost(base::ObjectId object, const base::Extent& extent);
  // Its task runs again: there may be one more value.
  void NoteMadeAnew(base::ObjectId object) {
    ++times_anew_[object];
    results_.erase(object);
    leaves_.erase(object);
  }
  // What lies in the arena may be found or not.
  void NoteUnreadable(base::ArenaId arena) { unreadable_.insert(arena); }
  // Whether a reader may find nothing where a value lies.
  [[nodiscard]] bool MayMiss(const base::ObjectName& name,
                             const base::Extent& extent) const;
  // Who reads there finds nothing.
  [[nodiscard]] bool IsLost(const base::Extent& extent) const {
    return lost_.contains(PlaceOf(extent));
  }
  void NoteFreed(const base::Extent& extent);
  void NoteSent(base::ProcessId from, base::ProcessId to,
                const base::Message& message);
  void NoteEnded(base::ProcessId process, bool was_killed);
  void NoteCame(base::ProcessId process, base::JobId job) {
    jobs_[process] = job;
  }
  void NoteJobOver(base::JobId job) { over_.insert(job); }
  // Somebody got its name from nobody who would keep it.
  void NoteStolen(base::ObjectId object) { stolen_.insert(object); }

  // Somebody with a handle reads it.
  void Read(const base::ObjectName& name, const base::Outcome& outcome);
  // Whether it is right that who has a handle of the object meets this.
  [[nodiscard]] bool MayFail(const base::ObjectName& name,
                             const base::Failure& failure) const;
  // A function reads what it was given.
  void ReadArgument(const base::Value& value);

  void Wrong(std::string what);
  [[nodiscard]] const std::vector<std::string>& wrongs() const {
    return wrongs_;
  }
  [[nodiscard]] std::uint64_t reads() const { return reads_; }
  [[nodiscard]] std::uint64_t losses() const { return losses_; }
  [[nodiscard]] std::uint64_t lost_places() const { return lost_.size(); }
  [[nodiscard]] bool HasEnded(base::ProcessId process) const {
    return ended_.contains(process);
  }

 private:
  using Place = std::tuple<base::ArenaId, std::uint64_t, std::uint32_t>;

  [[nodiscard]] static Place PlaceOf(const base::Extent& extent) {
    return {extent.arena, extent.offset, extent.generation};
  }
  // Empty where it may not be read.
  std::string BytesOf(const base::Value& value);
  void CheckSame(base::ObjectId object, const base::Value& value,
                 const std::string& bytes);
  [[nodiscard]] bool IsJobOver(base::ProcessId owner) const;
  [[nodiscard]] bool MayBeLost(base::ObjectId object) const;

  const SayFn say_;
  std::map<Place, std::string> written_;
  std::map<base::ObjectId, std::vector<Place>> places_;
  std::set<Place> freed_;
  std::set<Place> lost_;
  std::map<Place, base::ProcessId> writers_;
  std::set<base::ArenaId> unreadable_;
  std::map<base::ObjectId, std::size_t> times_anew_;
  std::set<base::ObjectId> puts_;
  std::set<base::ObjectId> results_;
  std::set<base::ObjectId> leaves_;
  std::set<base::ObjectId> stolen_;
  std::map<base::ObjectId, std::vector<std::string>> seen_;
  std::map<Place, std::string> seen_at_;
  // Who sent refs of an object that is not theirs.
  std::map<base::ObjectId, std::set<base::ProcessId>> givers_;
  std::map<base::ProcessId, base::JobId> jobs_;
  std::set<base::JobId> over_;
  std::set<base::ProcessId> ended_;
  std::set<base::ProcessId> killed_;
  std::uint64_t reads_ = 0;
  std::uint64_t losses_ = 0;
  std::vector<std::string> wrongs_;
};

}  // namespace mobula::ownership

#endif  // MOBULA_TESTS_OWNERSHIP_TRUTH_H_
