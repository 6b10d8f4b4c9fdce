// CoroutineRun is one run of a remote function that is a coroutine: whoever
// runs functions for others (a worker, local mode) begins it, and hears of its
// end.
//
//   prepared --Begin--> runs <--> waits --> ended (Owner::Ended, once)
// Owner: who prepared it; it stays until it has ended, or is never begun.
// Threading: Begin runs it on the calling thread until it waits first; after
// that it goes on on its executor. Stop from any thread.
#ifndef MOBULA_BASE_THREADS_COROUTINE_RUN_H_
#define MOBULA_BASE_THREADS_COROUTINE_RUN_H_

#include "base/failure.h"

namespace mobula::base {

class CoroutineRun {
 public:
  class Owner {
   public:
    // It has ended: on its executor, or inside of Begin. All that it held is
    // gone but for the CoroutineRun, which may go too, also inside of this.
    virtual void Ended(Outcome outcome) noexcept = 0;

   protected:
    ~Owner() = default;
  };

  CoroutineRun() = default;
  virtual ~CoroutineRun() = default;
  CoroutineRun(const CoroutineRun&) = delete;
  CoroutineRun& operator=(const CoroutineRun&) = delete;

  virtual void Begin() = 0;
  // Its waits end with Cancelled from here on, also before Begin.
  virtual void Stop() noexcept = 0;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_THREADS_COROUTINE_RUN_H_
