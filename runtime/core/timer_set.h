// TimerSet holds when each of many keys is due, earliest first; keys due at
// one moment come in the order of the keys, so that a run can be repeated.
//
//   timers.Add(now + delay, task);
//   while (std::optional<TaskId> due = timers.PopDue(now)) ...
//
// Owner: a machine.   Threading: none; pure.
// Invariants: a (time, key) pair is in it at most once.
#ifndef MOBULA_RUNTIME_CORE_TIMER_SET_H_
#define MOBULA_RUNTIME_CORE_TIMER_SET_H_

#include <cstddef>
#include <optional>
#include <set>
#include <utility>

#include "base/boot_time.h"

namespace mobula::runtime {

template <class Key>
class TimerSet {
 public:
  // No effect if `at` is never.
  void Add(base::BootTime at, Key key) {
    if (!at.IsNever()) due_.emplace(at, key);
  }
  void Remove(base::BootTime at, Key key) {
    if (!at.IsNever()) due_.erase({at, key});
  }
  // Never if it is empty.
  [[nodiscard]] base::BootTime Next() const {
    return due_.empty() ? base::BootTime::Never() : due_.begin()->first;
  }
  std::optional<Key> PopDue(base::BootTime now) {
    if (due_.empty() || due_.begin()->first > now) return std::nullopt;
    Key key = due_.begin()->second;
    due_.erase(due_.begin());
    return key;
  }
  // Calls each(key), the earliest first, until it says false.
  template <class F>
  void ForEach(F&& each) const {
    for (const auto& [at, key] : due_) {
      if (!each(key)) return;
    }
  }
  [[nodiscard]] std::size_t size() const { return due_.size(); }
  void Clear() { due_.clear(); }

 private:
  std::set<std::pair<base::BootTime, Key>> due_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_CORE_TIMER_SET_H_
