#include "runtime/executor/host_threads.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/unique_fd.h"
#include "runtime/executor/named_thread.h"

namespace mobula::runtime {
namespace {

using base::BootTime;
using base::Duration;

// A thread with nothing to do, of those in place of others, ends after that.
constexpr Duration kIdleMax = std::chrono::seconds(10);
constexpr char kName[] = "mobula-host";

}  // namespace

struct HostThreads::Thread {
  HostThreads* owner = nullptr;
  char* stack_low = nullptr;
  // Under the owner's lock.
  pthread_t handle{};
  bool lives = false;
  bool joinable = false;
  bool busy = false;     // in work
  bool blocked = false;  // and has said so
  bool stalled = false;  // and was found so
  std::uint64_t works = 0;
  pid_t number = 0;  // the system's
  // As the watcher saw it last: in which work, and whether it slept.
  std::uint64_t seen_works = 0;
  bool seen_asleep = false;
};

namespace {

// The thread that the calling one is.
thread_local void* thread_here = nullptr;

// Whether it sleeps in the kernel, not only waits for a processor.
bool IsAsleep(pid_t thread) {
  const std::string path =
      "/proc/self/task/" + std::to_string(thread) + "/stat";
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 256> text{};
  if (!file.valid()) return false;
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  if (size <= 0) return false;
  // "123 (name) S ...": the name may hold anything.
  const std::string_view stat(text.data(), static_cast<std::size_t>(size));
  const std::size_t end = stat.rfind(") ");
  if (end == std::string_view::npos || end + 2 >= stat.size()) return false;
  return stat[end + 2] == 'S' || stat[end + 2] == 'D';
}

char* StackLow() {
  pthread_attr_t attributes;
  if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return nullptr;
  void* low = nullptr;
  std::size_t size = 0;
  const int error = ::pthread_attr_getstack(&attributes, &low, &size);
  ::pthread_attr_destroy(&attributes);
  return error == 0 ? static_cast<char*>(low) : nullptr;
}

}  // namespace

HostThreads::HostThreads(Options options, RefuseFn refuse)
    : options_(options),
      refuse_(std::move(refuse)),
      all_max_(options_.threads_max + options_.extra_max) {
  MOBULA_CHECK(options_.threads_max > 0, "a host has a thread");
  MOBULA_CHECK(refuse_ != nullptr);
}

HostThreads::~HostThreads() { Join(); }

std::size_t HostThreads::threads() const {
  base::MutexLock lock(mutex_);
  return living_;
}

void HostThreads::Post(base::Work* work) {
  MOBULA_CHECK(work->run != nullptr);
  base::MutexLock lock(mutex_);
  ready_.push_back({work, base::BootNow()});
  Alert();
  if (watcher_sleeps_ && running_ + wakes_ >= options_.threads_max) {
    watched_.NotifyOne();
  }
}

bool HostThreads::Full() const {
  return !ready_.empty() && running_ + wakes_ < options_.threads_max &&
         idle_ <= wakes_ && living_ >= all_max_;
}

bool HostThreads::IsFull() const {
  base::MutexLock lock(mutex_);
  return Full();
}

bool HostThreads::Withdraw(base::Work* work) {
  base::MutexLock lock(mutex_);
  const auto found =
      std::find_if(ready_.begin(), ready_.end(),
                   [work](const Ready& each) { return each.work == work; });
  if (found == ready_.end()) return false;
  ready_.erase(found);
  return true;
}

void HostThreads::CountRunning(int change) {
  running_ += static_cast<std::size_t>(change);
  if (options_.page != nullptr) options_.page->SetBusy(running_ > 0);
}

void HostThreads::Alert() {
  if (ready_.empty() || running_ + wakes_ >= options_.threads_max) return;
  if (idle_ > wakes_) {
    ++wakes_;
    woken_.NotifyOne();
  } else if (living_ < all_max_) {
    StartThread();
  }
  if (watcher_sleeps_ && Full()) watched_.NotifyOne();
}

void HostThreads::StartThread() {
  const auto free =
      std::find_if(all_.begin(), all_.end(),
                   [](const auto& thread) { return !thread->lives; });
  const bool is_new = free == all_.end();
  if (is_new) all_.push_back(std::make_unique<Thread>());
  Thread& thread = is_new ? *all_.back() : **free;
  // One that has ended holds no lock any more.
  if (thread.joinable) ::pthread_join(thread.handle, nullptr);
  thread = Thread();
  thread.owner = this;
  // It counts before it can run.
  thread.lives = true;
  ++living_;
  CountRunning(1);
  try {
    thread.handle =
        StartDeepThread(kName, kStackBytes, [this, &thread] { Run(thread); });
    thread.joinable = true;
  } catch (const std::system_error& error) {
    thread.lives = false;
    CountRunning(-1);
    MOBULA_CHECK(--living_ > 0, "no thread can be started") << error.what();
    all_max_ = living_;
    return;
  }
  if (watcher_.joinable()) return;
  watcher_ = StartNamedThread("mobula-watch", [this] { Watch(); });
}

void HostThreads::Run(Thread& self) {
  thread_here = &self;
  self.stack_low = StackLow();
  mutex_.Lock();
  self.number = static_cast<pid_t>(::syscall(SYS_gettid));
  while (true) {
    if (running_ <= options_.threads_max && !ready_.empty()) {
      base::Work* const work = ready_.front().work;
      ready_.pop_front();
      ++self.works;
      self.busy = true;
      Alert();
      mutex_.Unlock();
      work->run(work);
      mutex_.Lock();
      self.busy = false;
      if (std::exchange(self.stalled, false)) CountRunning(1);
      continue;
    }
    if (ending_ && ready_.empty()) {
      CountRunning(-1);
      break;
    }
    CountRunning(-1);
    ++idle_;
    Alert();
    const BootTime end = base::BootNow() + kIdleMax;
    while (wakes_ == 0 && !(ending_ && ready_.empty()) &&
           (living_ <= options_.threads_max || base::BootNow() < end)) {
      woken_.WaitFor(mutex_, kIdleMax);
    }
    --idle_;
    if (wakes_ == 0) break;
    --wakes_;
    CountRunning(1);
  }
  self.lives = false;
  if (--living_ == 0) {
    ended_.NotifyAll();
    watched_.NotifyAll();
  }
  mutex_.Unlock();
  thread_here = nullptr;
}

void HostThreads::Join() {
  std::vector<pthread_t> threads;
  std::thread watcher;
  {
    base::MutexLock lock(mutex_);
    ending_ = true;
    woken_.NotifyAll();
    watched_.NotifyAll();
    while (living_ > 0) {
      ended_.WaitFor(mutex_, kIdleMax);
      woken_.NotifyAll();
    }
    for (const auto& thread : all_) {
      if (std::exchange(thread->joinable, false)) {
        threads.push_back(thread->handle);
      }
    }
    watcher = std::move(watcher_);
  }
  for (const pthread_t thread : threads) ::pthread_join(thread, nullptr);
  if (watcher.joinable()) watcher.join();
}

// ---- the calling thread -----------------------------------------------------

bool HostThreads::IsHere() { return thread_here != nullptr; }

std::size_t HostThreads::StackLeft() {
  const auto* const self = static_cast<const Thread*>(thread_here);
  if (self == nullptr || self->stack_low == nullptr) return 0;
  const char here = 0;
  return static_cast<std::size_t>(&here - self->stack_low);
}

void HostThreads::BlockedHere(bool is_blocked) {
  auto* const self = static_cast<Thread*>(thread_here);
  if (self != nullptr) self->owner->SetBlocked(*self, is_blocked);
}

void HostThreads::SetBlocked(Thread& self, bool is_blocked) {
  base::MutexLock lock(mutex_);
  self.blocked = is_blocked;
  if (!is_blocked) {
    CountRunning(1);
    return;
  }
  if (!std::exchange(self.stalled, false)) CountRunning(-1);
  Alert();
}

// ---- the watcher ------------------------------------------------------------

void HostThreads::Watch() {
  mutex_.Lock();
  // Also while Join waits for what is blocked.
  while (!ending_ || living_ > 0) {
    if (ready_.empty()) {
      full_since_ = BootTime::Never();
      watcher_sleeps_ = true;
      watched_.Wait(mutex_);
      watcher_sleeps_ = false;
      continue;
    }
    watched_.WaitFor(mutex_, kStalledAfter);
    if (base::Work* const work = TakeOverdue()) {
      mutex_.Unlock();
      refuse_(work);
      mutex_.Lock();
    } else if (!ready_.empty() && running_ >= options_.threads_max) {
      NoteStalled();
      Alert();
    }
  }
  mutex_.Unlock();
}

base::Work* HostThreads::TakeOverdue() {
  if (!Full()) {
    full_since_ = BootTime::Never();
    return nullptr;
  }
  const BootTime now = base::BootNow();
  full_since_ = std::min(full_since_, now);
  if (std::max(full_since_, ready_.front().since) + options_.patience > now) {
    return nullptr;
  }
  base::Work* const work = ready_.front().work;
  ready_.pop_front();
  return work;
}

void HostThreads::NoteStalled() {
  for (const auto& thread : all_) {
    if (!thread->lives || !thread->busy || thread->blocked || thread->stalled) {
      continue;
    }
    const bool is_asleep = IsAsleep(thread->number);
    const bool is_same = thread->seen_works == thread->works;
    if (is_same && is_asleep && thread->seen_asleep) {
      thread->stalled = true;
      CountRunning(-1);
    }
    thread->seen_works = thread->works;
    thread->seen_asleep = is_asleep;
  }
}

}  // namespace mobula::runtime
