#include "api/mobula/takeover.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <memory>

#include "api/mobula/detail/session.h"
#include "api/mobula/worker_setup.h"
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

int RunSetup() {
  try {
    WorkerSetup::RunAll();
    return 0;
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "mobula: MOBULA_WORKER_SETUP: %s\n", exception.what());
  } catch (...) {
    std::fprintf(stderr, "mobula: MOBULA_WORKER_SETUP threw\n");
  }
  return runtime::kWorkerSetupFailed;
}

int Serve() {
  std::shared_ptr<Session> session;
  runtime::WorkerHooks hooks;
  hooks.setup = RunSetup;
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

__attribute__((no_sanitize("undefined"))) int WorkerOrMain(Main main, int argc,
                                                           char** argv,
                                                           char** environment) {
  return runtime::IsWorkerProcess() ? Serve() : main(argc, argv, environment);
}

}  // namespace mobula::detail

// Weak, so that in a fully static executable the C library's own stands beside
// it and wins. Runs before sanitizers are ready where they are linked
// statically, and must therefore not be instrumented.
#if defined(__clang__)
__attribute__((disable_sanitizer_instrumentation))
#endif
extern "C" __attribute__((weak, visibility("default"),
                          no_sanitize("address", "thread", "undefined"))) int
__libc_start_main(mobula::detail::Main main, int argc, char** argv,
                  void (*init)(), void (*fini)(), void (*loader_fini)(),
                  void* stack_end) {
  void* const real = dlsym(RTLD_NEXT, "__libc_start_main");
  if (real == nullptr) {
    static constexpr char kMessage[] =
        "mobula: the C library has no __libc_start_main\n";
    (void)!write(2, kMessage, sizeof(kMessage) - 1);
    _exit(127);
  }
  mobula::detail::program_main = main;
  return reinterpret_cast<mobula::detail::StartMain>(real)(
      mobula::detail::RunProgram, argc, argv, init, fini, loader_fini,
      stack_end);
}

// With -Wl,--wrap=main the start code calls the first of these, and the second
// is the program's main; else neither is used.
extern "C" __attribute__((weak)) int __real_main(int, char**, char**);
extern "C" int __wrap_main(int argc, char** argv, char** environment) {
  return mobula::detail::WorkerOrMain(__real_main, argc, argv, environment);
}
