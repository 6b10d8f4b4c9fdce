// JobTable knows the jobs: a program that uses the cluster, from its driver's
// first word to its end.
//
//   Begin --> Running --End (its driver ended, its node died, it was told
//   to)--> Ended
//
// Owner: gcs::Core.   Threading: none.
// Invariants: (1) an ended job never runs again, as long as it is remembered;
// (2) at most ended_max ended ones are remembered, the oldest go first.
// Failure: what does not fit the state of the job is refused and changes
// nothing.
#ifndef MOBULA_GCS_JOBS_JOB_TABLE_H_
#define MOBULA_GCS_JOBS_JOB_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/control/records.h"
#include "base/ids.h"
#include "gcs/core/events.h"

namespace mobula::gcs {

class JobTable {
 public:
  struct Options {
    std::size_t ended_max = 1'000;
  };

  explicit JobTable(Options options) : options_(options) {}

  // False, and why, if it contradicts another.
  [[nodiscard]] bool Restore(const base::JobRecord& job, std::string* error);

  // After the last.
  void Start(Effects& effects) { ForgetOldest(effects); }

  // It runs on `node`. False if it has ended. One that is known keeps the node
  // and driver that it has.
  bool Begin(const base::JobRecord& job, base::NodeId node,
             std::int64_t wall_ms, Effects& effects);
  // False if it does not run.
  bool End(base::JobId job, std::string cause, std::int64_t wall_ms,
           Effects& effects);

  // Null if it is not known.
  [[nodiscard]] const base::JobRecord* Find(base::JobId job) const;
  [[nodiscard]] bool IsRunning(base::JobId job) const;
  [[nodiscard]] bool HasEnded(base::JobId job) const;
  [[nodiscard]] std::vector<base::JobId> RunningOn(base::NodeId node) const;
  [[nodiscard]] const std::map<base::JobId, base::JobRecord>& all() const {
    return jobs_;
  }
  [[nodiscard]] std::size_t running() const { return running_; }

  void CheckInvariants() const;

 private:
  void ForgetOldest(Effects& effects);

  const Options options_;
  std::map<base::JobId, base::JobRecord> jobs_;
  std::set<std::pair<std::int64_t, base::JobId>> ended_;  // by since_ms
  std::size_t running_ = 0;
};

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_JOBS_JOB_TABLE_H_
