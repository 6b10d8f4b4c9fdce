// ProgramSweep finds out which programs detached actors are made of, so that a
// node need not keep the others.
//
//   idle --Want, `every` after the last one--> asking: ListActors, part after
//   part --the last part--> what is needed, and idle
// An actor that is registered or hosted while the parts come may stand in none
// of them: what is noted meanwhile is needed too.
// Owner: raylet::Core, which adds what its own jobs need.   Threading: none;
// runs on its owner's strand.
// Invariants: (1) one question at a time; (2) what a living actor needs, also
// one that waits for its next life, is among what is needed.
// Failure: an answer that is none ends the sweep; another one follows.
#ifndef MOBULA_RAYLET_CONTROL_PROGRAM_SWEEP_H_
#define MOBULA_RAYLET_CONTROL_PROGRAM_SWEEP_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>

#include "base/boot_time.h"
#include "base/control/control_request.h"

namespace mobula::raylet {

class ProgramSweep {
 public:
  struct Options {
    base::Duration every = std::chrono::seconds(10);
    std::uint32_t part_max = 1'000;
  };
  using Programs = std::set<std::string>;

  ProgramSweep() : ProgramSweep(Options()) {}
  explicit ProgramSweep(Options options) : options_(options) {}

  // Something has ended that may have been the last to need a program.
  void Want() { wanted_ = true; }
  // Needed by somebody since now.
  void Note(const std::string& program);
  // The first question, if there is one to ask now.
  std::optional<base::ListActors> Begin(base::BootTime now);
  // The next question, or what is needed; nothing if the sweep has failed.
  std::optional<std::variant<base::ListActors, Programs>> Answered(
      const base::ControlReply& reply);

  [[nodiscard]] bool is_asking() const { return asking_.has_value(); }
  // When Begin may have something to ask.
  [[nodiscard]] base::BootTime NextDeadline() const {
    return wanted_ && !is_asking() ? not_before_ : base::BootTime::Never();
  }

 private:
  const Options options_;
  bool wanted_ = false;
  base::BootTime not_before_;
  std::optional<base::ListActors> asking_;
  Programs needed_;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_CONTROL_PROGRAM_SWEEP_H_
