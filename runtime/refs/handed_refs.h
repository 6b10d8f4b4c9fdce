// HandedRefs holds the references that this process keeps for others: it sent
// them refs of objects that it does not own, and they have not said yet that
// they have them by themselves.
//
//   Hand (a message mentions it) --Take (ObjectsTaken) | Lose--> let go
// Owner: References, which holds one reference for each entry.
// Threading: none; pure.
// Invariants: an entry is let go once, by its receiver's word or death.
// Failure: what was never handed, or was taken already, is ignored.
#ifndef MOBULA_RUNTIME_REFS_HANDED_REFS_H_
#define MOBULA_RUNTIME_REFS_HANDED_REFS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ids.h"

namespace mobula::runtime {

class HandedRefs {
 public:
  void Hand(base::ProcessId to, base::ObjectId object) {
    ++handed_[to][object];
    ++size_;
  }

  // Whether one reference is to be let go.
  bool Take(base::ProcessId receiver, base::ObjectId object) {
    const auto found = handed_.find(receiver);
    if (found == handed_.end()) return false;
    const auto entry = found->second.find(object);
    if (entry == found->second.end()) return false;
    if (--entry->second == 0) found->second.erase(entry);
    if (found->second.empty()) handed_.erase(found);
    --size_;
    return true;
  }

  // The receiver has ended: what is to be let go, each object as often as it
  // was handed.
  std::vector<base::ObjectId> Lose(base::ProcessId receiver) {
    std::vector<base::ObjectId> objects;
    const auto found = handed_.find(receiver);
    if (found == handed_.end()) return objects;
    const Counts& counts = found->second;
    for (const auto& [object, count] : counts) {
      objects.insert(objects.end(), count, object);
    }
    std::sort(objects.begin(), objects.end());
    handed_.erase(found);
    size_ -= objects.size();
    return objects;
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  // Each object as often as it is kept, in order of receiver and id.
  [[nodiscard]] std::vector<base::ObjectId> All() const {
    std::vector<base::ObjectId> all;
    for (const auto& [receiver, counts] : handed_) {
      std::vector<base::ObjectId> objects;
      for (const auto& [object, count] : counts) {
        objects.insert(objects.end(), count, object);
      }
      std::sort(objects.begin(), objects.end());
      all.insert(all.end(), objects.begin(), objects.end());
    }
    return all;
  }

 private:
  using Counts = std::unordered_map<base::ObjectId, std::size_t>;

  std::map<base::ProcessId, Counts> handed_;
  std::size_t size_ = 0;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_REFS_HANDED_REFS_H_
