#include "runtime/debug/step_watch.h"

#include <execinfo.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/boot_time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/text_line.h"
#include "base/thread_annotations.h"
#include "runtime/debug/debug_reports.h"
#include "runtime/debug/symbol_names.h"
#include "runtime/executor/named_thread.h"

namespace mobula::runtime {
namespace {

using base::Duration;
using std::chrono::milliseconds;

constexpr int kSlowMs = 100;
constexpr int kSlowMsMax = 3'600'000;
constexpr int kFramesMax = 48;
constexpr Duration kAnswerMax = milliseconds(200);

Duration SlowAfter() {
  const char* const text = std::getenv("MOBULA_DEBUG_SLOW_MS");
  const int given = text == nullptr ? kSlowMs : std::atoi(text);
  return milliseconds(std::clamp(given, 1, kSlowMsMax));
}

std::int64_t NowNs() { return base::BootNow().since_boot().count(); }

// ---- what threads do now ----------------------------------------------------

struct ThreadSteps {
  std::atomic<std::int64_t> began_ns{0};  // 0: no step
  std::atomic<const void*> function{nullptr};
  pid_t tid = 0;
  std::int64_t reported_ns = 0;  // of the watch: which one it was
};

class StepWatch {
 public:
  void Add(ThreadSteps* steps) MOBULA_EXCLUDES(mutex_);
  void Remove(ThreadSteps* steps) MOBULA_EXCLUDES(mutex_);

 private:
  void Run() MOBULA_EXCLUDES(mutex_);
  // The first that is too slow, and where it is.
  bool FindSlow(std::string* report) MOBULA_REQUIRES(mutex_);

  const Duration slow_after_ = SlowAfter();
  base::Mutex mutex_;
  base::CondVar changed_;
  std::vector<ThreadSteps*> threads_ MOBULA_GUARDED_BY(mutex_);
  bool has_thread_ MOBULA_GUARDED_BY(mutex_) = false;
};

std::atomic<StepWatch*> current{nullptr};
std::atomic<bool> is_forked{false};

void LeaveBehind() {
  is_forked.store(true);
  current.store(nullptr);
}

// Null in a forked child.
StepWatch* TheWatch() {
  static const int registered =
      ::pthread_atfork(nullptr, nullptr, &LeaveBehind);
  if (registered != 0 || is_forked.load()) return nullptr;
  static auto* const watch = new StepWatch;
  current.store(watch);
  return watch;
}

// Of the calling thread, from its first step on.
class Here {
 public:
  Here() : watch_(TheWatch()) {
    steps.tid = static_cast<pid_t>(::syscall(SYS_gettid));
    if (watch_ != nullptr) watch_->Add(&steps);
  }
  ~Here() {
    if (watch_ != nullptr && current.load() == watch_) watch_->Remove(&steps);
  }
  Here(const Here&) = delete;
  Here& operator=(const Here&) = delete;

  ThreadSteps steps;

