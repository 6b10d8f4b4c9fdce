// StepWatch notices steps that hold a thread of a pool for too long: what a
// coroutine does between two waits, or a callback.
//
//   if (base::IsDebugging()) {
//     const WatchedStep step(ResumeOf(frame));
//     ... the step ...
//   }
// A thread of its own looks at those that run now, each 25 ms, and reports one
// that has run for longer than 100 ms (MOBULA_DEBUG_SLOW_MS) once, with its
// name and where it is. For the latter it interrupts the thread by SIGPROF,
// unless the program uses that itself; system calls that are not restarted
// (poll) then end with EINTR.
// Threads that are there to block say so (MayBlockHere) and are left alone.
// Owner: the process, in the debug mode. A forked child watches nothing.
// Threading: any.
#ifndef MOBULA_RUNTIME_DEBUG_STEP_WATCH_H_
#define MOBULA_RUNTIME_DEBUG_STEP_WATCH_H_

namespace mobula::runtime {

// On the stack of the thread that makes the step. They nest.
class WatchedStep {
 public:
  // `function` is what runs, or how a coroutine is resumed.
  explicit WatchedStep(const void* function);
  ~WatchedStep();
  WatchedStep(const WatchedStep&) = delete;
  WatchedStep& operator=(const WatchedStep&) = delete;

 private:
  bool is_inside_ = false;
  const void* function_before_ = nullptr;
};

// The calling thread is for what blocks.
void MayBlockHere();

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_DEBUG_STEP_WATCH_H_
