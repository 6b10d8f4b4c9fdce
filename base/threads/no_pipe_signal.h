// NoPipeSignal: while it lives, a write of the calling thread to a pipe or
// stream that nobody reads any more is an error (EPIPE), and no signal.
//
//   const NoPipeSignal no_signal;
//   std::fwrite(...);
// `errno` is as it was before its end. Threading: one thread, on its stack.
#ifndef MOBULA_BASE_THREADS_NO_PIPE_SIGNAL_H_
#define MOBULA_BASE_THREADS_NO_PIPE_SIGNAL_H_

#include <signal.h>

namespace mobula::base {

class NoPipeSignal {
 public:
  NoPipeSignal();
  ~NoPipeSignal();
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_THREADS_NO_PIPE_SIGNAL_H_
