#include "runtime/tasks/run_times.h"

#include <algorithm>

#include "base/check.h"

namespace mobula::runtime {

std::uint32_t RunTimes::Intern(base::FunctionId function,
                               const std::string& name, bool by_name) {
  if (last_ < functions_.size() && functions_[last_].id == function) {
    return last_;
  }
  const auto [it, is_new] = indexes_.try_emplace(
      function, static_cast<std::uint32_t>(functions_.size()));
  if (is_new) functions_.push_back(Function{function, name, by_name, -1});
  last_ = it->second;
  return last_;
}

void RunTimes::Record(std::uint32_t function, std::int64_t run_ns) {
  MOBULA_CHECK(function < functions_.size());
  std::int64_t& mean = functions_[function].mean_ns;
  const std::int64_t measured = std::max<std::int64_t>(run_ns, 0);
  mean = mean < 0 ? measured : mean + (measured - mean) / 8;
}

std::int64_t RunTimes::CostNs(std::uint32_t function) const {
  MOBULA_CHECK(function < functions_.size());
  const std::int64_t mean = functions_[function].mean_ns;
  if (mean < 0) return kInFlightNs;
  return std::clamp(mean, kInFlightNs / kCreditsMax, kInFlightNs);
}

}  // namespace mobula::runtime
