// Verdict collects the violations of one seed.
//
//   verdict.Violate("I4", "call 7 ran before call 6");
//
// Threading: none.
#ifndef MOBULA_TESTS_SIM_VERDICT_H_
#define MOBULA_TESTS_SIM_VERDICT_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "tests/sim/event_queue.h"

namespace mobula::sim {

struct Violation {
  std::string invariant;  // "I4"
  std::string text;
  base::BootTime at;
};

class Verdict {
 public:
  explicit Verdict(const EventQueue& queue) : queue_(queue) {}

  void Violate(std::string_view invariant, std::string text) {
    violations_.push_back(
        {std::string(invariant), std::move(text), queue_.now()});
  }
  [[nodiscard]] const std::vector<Violation>& violations() const {
    return violations_;
  }

 private:
  const EventQueue& queue_;
  std::vector<Violation> violations_;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_VERDICT_H_
