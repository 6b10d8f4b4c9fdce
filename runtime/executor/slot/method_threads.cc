#include "runtime/executor/slot/method_threads.h"

#include <iterator>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "runtime/executor/named_thread.h"

namespace mobula::runtime {

MethodThreads::MethodThreads(std::int32_t threads_max, RunFn run)
    : threads_max_(static_cast<std::size_t>(threads_max)),
      run_(std::move(run)) {
  MOBULA_CHECK(threads_max >= 1 && run_ != nullptr);
}

MethodThreads::~MethodThreads() {
  Close();
  std::vector<std::thread> threads;
  {
    base::MutexLock lock(mutex_);
    threads = std::move(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

bool MethodThreads::HaveThread() {
  const bool may_start = threads_.size() < threads_max_;
  if (waiting_.size() < free_ || !may_start) return true;
  try {
    threads_.push_back(StartNamedThread("mobula-method", [this] { Serve(); }));
  } catch (const std::system_error&) {
    // The machine has no more; those that there are take turns.
    return !threads_.empty();
  }
  return true;
}

MethodThreads::Pushed MethodThreads::Push(Execute& work) {
  base::MutexLock lock(mutex_);
  if (closed_) return Pushed::kClosed;
  if (!HaveThread()) return Pushed::kNoThread;
  waiting_.push_back(std::move(work));
  changed_.NotifyOne();
  return Pushed::kTaken;
}

void MethodThreads::Serve() {
  mutex_.Lock();
  while (true) {
    ++free_;
    while (waiting_.empty() && !closed_) changed_.Wait(mutex_);
    --free_;
    if (waiting_.empty()) break;
    Execute work = std::move(waiting_.front());
    waiting_.pop_front();
    const base::TaskId task = work.task;
    running_.insert(task);
    mutex_.Unlock();
    run_(std::move(work));
    mutex_.Lock();
    running_.erase(task);
    if (running_.empty()) ended_.NotifyAll();
  }
  mutex_.Unlock();
}

std::vector<Execute> MethodThreads::Close() {
  base::MutexLock lock(mutex_);
  closed_ = true;
  changed_.NotifyAll();
  std::vector<Execute> late(std::make_move_iterator(waiting_.begin()),
                            std::make_move_iterator(waiting_.end()));
  waiting_.clear();
  return late;
}

void MethodThreads::AwaitEnd() {
  base::MutexLock lock(mutex_);
  MOBULA_CHECK(closed_, "who awaits the end lets nothing begin");
  while (!running_.empty()) ended_.Wait(mutex_);
}

std::vector<base::TaskId> MethodThreads::Running() const {
  base::MutexLock lock(mutex_);
  return {running_.begin(), running_.end()};
}

std::size_t MethodThreads::threads() const {
  base::MutexLock lock(mutex_);
  return threads_.size();
}

}  // namespace mobula::runtime
