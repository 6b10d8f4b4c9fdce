// The whole life of a worker process, from the moment the library has taken
// over until it ends.
//
// The raylet started this executable with MOBULA_WORKER in its environment, its
// link as descriptor 3 and the worker's page as 4. The API's takeover calls
// WorkerMain on the main thread, after static initialisation, and hands its
// result to exit(), so that static destructors run.
// Threading: call it once, on the main thread; the functions of the job run
// there too.
// Failure: a message on standard error and a code of worker_exit.h. When the
// raylet is gone the process ends at once (_exit), also in the midst of a
// function.
#ifndef MOBULA_RUNTIME_PROCESS_WORKER_MAIN_H_
#define MOBULA_RUNTIME_PROCESS_WORKER_MAIN_H_

#include <functional>

#include "runtime/process/backend.h"
#include "runtime/process/worker_exit.h"

namespace mobula::runtime {

struct WorkerHooks {
  // Before the process serves: a worker that ends here has not started, and
  // nothing was given to it. The API runs the program's own setup hooks. A
  // nonzero result ends the worker with that code.
  std::function<int()> setup;
  // Before the first function, with the runtime of this process (the API makes
  // it the current one). A nonzero result ends the worker with that code.
  std::function<int(Backend& backend)> start;
  // After the last function, before the backend is gone.
  std::function<void()> stop;
};

// Whether this process was started as a worker.
[[nodiscard]] bool IsWorkerProcess();

// Serves until the raylet says that it is enough; the code to exit with.
int WorkerMain(const WorkerHooks& hooks = {});

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_PROCESS_WORKER_MAIN_H_
