#include "runtime/executor/spawner.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>

#include "base/check.h"
#include "runtime/executor/named_thread.h"

// The system library's clone by its other name: ThreadSanitizer stands in for
// clone as it does for fork, and forgets afterwards who waited for whom.
extern "C" int __clone(int (*function)(void*), void* stack, int flags,
                       void* argument, ...);

namespace mobula::runtime {
namespace {

constexpr std::size_t kStackBytes = std::size_t{64} << 10;
constexpr int kFirstOther = 3;
constexpr int kNotExecuted = 127;
constexpr int kSignals = 64;

// What the child needs, all of it made before: it must not allocate.
struct Plan {
  const char* program = nullptr;
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  const char* folder = nullptr;  // null: as it is
  int fds[3] = {-1, -1, -1};
  pid_t parent = 0;
  // From the child, which shares our memory.
  int error = 0;
  const char* failed = "";
};

// As the kernel takes it.
struct KernelAction {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)();
  std::uint64_t mask;
};

// In the child nothing is called but the system: the sanitizers would write
// down in our memory what a thread did that does not exist.
#define MOBULA_IN_CHILD \
  __attribute__((no_sanitize("address"), no_sanitize("thread"), noinline))

MOBULA_IN_CHILD int Fail(Plan* plan, const char* failed, int error) {
  plan->failed = failed;
  plan->error = error;
  ::syscall(SYS_exit_group, kNotExecuted);
  return 0;
}

// Handlers of ours must not run there, nor what we ignore be ignored.
MOBULA_IN_CHILD void ForgetSignals() {
  KernelAction action{};
  for (int signal = 1; signal <= kSignals; ++signal) {
    ::syscall(SYS_rt_sigaction, signal, &action, nullptr,
              sizeof(std::uint64_t));
  }
  std::uint64_t none = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof none);
}

MOBULA_IN_CHILD int BecomeProgram(void* given) {
  Plan* const plan = static_cast<Plan*>(given);
  ::syscall(SYS_setpgid, 0, 0);
  ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // It may have ended before it was asked for.
  if (::syscall(SYS_getppid) != plan->parent) {
    return Fail(plan, "start", ECHILD);
  }
  for (int i = 0; i < kFirstOther; ++i) {
    if (::syscall(SYS_dup3, plan->fds[i], i, 0) < 0) {
      return Fail(plan, "take its descriptors", errno);
    }
  }
  ::syscall(SYS_close_range, kFirstOther, ~0U, 0);
  if (plan->folder != nullptr && ::syscall(SYS_chdir, plan->folder) != 0) {
    return Fail(plan, "enter its folder", errno);
  }
  ForgetSignals();
  ::syscall(SYS_execve, plan->program, plan->argv, plan->environment);
  return Fail(plan, "start", errno);
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

void Spawn(SpawnJob& job) {
  const std::vector<char*> argv = Pointers(job.argv);
  const std::vector<char*> environment = Pointers(job.environment);
  Plan plan;
  plan.program = job.program.c_str();
  plan.argv = argv.data();
  plan.environment = environment.data();
  plan.folder = job.folder.empty() ? nullptr : job.folder.c_str();
  plan.parent = ::getpid();
  // Above those that they are to become.
  std::array<base::UniqueFd, 3> copies;
  for (std::size_t i = 0; i < copies.size(); ++i) {
    copies[i].Reset(::fcntl(job.fds[i], F_DUPFD_CLOEXEC, kFirstOther));
    plan.fds[i] = copies[i].get();
    if (!copies[i].valid()) {
      job.error = errno;
      job.failed = "take its descriptors";
      return;
    }
  }
  const auto stack = std::make_unique<std::byte[]>(kStackBytes);
  int pidfd = -1;
  // No signal that the child gets before it has forgotten our handlers.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid =
      ::__clone(&BecomeProgram, stack.get() + kStackBytes,
                CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &plan, &pidfd);
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) {
    job.error = error;
    job.failed = "start";
    return;
  }
  job.pidfd.Reset(pidfd);
  if (plan.error == 0) {
    job.pid = pid;
    return;
  }
  job.error = plan.error;
  job.failed = plan.failed;
  siginfo_t end{};
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &end, WEXITED) != 0 &&
         errno == EINTR) {
  }
  job.pidfd.Reset();
}

}  // namespace

Spawner::~Spawner() {
  base::MutexLock lock(mutex_);
  MOBULA_CHECK(!has_thread_, "what it has started would end with it");
}

void Spawner::Start(SpawnJob* job) {
  MOBULA_CHECK(job->done != nullptr && !job->argv.empty());
  base::MutexLock lock(mutex_);
  if (!has_thread_) {
    try {
      StartNamedThread("mobula-spawn", [this] { Run(); }).detach();
    } catch (const std::system_error& error) {
      MOBULA_CHECK(false, "no thread can be started") << error.what();
    }
    has_thread_ = true;
  }
  job->next = nullptr;
  (first_ == nullptr ? first_ : last_->next) = job;
  last_ = job;
  changed_.NotifyOne();
}

void Spawner::Run() {
  while (true) {
    SpawnJob* job = nullptr;
    {
      base::MutexLock lock(mutex_);
      while (first_ == nullptr) changed_.Wait(mutex_);
      job = first_;
      first_ = job->next;
    }
    Spawn(*job);
    job->done(job);
  }
}

}  // namespace mobula::runtime
