// RunningTasks knows the stop tokens of what this process runs for others, and
// stops it.
//
//   std::stop_token token = running.TokenOf(task);   // who runs it
//   running.Add(task, run);                          // of a coroutine
//   running.Stop(task);                              // from the strand
//   running.Forget(task);                            // once it has ended
// What is stopped is told by a thread of this class's own, which the first Stop
// starts: what the program hangs on a token must hold up neither the strand nor
// who runs the task.
// Owner: SlotThread; LocalBackend.
// Threading: TokenOf and Stop from any thread; Forget by who hears of the ends,
// after whom nobody stops the task. Invariant: a task that is stopped before it
// has begun finds that its token says so. Runs are called with no lock held.
#ifndef MOBULA_RUNTIME_EXECUTOR_RUNNING_TASKS_H_
#define MOBULA_RUNTIME_EXECUTOR_RUNNING_TASKS_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <stop_token>
#include <thread>
#include <unordered_map>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "base/threads/coroutine_run.h"

namespace mobula::runtime {

class RunningTasks {
 public:
  RunningTasks() = default;
  // What it was told to stop is told first.
  ~RunningTasks();
  RunningTasks(const RunningTasks&) = delete;
  RunningTasks& operator=(const RunningTasks&) = delete;

  [[nodiscard]] std::stop_token TokenOf(base::TaskId task)
      MOBULA_EXCLUDES(mutex_);
  // Before it begins; it is stopped with its task, until Remove.
  void Add(base::TaskId task, std::shared_ptr<base::CoroutineRun> run)
      MOBULA_EXCLUDES(mutex_);
  void Remove(base::TaskId task) MOBULA_EXCLUDES(mutex_);
  void Stop(base::TaskId task) MOBULA_EXCLUDES(mutex_);
  void Forget(base::TaskId task) MOBULA_EXCLUDES(mutex_);

  // Whose token was asked for, or that were stopped, and have not ended.
  [[nodiscard]] std::size_t size() const MOBULA_EXCLUDES(mutex_);

 private:
  struct Running {
    std::stop_source source;
    std::shared_ptr<base::CoroutineRun> run;  // of a coroutine
    bool stopped = false;                     // it is told so, now or soon
  };

  struct Due {
    std::stop_source source;
    std::shared_ptr<base::CoroutineRun> run;
  };

  void Run() MOBULA_EXCLUDES(mutex_);

  mutable base::Mutex mutex_;
  base::CondVar changed_;
  std::unordered_map<base::TaskId, Running> tasks_ MOBULA_GUARDED_BY(mutex_);
  std::deque<Due> due_ MOBULA_GUARDED_BY(mutex_);
  bool ending_ MOBULA_GUARDED_BY(mutex_) = false;
  std::thread thread_ MOBULA_GUARDED_BY(mutex_);
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_RUNNING_TASKS_H_