 private:
  StepWatch* const watch_;
};

thread_local bool may_block_here = false;

ThreadSteps& StepsHere() {
  thread_local Here here;
  return here.steps;
}

// ---- where a thread is ------------------------------------------------------

struct Answer {
  std::atomic<pid_t> asked{0};  // the thread
  std::atomic<int> frames{0};
  std::array<void*, kFramesMax> addresses{};
};
Answer answer;

void TellWhere(int /*signal*/) {
  const int error = errno;
  if (answer.asked.load() == static_cast<pid_t>(::syscall(SYS_gettid))) {
    const int frames = ::backtrace(answer.addresses.data(), kFramesMax);
    answer.asked.store(0);
    answer.frames.store(frames, std::memory_order_release);
  }
  errno = error;
}

// Whether SIGPROF is ours, or can be.
bool TakeSignal() {
  struct sigaction now{};
  if (::sigaction(SIGPROF, nullptr, &now) != 0) return false;
  if (now.sa_handler == &TellWhere) return true;
  if (now.sa_handler != SIG_DFL) return false;
  // Its first use loads a library.
  std::array<void*, 1> one{};
  ::backtrace(one.data(), 1);
  struct sigaction ours{};
  ours.sa_handler = &TellWhere;
  ours.sa_flags = SA_RESTART | SA_ONSTACK;
  ::sigfillset(&ours.sa_mask);
  return ::sigaction(SIGPROF, &ours, nullptr) == 0;
}

std::string StackOf(pid_t tid, base::Mutex& mutex, base::CondVar& never)
    MOBULA_REQUIRES(mutex) {
  if (!TakeSignal()) return "\n    (SIGPROF is used by the program)";
  answer.frames.store(0);
  answer.asked.store(tid);
  if (::syscall(SYS_tgkill, ::getpid(), tid, SIGPROF) != 0) return "";
  const std::int64_t end = NowNs() + kAnswerMax.count();
  while (answer.frames.load(std::memory_order_acquire) == 0 && NowNs() < end) {
    never.WaitFor(mutex, milliseconds(1));
  }
  answer.asked.store(0);
  const int frames = answer.frames.load(std::memory_order_acquire);
  base::TextLine text;
  // The handler, and how it was called, come first.
  for (int i = 2; i < frames; ++i) {
    const auto address = reinterpret_cast<std::uintptr_t>(
        answer.addresses[static_cast<std::size_t>(i)]);
    const std::uintptr_t call = address - (i > 2 ? 1 : 0);
    text << "\n    "
         << NameOfFunction(reinterpret_cast<const void*>(call));  // NOLINT
  }
  return text.text();
}

// ---- StepWatch --------------------------------------------------------------

void StepWatch::Add(ThreadSteps* steps) {
  base::MutexLock lock(mutex_);
  threads_.push_back(steps);
  if (has_thread_) return;
  has_thread_ = true;
  StartNamedThread("mobula-debug", [this] { Run(); }).detach();
}

void StepWatch::Remove(ThreadSteps* steps) {
  base::MutexLock lock(mutex_);
  std::erase(threads_, steps);
}

void StepWatch::Run() {
  while (true) {
    std::string report;
    bool is_slow = false;
    {
      base::MutexLock lock(mutex_);
      changed_.WaitFor(mutex_, slow_after_ / 4);
      is_slow = FindSlow(&report);
    }
    if (is_slow) Report({DebugKind::kSlowStep, report});
  }
}

bool StepWatch::FindSlow(std::string* report) {
  const std::int64_t now = NowNs();
  for (ThreadSteps* const steps : threads_) {
    const std::int64_t began = steps->began_ns.load(std::memory_order_acquire);
    if (began == 0 || began == steps->reported_ns) continue;
    if (now - began < slow_after_.count()) continue;
    steps->reported_ns = began;
    const void* const function = steps->function.load();
    const pid_t tid = steps->tid;
    // The thread is there when it is asked, and may be gone afterwards.
    const std::string stack = StackOf(tid, mutex_, changed_);
    base::TextLine text;
    text << "slow step: " << NameOfCoroutine(function) << " has held thread "
         << tid << " for " << (now - began) / 1'000'000 << " ms without a wait"
         << stack;
    *report = text.text();
    return true;
  }
  return false;
}

}  // namespace

WatchedStep::WatchedStep(const void* function) {
  if (may_block_here) return;
  ThreadSteps& steps = StepsHere();
  function_before_ = steps.function.load(std::memory_order_relaxed);
  is_inside_ = steps.began_ns.load(std::memory_order_relaxed) != 0;
  steps.function.store(function, std::memory_order_relaxed);
  steps.began_ns.store(NowNs(), std::memory_order_release);
}

WatchedStep::~WatchedStep() {
  if (may_block_here) return;
  ThreadSteps& steps = StepsHere();
  steps.began_ns.store(0, std::memory_order_relaxed);
  steps.function.store(function_before_, std::memory_order_relaxed);
  // What it was inside of goes on, and counts anew.
  if (is_inside_) steps.began_ns.store(NowNs(), std::memory_order_release);
}

void MayBlockHere() { may_block_here = true; }

}  // namespace mobula::runtime
