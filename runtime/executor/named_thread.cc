#include "runtime/executor/named_thread.h"

#include <pthread.h>

#include <csignal>
#include <memory>
#include <system_error>
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

pthread_t StartDeepThread(const std::string& name, std::size_t stack_bytes,
                          std::function<void()> run) {
  const QuietSignals quiet;
  auto body = std::make_unique<std::function<void()>>(
      [shown = name.substr(0, kThreadNameMax), run = std::move(run)] {
        ::pthread_setname_np(::pthread_self(), shown.c_str());
        run();
      });
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, stack_bytes);
  pthread_t thread{};
  const int error = ::pthread_create(
      &thread, &attributes,
      [](void* given) -> void* {
        const std::unique_ptr<std::function<void()>> owned(
            static_cast<std::function<void()>*>(given));
        (*owned)();
        return nullptr;
      },
      body.get());
  ::pthread_attr_destroy(&attributes);
  if (error != 0) throw std::system_error(error, std::generic_category());
  (void)body.release();
  return thread;
}

}  // namespace mobula::runtime
