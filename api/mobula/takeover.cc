#include "api/mobula/takeover.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "api/mobula/detail/session.h"
#include "base/check.h"
#include "runtime/process/worker_main.h"

namespace mobula::detail {
namespace {

using Main = int (*)(int, char**, char**);
using StartMain = int (*)(Main, int, char**, void (*)(), void (*)(), void (*)(),
                          void*);

Main program_main = nullptr;

int RunProgram(int argc, char** argv, char** environment) {
  return WorkerOrMain(program_main, argc, argv, environment);
}

int Serve() {
  std::shared_ptr<Session> session;
  runtime::WorkerHooks hooks;
  hooks.start = [&session](runtime::Backend& backend) {
    // The backend is the worker's; it outlives what runs on it.
    session = std::make_shared<Session>(std::shared_ptr<runtime::Backend>(
        std::shared_ptr<runtime::Backend>(), &backend));
    MOBULA_CHECK(Session::MakeCurrent(session), "a second runtime");
    return 0;
  };
  hooks.stop = [&session] {
    if (session != nullptr) session->Close();
  };
  return runtime::WorkerMain(hooks);
}

}  // namespace

int WorkerOrMain(Main main, int argc, char** argv, char** environment) {
  return runtime::IsWorkerProcess() ? Serve() : main(argc, argv, environment);
}

}  // namespace mobula::detail

// Runs before sanitizers are ready where they are linked statically, and must
// therefore not be instrumented.
#if defined(__clang__)
__attribute__((disable_sanitizer_instrumentation))
#endif
extern "C" __attribute__((no_sanitize("address", "thread", "undefined"),
                          visibility("default"))) int
__libc_start_main(mobula::detail::Main main, int argc, char** argv,
                  void (*init)(), void (*fini)(), void (*loader_fini)(),
                  void* stack_end) {
  void* const real = dlsym(RTLD_NEXT, "__libc_start_main");
  if (real == nullptr) {
    static constexpr char kMessage[] =
        "mobula: there is no __libc_start_main after the library's own; a "
        "static executable is linked with static_takeover\n";
    (void)!write(2, kMessage, sizeof(kMessage) - 1);
    _exit(127);
  }
  mobula::detail::program_main = main;
  return reinterpret_cast<mobula::detail::StartMain>(real)(
      mobula::detail::RunProgram, argc, argv, init, fini, loader_fini,
      stack_end);
}
