// MOBULA_WORKER_SETUP(function) has each worker process call `function`, a
// void() of the program, once: after static initialisation and before the first
// task. The driver and local mode never call it.
//
//   void OpenTables() { ... }
//   MOBULA_WORKER_SETUP(OpenTables);
//
// Several run in no order that can be relied on. If one throws, the worker ends
// and prints what(); what was to run there fails with WorkerStartError.
// Threading: the worker's main thread.
#ifndef MOBULA_API_MOBULA_WORKER_SETUP_H_
#define MOBULA_API_MOBULA_WORKER_SETUP_H_

namespace mobula::detail {

// Notes the function while it is initialised, before main.
class WorkerSetup {
 public:
  using Function = void (*)();
  explicit WorkerSetup(Function function);

  // Calls all that were noted.
  static void RunAll();
};

}  // namespace mobula::detail

#define MOBULA_WORKER_SETUP(function) \
  MOBULA_WORKER_SETUP_AT(function, __COUNTER__)
#define MOBULA_WORKER_SETUP_AT(function, number) \
  MOBULA_WORKER_SETUP_NAMED(function, number)
#define MOBULA_WORKER_SETUP_NAMED(function, number)           \
  [[maybe_unused]] static const ::mobula::detail::WorkerSetup \
      mobula_worker_setup_##number(function)

#endif  // MOBULA_API_MOBULA_WORKER_SETUP_H_
