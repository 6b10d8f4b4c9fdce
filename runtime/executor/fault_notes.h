// Fault notes tell, when a fault ends a host of shared actors, which of them it
// was in: the one that ran on the thread that faulted.
//
//   WatchFaults(page);      // once, before the first shared actor
// Signals of a fault (SIGSEGV, SIGABRT, ...) and exit() write who is current on
// their thread (current.h) to the worker's page, and go their ways: handlers
// that were there before run as they would have. On a thread of nobody's
// nothing is written, and so with _exit and with a handler that the program
// puts in place of ours: then nobody is charged. Threading: WatchFaults and
// NoteStack from any thread.
#ifndef MOBULA_RUNTIME_EXECUTOR_FAULT_NOTES_H_
#define MOBULA_RUNTIME_EXECUTOR_FAULT_NOTES_H_

#include <cstddef>
#include <memory>

#include "base/shm/worker_page.h"

namespace mobula::runtime {

// Null: it does nothing. The page must stay.
void WatchFaults(base::WorkerPage* page);

// A stack for the handlers of the calling thread while it lives, so that one
// that has used up its own is noted too.
class FaultStack {
 public:
  FaultStack();
  ~FaultStack();
  FaultStack(const FaultStack&) = delete;
  FaultStack& operator=(const FaultStack&) = delete;

 private:
  std::unique_ptr<std::byte[]> bytes_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_FAULT_NOTES_H_
