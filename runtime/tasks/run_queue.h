// RunQueue holds what this process was asked to run and has not started, in
// order of arrival, in lanes: a job waits for those before it in its lane only.
//
//   queue.Add(job);  queue.Take(task);  std::optional<Job> next = queue.Pop();
//   queue.ArrivalIn(lane);  queue.PopIn(lane);
// Owner: runtime::Host.   Threading: none; pure.
// Invariants: a task is in it at most once; at most kJobsMax are; the first
// place of a lane that is not empty holds a job.
#ifndef MOBULA_RUNTIME_TASKS_RUN_QUEUE_H_
#define MOBULA_RUNTIME_TASKS_RUN_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/boot_time.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/scheduling/call_scope.h"
#include "base/value.h"

namespace mobula::runtime {

// Something to run: a task, a constructor or a method.
struct Job {
  enum class Kind : std::uint8_t { kTask, kConstructor, kMethod };
  Kind kind = Kind::kTask;
  base::ProcessId from;
  base::TaskId task;
  base::ObjectId result;  // nil for a constructor
  std::int32_t attempt = 1;
  base::ActorId actor;           // nil for a task
  std::int64_t incarnation = 0;  // 0 for a task
  base::FunctionId function;
  std::vector<base::Value> args;
  std::vector<base::ObjectName> held;  // what they refer to
  std::string called;                  // as of base::RunTask
  std::shared_ptr<const base::Assigned> assigned;
  std::optional<base::CallScope> scope;
  base::BootTime deadline = base::BootTime::Never();  // of that
  std::size_t lane = 0;                               // of a method: its group
  std::uint64_t arrival = 0;  // the queue's: grows with each
};

class RunQueue {
 public:
  static constexpr std::size_t kJobsMax = 1'000'000;
  static constexpr std::uint64_t kNever = static_cast<std::uint64_t>(-1);

  enum class Added : std::uint8_t { kYes, kDuplicate, kFull };

  Added Add(Job job);
  // The first one of all, or of a lane; nothing if it is empty.
  std::optional<Job> Pop();
  std::optional<Job> PopIn(std::size_t lane);
  // When the first one of the lane, or of all, arrived; kNever if it is empty.
  [[nodiscard]] std::uint64_t ArrivalIn(std::size_t lane) const;
  [[nodiscard]] std::uint64_t FirstArrival() const;
  // Takes out what that process asked for, wherever it is; nothing if it is not
  // there.
  std::optional<Job> Take(base::TaskId task, base::ProcessId from);
  // Takes out all, or all that one process asked for, in order of each lane.
  std::vector<Job> TakeAll();
  std::vector<Job> TakeAllFrom(base::ProcessId process);

  // In order of each lane.
  template <class F>
  void ForEach(F&& each) const {
    for (const Lane& lane : lanes_) {
      for (const std::optional<Job>& job : lane.jobs) {
        if (job.has_value()) each(*job);
      }
    }
  }
  [[nodiscard]] std::size_t size() const { return places_.size(); }
  [[nodiscard]] bool empty() const { return places_.empty(); }

 private:
  // Places count arrivals in a lane; what was taken out leaves an empty one
  // behind, but for the first.
  struct Lane {
    std::deque<std::optional<Job>> jobs;
    std::uint64_t first_place = 0;  // of jobs.front()
  };
  struct Place {
    std::size_t lane = 0;
    std::uint64_t place = 0;
  };

  static void DropTaken(Lane& lane);
  // Where the first of all is; lanes_.size() if it is empty.
  [[nodiscard]] std::size_t FirstLane() const;

  std::vector<Lane> lanes_;
  std::uint64_t arrivals_ = 0;
  std::unordered_map<base::TaskId, Place> places_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_TASKS_RUN_QUEUE_H_
