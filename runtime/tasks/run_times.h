// RunTimes remembers the functions of this owner: their names, and how long
// each runs (an exponentially weighted mean), which decides how many of its
// tasks are pushed to one worker at a time.
//
// Owner: TaskTable.   Threading: none; pure.
// Invariants: an index stays valid; a function that was never measured counts
// as one that fills a worker, so that nothing is queued behind it.
#ifndef MOBULA_RUNTIME_TASKS_RUN_TIMES_H_
#define MOBULA_RUNTIME_TASKS_RUN_TIMES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ids.h"

namespace mobula::runtime {

class RunTimes {
 public:
  // How much work a worker should have in flight, and what follows from it:
  // credits = clamp(200 us / mean, 1, 256).
  static constexpr std::int64_t kInFlightNs = 200'000;
  static constexpr std::int64_t kCreditsMax = 256;

  // `by_name`: its id is that of its stable name.
  std::uint32_t Intern(base::FunctionId function, const std::string& name,
                       bool by_name = false);
  void Record(std::uint32_t function, std::int64_t run_ns);

  // What one task counts against kInFlightNs.
  [[nodiscard]] std::int64_t CostNs(std::uint32_t function) const;
  [[nodiscard]] base::FunctionId id(std::uint32_t function) const {
    return functions_[function].id;
  }
  [[nodiscard]] const std::string& name(std::uint32_t function) const {
    return functions_[function].name;
  }
  [[nodiscard]] bool by_name(std::uint32_t function) const {
    return functions_[function].by_name;
  }

 private:
  struct Function {
    base::FunctionId id;
    std::string name;
    bool by_name = false;
    std::int64_t mean_ns = -1;  // -1: never measured
  };

  std::vector<Function> functions_;
  std::unordered_map<base::FunctionId, std::uint32_t> indexes_;
  std::uint32_t last_ = 0;  // most tasks come in runs of one function
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_TASKS_RUN_TIMES_H_
