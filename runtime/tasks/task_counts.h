// TaskCounts are how many tasks of each function are in each state: known at
// any time, however many there are, so that nobody goes through them to tell.
//
//   counts.Came(function, state);  counts.Moved(function, from, to);
//   counts.Left(function, state);  counts.Of(function)[state]
// Owner: TaskTable; a function is its index there, a state a number below
// kStates.   Threading: none; pure.
// Invariants: none is below zero.
#ifndef MOBULA_RUNTIME_TASKS_TASK_COUNTS_H_
#define MOBULA_RUNTIME_TASKS_TASK_COUNTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"

namespace mobula::runtime {

class TaskCounts {
 public:
  static constexpr std::size_t kStates = 4;
  using ByState = std::array<std::size_t, kStates>;

  void Came(std::uint32_t function, std::size_t state) {
    if (function >= functions_.size()) functions_.resize(function + 1);
    ++functions_[function][state];
  }
  void Left(std::uint32_t function, std::size_t state) {
    MOBULA_CHECK(functions_[function][state] > 0);
    --functions_[function][state];
  }
  void Moved(std::uint32_t function, std::size_t from, std::size_t to) {
    Left(function, from);
    ++functions_[function][to];
  }

  // Functions that there have been, from 0 on.
  [[nodiscard]] std::size_t functions() const { return functions_.size(); }
  [[nodiscard]] const ByState& Of(std::uint32_t function) const {
    return functions_[function];
  }

 private:
  std::vector<ByState> functions_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_TASKS_TASK_COUNTS_H_
