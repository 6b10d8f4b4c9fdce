// MOBULA_WORKER_SETUP(function) has each worker process call `function`, a
// void() of the program, once: after static initialisation and before the
// process serves. The driver and local mode never call it.
//
//   void OpenTables() { ... }
//   MOBULA_WORKER_SETUP(OpenTables);
//
// Several run in no order that can be relied on. There is no runtime yet: what
// needs one (Spawn, Get, KvGet) throws RuntimeClosed.
// If one throws, the worker ends and prints what(). That, or an exit or crash
// in it, is a worker that did not start: another one is tried, and after three
// in a row all that wait for a worker of this program fail with
// WorkerStartError, whose log_lines() are what the last one wrote; what is
// asked for later tries anew. A worker that does not serve 60 s after its start
// is killed and counts as one of the three. Threading: the worker's main
// thread.
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
