#include "raylet/control/program_sweep.h"

#include <utility>

#include "base/check.h"
#include "base/control/records.h"

namespace mobula::raylet {

void ProgramSweep::Note(const std::string& program) {
  if (is_asking() && !program.empty()) needed_.insert(program);
}

std::optional<base::ListActors> ProgramSweep::Begin(base::BootTime now) {
  if (now < NextDeadline()) return std::nullopt;
  wanted_ = false;
  not_before_ = now + options_.every;
  needed_.clear();
  asking_.emplace();
  asking_->count_max = options_.part_max;
  return asking_;
}

std::optional<std::variant<base::ListActors, ProgramSweep::Programs>>
ProgramSweep::Answered(const base::ControlReply& reply) {
  MOBULA_CHECK(is_asking(), "an answer to no question");
  const auto* const part = std::get_if<base::ActorsAnswer>(&reply);
  if (part == nullptr) {
    asking_.reset();
    wanted_ = true;
    return std::nullopt;
  }
  for (const base::ActorRecord& actor : part->actors) {
    if (actor.spec.has_value()) Note(actor.spec->program);
  }
  if (part->more && !part->actors.empty()) {
    asking_->after = part->actors.back().actor;
    return *asking_;
  }
  asking_.reset();
  return std::exchange(needed_, {});
}

}  // namespace mobula::raylet
