#include "runtime/executor/named_thread.h"

#include <pthread.h>

#include <csignal>
#include <utility>

namespace mobula::runtime {
namespace {

constexpr std::size_t kThreadNameMax = 15;

// While it lives, threads that are started block what they must not take.
class QuietSignals {
 public:
  QuietSignals() {
    sigset_t quiet;
    ::sigfillset(&quiet);
    for (const int own :
         {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGPROF}) {
      ::sigdelset(&quiet, own);
    }
    ::pthread_sigmask(SIG_SETMASK, &quiet, &before_);
  }
  ~QuietSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  QuietSignals(const QuietSignals&) = delete;
  QuietSignals& operator=(const QuietSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

std::thread StartNamedThread(const std::string& name,
                             std::function<void()> run) {
  const QuietSignals quiet;
  return std::thread(
      [shown = name.substr(0, kThreadNameMax), run = std::move(run)] {
        ::pthread_setname_np(::pthread_self(), shown.c_str());
        run();
      });
}

}  // namespace mobula::runtime
