// LostResults holds the results of attempts of which nothing was heard: their
// workers may have stored a value, or may store one yet, and told nobody.
//
//   Note(worker, result) --the worker's end is known--> to be freed
// Only once the raylet knows of a worker's end does it store nothing more; who
// freed its values before would leave what came after.
// Owner: runtime::Owner.   Threading: none; pure.
// Invariants: each result is given out once. Failure: of a worker whose end is
// longer ago than that of kRemembered others nothing can be said; its results
// wait for the end of this process.
#ifndef MOBULA_RUNTIME_REFS_LOST_RESULTS_H_
#define MOBULA_RUNTIME_REFS_LOST_RESULTS_H_

#include <cstddef>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/ids.h"

namespace mobula::runtime {

class LostResults {
 public:
  static constexpr std::size_t kRemembered = 65'536;

  // Whether it can be freed now.
  bool Note(base::ProcessId worker, base::ObjectId result) {
    if (gone_.contains(worker)) return true;
    waiting_[worker].push_back(result);
    return false;
  }

  // The raylet says that the process has ended: what can be freed.
  std::vector<base::ObjectId> Gone(base::ProcessId worker) {
    if (gone_.insert(worker).second) {
      order_.push_back(worker);
      if (order_.size() > kRemembered) {
        gone_.erase(order_.front());
        order_.pop_front();
      }
    }
    auto waiting = waiting_.extract(worker);
    if (waiting.empty()) return {};
    return std::move(waiting.mapped());
  }

  // Workers whose end is awaited.
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }

 private:
  std::map<base::ProcessId, std::vector<base::ObjectId>> waiting_;
  std::set<base::ProcessId> gone_;
  std::deque<base::ProcessId> order_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_REFS_LOST_RESULTS_H_
