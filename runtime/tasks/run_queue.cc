#include "runtime/tasks/run_queue.h"

#include <utility>

#include "base/check.h"

namespace mobula::runtime {

RunQueue::Added RunQueue::Add(Job job) {
  if (places_.size() >= kJobsMax) return Added::kFull;
  if (job.lane >= lanes_.size()) lanes_.resize(job.lane + 1);
  Lane& lane = lanes_[job.lane];
  const Place place{job.lane, lane.first_place + lane.jobs.size()};
  if (!places_.try_emplace(job.task, place).second) return Added::kDuplicate;
  job.arrival = arrivals_++;
  lane.jobs.push_back(std::move(job));
  return Added::kYes;
}

std::uint64_t RunQueue::ArrivalIn(std::size_t lane) const {
  if (lane >= lanes_.size() || lanes_[lane].jobs.empty()) return kNever;
  const std::optional<Job>& first = lanes_[lane].jobs.front();
  MOBULA_CHECK(first.has_value());
  return first->arrival;
}

std::size_t RunQueue::FirstLane() const {
  std::size_t first = lanes_.size();
  std::uint64_t arrival = kNever;
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
    if (ArrivalIn(lane) >= arrival) continue;
    arrival = ArrivalIn(lane);
    first = lane;
  }
  return first;
}

std::uint64_t RunQueue::FirstArrival() const { return ArrivalIn(FirstLane()); }

std::optional<Job> RunQueue::Pop() { return PopIn(FirstLane()); }

std::optional<Job> RunQueue::PopIn(std::size_t lane) {
  if (ArrivalIn(lane) == kNever) {
    MOBULA_CHECK(lane < lanes_.size() || places_.empty());
    return std::nullopt;
  }
  std::deque<std::optional<Job>>& jobs = lanes_[lane].jobs;
  std::optional<Job> job = std::exchange(jobs.front(), std::nullopt);
  places_.erase(job->task);
  DropTaken(lanes_[lane]);
  return job;
}

void RunQueue::DropTaken(Lane& lane) {
  while (!lane.jobs.empty() && !lane.jobs.front().has_value()) {
    lane.jobs.pop_front();
    ++lane.first_place;
  }
}

std::optional<Job> RunQueue::Take(base::TaskId task, base::ProcessId from) {
  const auto it = places_.find(task);
  if (it == places_.end()) return std::nullopt;
  Lane& lane = lanes_[it->second.lane];
  const std::uint64_t at = it->second.place;
  MOBULA_CHECK(at >= lane.first_place &&
               at - lane.first_place < lane.jobs.size());
  std::optional<Job>& place = lane.jobs[at - lane.first_place];
  MOBULA_CHECK(place.has_value() && place->task == task);
  if (place->from != from) return std::nullopt;
  places_.erase(it);
  std::optional<Job> job = std::exchange(place, std::nullopt);
  DropTaken(lane);
  return job;
}

std::vector<Job> RunQueue::TakeAll() {
  std::vector<Job> taken;
  taken.reserve(places_.size());
  while (std::optional<Job> job = Pop()) taken.push_back(std::move(*job));
  return taken;
}

std::vector<Job> RunQueue::TakeAllFrom(base::ProcessId process) {
  std::vector<Job> taken;
  for (Lane& lane : lanes_) {
    for (std::optional<Job>& place : lane.jobs) {
      if (!place.has_value() || place->from != process) continue;
      places_.erase(place->task);
      taken.push_back(std::move(*place));
      place.reset();
    }
    DropTaken(lane);
  }
  return taken;
}

}  // namespace mobula::runtime
