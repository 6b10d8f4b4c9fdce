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

void RunningTasks::Stop(base::TaskId task) {
  MOBULA_CHECK(!task.IsNil());
  base::MutexLock lock(mutex_);
  Running& running = tasks_[task];
  if (std::exchange(running.stopped, true)) return;
  due_.push_back(running.source);
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
    std::stop_source source = std::move(due_.front());
    due_.pop_front();
    mutex_.Unlock();
    source.request_stop();
    mutex_.Lock();
  }
  mutex_.Unlock();
}

}  // namespace mobula::runtime
