#include "gcs/core/commit_queue.h"

#include <utility>

#include "base/check.h"

namespace mobula::gcs {
#ifdef MOBULA_PLANTS
inline namespace planted {
#endif

void CommitQueue::Take(Effects& effects, Effects& released, Batch& batch) {
  MOBULA_CHECK(!awaits_number_, "Appended comes before the next Take");
  batch.clear();
  for (Effect& effect : effects) {
    if (auto* const write = std::get_if<Write>(&effect)) {
      batch.push_back(std::move(*write));
    }
  }
  awaits_number_ = !batch.empty();
  bool holds = awaits_number_ || durable_ < appended_;
#ifdef MOBULA_PLANTS
  if (options_.plant_reply_before_write) holds = false;
#endif
  for (Effect& effect : effects) {
    if (std::holds_alternative<Write>(effect)) continue;
    if (!holds || std::holds_alternative<SetTimer>(effect)) {
      released.push_back(std::move(effect));
      continue;
    }
    held_.push_back(Held{appended_, std::move(effect)});
    if (awaits_number_) ++unnumbered_;
  }
  effects.clear();
}

void CommitQueue::Appended(std::uint64_t number) {
  MOBULA_CHECK(awaits_number_, "a batch that Take did not give");
  MOBULA_CHECK(number > appended_);
  MOBULA_CHECK(unnumbered_ <= held_.size());
  for (std::size_t i = held_.size() - unnumbered_; i < held_.size(); ++i) {
    held_[i].number = number;
  }
  appended_ = number;
  unnumbered_ = 0;
  awaits_number_ = false;
}

void CommitQueue::Durable(std::uint64_t number, Effects& released) {
  MOBULA_CHECK(number <= appended_, "durable and never appended");
  MOBULA_CHECK(!awaits_number_, "Appended comes before Durable");
  if (number <= durable_) return;
  durable_ = number;
  while (!held_.empty() && held_.front().number <= durable_) {
    released.push_back(std::move(held_.front().effect));
    held_.pop_front();
  }
}

#ifdef MOBULA_PLANTS
}  // namespace planted
#endif
}  // namespace mobula::gcs
