#include "runtime/tasks/run_queue.h"

#include <utility>

#include "base/check.h"

namespace mobula::runtime {

RunQueue::Added RunQueue::Add(Job job) {
  if (places_.size() >= kJobsMax) return Added::kFull;
  const std::uint64_t place = first_place_ + jobs_.size();
  if (!places_.try_emplace(job.task, place).second) return Added::kDuplicate;
  jobs_.push_back(std::move(job));
  return Added::kYes;
}

std::optional<Job> RunQueue::Pop() {
  while (!jobs_.empty()) {
    std::optional<Job> job = std::move(jobs_.front());
    jobs_.pop_front();
    ++first_place_;
    if (!job.has_value()) continue;
    places_.erase(job->task);
    return job;
  }
  MOBULA_CHECK(places_.empty());
  return std::nullopt;
}

std::optional<Job> RunQueue::Take(base::TaskId task, base::ProcessId from) {
  const auto it = places_.find(task);
  if (it == places_.end()) return std::nullopt;
  MOBULA_CHECK(it->second >= first_place_ &&
               it->second - first_place_ < jobs_.size());
  std::optional<Job>& place = jobs_[it->second - first_place_];
  MOBULA_CHECK(place.has_value() && place->task == task);
  if (place->from != from) return std::nullopt;
  places_.erase(it);
  return std::exchange(place, std::nullopt);
}

std::vector<Job> RunQueue::TakeAll() {
  std::vector<Job> taken;
  taken.reserve(places_.size());
  while (std::optional<Job> job = Pop()) taken.push_back(std::move(*job));
  return taken;
}

std::vector<Job> RunQueue::TakeAllFrom(base::ProcessId process) {
  std::vector<Job> taken;
  for (std::optional<Job>& place : jobs_) {
    if (!place.has_value() || place->from != process) continue;
    places_.erase(place->task);
    taken.push_back(std::move(*place));
    place.reset();
  }
  return taken;
}

}  // namespace mobula::runtime
