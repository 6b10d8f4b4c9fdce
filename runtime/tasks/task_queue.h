// TaskQueue holds the ids of tasks that wait for a slot: the highest priority
// first, and within one in the order in which they came.
//
//   queue.PushBack(0, a); queue.PushBack(5, b); queue.front();   // b
// It may hold ids of tasks that are gone: who asks for the front drops them.
// Owner: TaskTable.   Threading: none; pure.
// Invariant: no priority is without a task.
#ifndef MOBULA_RUNTIME_TASKS_TASK_QUEUE_H_
#define MOBULA_RUNTIME_TASKS_TASK_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <map>

#include "base/check.h"
#include "base/ids.h"

namespace mobula::runtime {

class TaskQueue {
 public:
  void PushBack(std::int32_t priority, base::TaskId task) {
    tasks_[priority].push_back(task);
    ++size_;
  }
  // Before all of its priority.
  void PushFront(std::int32_t priority, base::TaskId task) {
    tasks_[priority].push_front(task);
    ++size_;
  }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  // There must be one.
  [[nodiscard]] base::TaskId front() const {
    MOBULA_CHECK(!empty());
    return tasks_.begin()->second.front();
  }
  void PopFront() {
    MOBULA_CHECK(!empty());
    const auto first = tasks_.begin();
    first->second.pop_front();
    --size_;
    if (first->second.empty()) tasks_.erase(first);
  }
  // Those of which is_gone(task).
  template <class F>
  void EraseIf(F&& is_gone) {
    for (auto it = tasks_.begin(); it != tasks_.end();) {
      size_ -= std::erase_if(it->second, is_gone);
      it = it->second.empty() ? tasks_.erase(it) : std::next(it);
    }
  }
  // Calls each(task), in order, until it says false; whether it never did.
  template <class F>
  bool ForEach(F&& each) const {
    for (const auto& [priority, tasks] : tasks_) {
      for (const base::TaskId task : tasks) {
        if (!each(task)) return false;
      }
    }
    return true;
  }

 private:
  std::map<std::int32_t, std::deque<base::TaskId>, std::greater<>> tasks_;
  std::size_t size_ = 0;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_TASKS_TASK_QUEUE_H_
