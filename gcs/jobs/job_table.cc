#include "gcs/jobs/job_table.h"

#include "base/check.h"
#include "base/control/control_codec.h"
#include "gcs/core/record.h"

namespace mobula::gcs {
namespace {

using base::JobState;

void Save(const base::JobRecord& job, Effects& effects) {
  PutRecord(RecordKey(RecordTable::kJob, job.job), base::EncodeJob(job),
            effects);
}

}  // namespace

bool JobTable::Restore(const base::JobRecord& job, std::string* error) {
  if (!jobs_.emplace(job.job, job).second) {
    *error = "job " + job.job.ToString() + " is there twice";
    return false;
  }
  if (job.state == JobState::kEnded) {
    ended_.emplace(job.since_ms, job.job);
  } else {
    ++running_;
  }
  return true;
}

bool JobTable::Begin(const base::JobRecord& job, base::NodeId node,
                     std::int64_t wall_ms, Effects& effects) {
  MOBULA_CHECK(!job.job.IsNil());
  const auto known = jobs_.find(job.job);
  if (known != jobs_.end()) return known->second.state == JobState::kRunning;
  base::JobRecord& fresh = jobs_[job.job] = job;
  fresh.node = node;
  fresh.state = JobState::kRunning;
  fresh.cause.clear();
  fresh.since_ms = wall_ms;
  ++running_;
  Save(fresh, effects);
  return true;
}

bool JobTable::End(base::JobId job, std::string cause, std::int64_t wall_ms,
                   Effects& effects) {
  if (!IsRunning(job)) return false;
  base::JobRecord& record = jobs_.at(job);
  record.state = JobState::kEnded;
  record.cause = std::move(cause);
  record.since_ms = wall_ms;
  --running_;
  ended_.emplace(wall_ms, job);
  Save(record, effects);
  ForgetOldest(effects);
  return true;
}

void JobTable::ForgetOldest(Effects& effects) {
  while (ended_.size() > options_.ended_max) {
    const base::JobId oldest = ended_.begin()->second;
    ended_.erase(ended_.begin());
    jobs_.erase(oldest);
    EraseRecord(RecordKey(RecordTable::kJob, oldest), effects);
  }
}

const base::JobRecord* JobTable::Find(base::JobId job) const {
  const auto known = jobs_.find(job);
  return known == jobs_.end() ? nullptr : &known->second;
}

bool JobTable::IsRunning(base::JobId job) const {
  const base::JobRecord* const known = Find(job);
  return known != nullptr && known->state == JobState::kRunning;
}

bool JobTable::HasEnded(base::JobId job) const {
  const base::JobRecord* const known = Find(job);
  return known != nullptr && known->state == JobState::kEnded;
}

std::vector<base::JobId> JobTable::RunningOn(base::NodeId node) const {
  std::vector<base::JobId> jobs;
  for (const auto& [id, job] : jobs_) {
    if (job.node == node && job.state == JobState::kRunning) {
      jobs.push_back(id);
    }
  }
  return jobs;
}

void JobTable::CheckInvariants() const {
  MOBULA_CHECK(running_ + ended_.size() == jobs_.size());
  MOBULA_CHECK(ended_.size() <= options_.ended_max);
  for (const auto& [id, job] : jobs_) {
    MOBULA_CHECK(job.job == id);
    MOBULA_CHECK((job.state == JobState::kEnded) ==
                 ended_.contains({job.since_ms, id}));
  }
}

}  // namespace mobula::gcs
