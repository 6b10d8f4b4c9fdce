#include "runtime/executor/running_tasks.h"

#include <utility>

#include "base/check.h"
#include "runtime/executor/named_thread.h"

namespace mobula::runtime {

RunningTasks::~RunningTasks() {
  std::thread thread;
  {
    base::MutexLock lock(mutex_);
    ending_ = true;
    thread = std::move(thread_);
    changed_.NotifyAll();
  }
  if (thread.joinable()) thread.join();
}

std::stop_token RunningTasks::TokenOf(base::TaskId task) {
  MOBULA_CHECK(!task.IsNil());
  base::MutexLock lock(mutex_);
  Running& running = tasks_[task];
  // No callback hangs on it yet.
  if (running.stopped) running.source.request_stop();
  return running.source.get_token();
}

void RunningTasks::Add(base::TaskId task,
                       std::shared_ptr<base::CoroutineRun> run) {
  MOBULA_CHECK(run != nullptr);
  {
    base::MutexLock lock(mutex_);
    Running& running = tasks_[task];
    MOBULA_CHECK(running.run == nullptr, "a task runs once");
    running.run = run;
    if (!running.stopped) return;
  }
  run->Stop();
}

void RunningTasks::Remove(base::TaskId task) {
  std::shared_ptr<base::CoroutineRun> ended;  // destroyed with no lock held
  base::MutexLock lock(mutex_);
  const auto found = tasks_.find(task);
  if (found != tasks_.end()) ended = std::move(found->second.run);
}

void RunningTasks::Stop(base::TaskId task) {
  MOBULA_CHECK(!task.IsNil());
  base::MutexLock lock(mutex_);
  Running& running = tasks_[task];
  if (std::exchange(running.stopped, true)) return;
  due_.push_back({running.source, running.run});
  if (!thread_.joinable()) {
    thread_ = StartNamedThread("mobula-stop", [this] { Run(); });
  }
  changed_.NotifyAll();
}

void RunningTasks::Forget(base::TaskId task) {
  base::MutexLock lock(mutex_);
  tasks_.erase(task);
}

std::size_t RunningTasks::size() const {
  base::MutexLock lock(mutex_);
  return tasks_.size();
}

void RunningTasks::Run() {
  mutex_.Lock();
  while (!ending_ || !due_.empty()) {
    if (due_.empty()) {
      changed_.Wait(mutex_);
      continue;
    }
    {
      Due due = std::move(due_.front());
      due_.pop_front();
      mutex_.Unlock();
      due.source.request_stop();
      if (due.run != nullptr) due.run->Stop();
    }
    mutex_.Lock();
  }
  mutex_.Unlock();
}

}  // namespace mobula::runtime
