// RefTally says to which objects a process refers, and by what: the process
// counts its references to an object in one number, and what holds each of them
// is found out here, when somebody asks.
//
//   RefTally tally(refs, list.rows_max);
//   tally.Count(&base::RefCounts::arguments, object);   // one that a call
//   holds base::RefsAre all = tally.Take(); for (base::RefsAre& part :
//   InParts(std::move(all))) ...
// What nobody else counts for are handles of the user's code. It looks at each
// object of the process, and keeps and tells no more than the largest.
// Owner: runtime::Core, for one step.   Threading: none; pure.
// Invariants: the counts of a row are together the references that there are.
#ifndef MOBULA_RUNTIME_REFS_REF_TALLY_H_
#define MOBULA_RUNTIME_REFS_REF_TALLY_H_

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/frames/memory_message.h"
#include "base/ids.h"
#include "runtime/refs/object_row.h"
#include "runtime/refs/references.h"

namespace mobula::runtime {

class RefTally {
 public:
  static constexpr std::size_t kRowsMax = 100'000;
  // Ids in one row, and in all rows together.
  static constexpr std::size_t kIdsOfRowMax = 10'000;
  static constexpr std::size_t kIdsMax = 300'000;

  // `refs` stays as it is while this lives.
  RefTally(const References& refs, std::size_t rows_max);

  // That is what holds one more of the references to the object.
  void Count(std::int64_t base::RefCounts::* what, base::ObjectId object) {
    const auto found = places_.find(object);
    if (found != places_.end()) ++(rows_[found->second].counts.*what);
  }
  // The largest objects first; what is no object's is left empty.
  base::RefsAre Take();

 private:
  // Orders glances as they are told, and drops what is too many.
  void Choose(std::vector<ObjectGlance>& glances, std::size_t rows_max);
  void CountInside(const std::vector<ObjectGlance>& glances);
  void Describe(base::HeldObject& row);

  const References& refs_;
  std::vector<base::HeldObject> rows_;
  std::vector<std::int64_t> references_;  // of the rows
  std::unordered_map<base::ObjectId, std::size_t> places_;
  std::size_t ids_left_ = kIdsMax;
  std::uint64_t left_out_ = 0;
  std::uint64_t bytes_left_out_ = 0;
};

// Messages of bounded size. The last one says what `all` says beside its rows.
std::vector<base::RefsAre> InParts(base::RefsAre all);

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_REFS_REF_TALLY_H_
