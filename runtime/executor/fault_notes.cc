#include "runtime/executor/fault_notes.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>

#include "base/check.h"
#include "runtime/executor/current.h"

namespace mobula::runtime {
namespace {

constexpr std::array kSignals = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                                 SIGABRT, SIGTRAP, SIGSYS};
constexpr std::size_t kStackBytes = std::size_t{64} << 10;

std::atomic<base::WorkerPage*> page_of_process{nullptr};
std::array<struct sigaction, kSignals.size()> before;
pid_t process = 0;  // a forked child has no page

void Note() {
  const CurrentExecution* const current = Current();
  if (current == nullptr || current->actor.IsNil()) return;
  if (::getpid() != process) return;
  base::WorkerPage* const page = page_of_process.load();
  if (page != nullptr) page->Charge(current->actor, current->function);
}

// As if this handler had never been there.
void OnFault(int signal, siginfo_t* info, void* /*context*/) {
  Note();
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    if (kSignals[i] == signal) ::sigaction(signal, &before[i], nullptr);
  }
  // What the processor found it finds again; what was sent is sent again.
  if (info->si_code <= 0) ::raise(signal);
}

}  // namespace

void WatchFaults(base::WorkerPage* page) {
  if (page == nullptr) return;
  base::WorkerPage* none = nullptr;
  if (!page_of_process.compare_exchange_strong(none, page)) return;
  process = ::getpid();
  struct sigaction action = {};
  action.sa_sigaction = OnFault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigfillset(&action.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    const int error = ::sigaction(kSignals[i], &action, &before[i]);
    MOBULA_CHECK(error == 0, "a handler can be set");
  }
  std::atexit(Note);
}

FaultStack::FaultStack() {
  stack_t old = {};
  if (::sigaltstack(nullptr, &old) != 0 || (old.ss_flags & SS_DISABLE) == 0) {
    return;  // it has one, a sanitizer's
  }
  bytes_ = std::make_unique<std::byte[]>(kStackBytes);
  stack_t mine = {};
  mine.ss_sp = bytes_.get();
  mine.ss_size = kStackBytes;
  ::sigaltstack(&mine, nullptr);
}

FaultStack::~FaultStack() {
  if (bytes_ == nullptr) return;
  stack_t none = {};
  none.ss_flags = SS_DISABLE;
  ::sigaltstack(&none, nullptr);
}

}  // namespace mobula::runtime
