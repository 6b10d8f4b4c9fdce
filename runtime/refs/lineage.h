// Lineage knows how the results that lie in the node's store were made, so that
// one whose bytes are lost can be made again: docs/decisions/0013.
//
//   Note (its task gave a result) --Forgotten, no record names it--> (gone)
//   Note --bytes over the limit, oldest first--> evicted
//   Plan: what must be run for an object, arguments that are free included
//   Begin: it runs again --Note | End--> as before, and what differs
// A record names the stored arguments of its task. One whose object nobody
// refers to stays while a record that is there names it: its bytes are free,
// but it can be made again. What was Put, results of actors' calls and those of
// tasks without retries have no record.
// Owner: runtime::Owner.   Threading: none; pure.
// Invariants: (1) `bytes()` <= the limit after each call, unless one record
// alone is longer; (2) a record is kept only for who is alive or named; (3)
// nothing here recurses, however deep the lineage is.
// Failure: Plan says why an object cannot be made again, and what would help.
#ifndef MOBULA_RUNTIME_REFS_LINEAGE_H_
#define MOBULA_RUNTIME_REFS_LINEAGE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/failure.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/task_spec.h"

namespace mobula::runtime {

class Lineage {
 public:
  // About 400 bytes a result, and its short arguments.
  static constexpr std::size_t kBytesMax = std::size_t{256} << 20;
  static constexpr std::size_t kDepthMax = 100'000;
  struct Limits {
    std::size_t bytes_max = kBytesMax;
    // Of arguments of arguments that must be made again for one result.
    std::size_t depth_max = kDepthMax;
  };
  // What must run for an object, itself first; or why that cannot be.
  using Planned = std::variant<std::vector<base::ObjectId>, base::Failure>;
  // Whether the object is in the owner's table, with a value or without.
  using PresentFn = std::function<bool(base::ObjectId object)>;

  Lineage(base::ProcessId self, Limits limits) : self_(self), limits_(limits) {}

  // The object, to which somebody refers, has a value in the store that this
  // task gave. The second time: it was made again.
  std::optional<Remade> Note(base::ObjectId object,
                             std::unique_ptr<const TaskSpec> spec,
                             const Fingerprint& print);
  // What ran again gave no value in the store: a short one (`print`), or a
  // failure (null).
  std::optional<Remade> End(base::ObjectId object, std::int32_t attempts,
                            const Fingerprint* print);
  // Nobody refers to the object any more. `stray`: an attempt that died may
  // have stored a value for it.
  void Forgotten(base::ObjectId object, bool stray);
  // The same of an attempt's end that is heard of later; false if no record of
  // the object, to which nobody refers, is kept.
  bool NoteStray(base::ObjectId object);
  // Objects without a record whose attempts may have left something in the
  // store; its owner empties it.
  std::vector<base::ObjectId>& strays() { return strays_; }

  [[nodiscard]] Planned Plan(base::ObjectId object,
                             const PresentFn& present) const;
  // It is run again: charges an attempt. Somebody refers to it from now on.
  const TaskSpec& Begin(base::ObjectId object);
  [[nodiscard]] const TaskSpec& SpecOf(base::ObjectId object) const {
    return *records_.at(object).spec;
  }
  // Of the run that was begun last.
  [[nodiscard]] std::int32_t AttemptOf(base::ObjectId object) const {
    return records_.at(object).attempts;
  }

  [[nodiscard]] std::size_t size() const { return records_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t evicted() const { return evicted_; }
  [[nodiscard]] bool Has(base::ObjectId object) const {
    return records_.contains(object);
  }
  // Nothing is remembered of anything.
  [[nodiscard]] bool empty() const {
    return records_.empty() && named_.empty() && without_.empty();
  }
  void CheckInvariants() const;

 private:
  struct Record {
    std::shared_ptr<const TaskSpec> spec;
    Fingerprint print;
    std::int32_t attempts = 1;
    bool alive = true;
    bool running = false;
    bool stray = false;
    std::size_t bytes = 0;
    std::uint64_t age = 0;  // grows with each Note
  };
  // Why there is no record of an object that is alive.
  enum class Without : std::uint8_t { kNoRetries, kEvicted };
  struct Named {
    std::uint32_t by = 0;  // records
    bool was_evicted = false;
  };
  using Records = std::map<base::ObjectId, Record>;

  void AddNames(const TaskSpec& spec);
  // Their records may go; lists those that must, at the end of `idle`.
  void RemoveNames(const TaskSpec& spec, std::vector<base::ObjectId>& idle);
  void DropIdle(std::vector<base::ObjectId> idle);
  void Erase(Records::iterator it, std::vector<base::ObjectId>& idle);
  void EvictOver();
  static std::optional<Remade> TakeRemade(base::ObjectId object, Record& record,
                                          const Fingerprint& now);
  [[nodiscard]] std::optional<base::Failure> WhyNot(base::ObjectId object,
                                                    std::size_t depth) const;
  [[nodiscard]] std::string WhyNoRecord(base::ObjectId object) const;
  [[nodiscard]] std::string EvictedText() const;

  const base::ProcessId self_;
  const Limits limits_;
  Records records_;
  std::map<std::uint64_t, base::ObjectId> by_age_;
  std::map<base::ObjectId, Named> named_;
  std::unordered_map<base::ObjectId, Without> without_;
  std::size_t bytes_ = 0;
  std::uint64_t ages_ = 0;
  std::uint64_t evicted_ = 0;
  std::vector<base::ObjectId> strays_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_REFS_LINEAGE_H_
