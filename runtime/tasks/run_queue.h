// RunQueue holds what this process was asked to run and has not started, in
// order of arrival.
//
//   queue.Add(job);  queue.Take(task);  std::optional<Job> next = queue.Pop();
// Owner: runtime::Host.   Threading: none; pure.
// Invariants: a task is in it at most once; at most kJobsMax are.
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
};

class RunQueue {
 public:
  static constexpr std::size_t kJobsMax = 1'000'000;

  enum class Added : std::uint8_t { kYes, kDuplicate, kFull };

  Added Add(Job job);
  // The first one, or nothing if it is empty.
  std::optional<Job> Pop();
  // Takes out what that process asked for, wherever it is; nothing if it is not
  // there.
  std::optional<Job> Take(base::TaskId task, base::ProcessId from);
  // Takes out all, or all that one process asked for, in order.
  std::vector<Job> TakeAll();
  std::vector<Job> TakeAllFrom(base::ProcessId process);

  // In order of arrival.
  template <class F>
  void ForEach(F&& each) const {
    for (const std::optional<Job>& job : jobs_) {
      if (job.has_value()) each(*job);
    }
  }
  [[nodiscard]] std::size_t size() const { return places_.size(); }
  [[nodiscard]] bool empty() const { return places_.empty(); }

 private:
  // Places count arrivals; what was taken out leaves an empty one behind.
  std::deque<std::optional<Job>> jobs_;
  std::uint64_t first_place_ = 0;  // of jobs_.front()
  std::unordered_map<base::TaskId, std::uint64_t> places_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_TASKS_RUN_QUEUE_H_
