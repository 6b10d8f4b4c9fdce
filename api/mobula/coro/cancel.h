// Cancel takes back a task or a call of an actor, wherever it is.
//
//   mobula::Ref<Path> path = mobula::Spawn<Search>(map, goal);
//   ...
//   mobula::Cancel(path);
//   path.Get();                    // throws Cancelled
//
//   Path Search(const Map& map, Point goal) {
//     while (...) {
//       mobula::ThrowIfStopped();  // for code that computes
//       ...
//     }
//   }
//
// What waits for its arguments, for a free slot or in a worker never starts.
// What runs is told to stop: it runs in a Scope (scope.h), so every wait of
// this library in it throws Cancelled, and CurrentStopToken() says so; code
// that asks nobody runs to its end, holds its slot until then, and what it
// returns is dropped. Either way the Ref is an error, Cancelled, whose
// executed() is kNo where it certainly never started. It is never tried again,
// and what has the Ref as an argument fails with it. A Ref may be of another
// process's task: its owner is asked. What is cancelled cancels what it has
// itself spawned and called, unless that was done in a Shielded scope or on a
// thread of its own (CancelOptions().Recursive(false): not). A Scope that is
// stopped does the same to what was spawned in it. Threading: any thread, in
// tasks too. The idea: ray.cancel (Moritz and others, "Ray", OSDI 2018); of
// scopes: Trio.
#ifndef MOBULA_API_MOBULA_CORO_CANCEL_H_
#define MOBULA_API_MOBULA_CORO_CANCEL_H_

#include "api/mobula/detail/calls.h"
#include "api/mobula/options.h"
#include "api/mobula/ref.h"
#include "api/mobula/streams/ref_stream.h"

namespace mobula {

// Whether the Ref is, or is in a moment, Cancelled; false, and nothing is done,
// if the task had finished. Waits for the owner's word only, not for the task.
// Throws BadArgument for a Ref that refers to nothing or to a value that was
// Put, and for Force of an actor's call; RuntimeClosed; TimeoutError if the
// owner does not answer within 10 s.
template <class T>
bool Cancel(const Ref<T>& ref, const CancelOptions& options = CancelOptions()) {
  return detail::CancelTaskOf(RefAccess::Object(ref), options);
}

// The same of a generator: what came before can still be taken, then Next
// throws Cancelled.
template <class T>
bool Cancel(const RefStream<T>& stream,
            const CancelOptions& options = CancelOptions()) {
  return detail::CancelTaskOf(RefStreamAccess::Object(stream), options);
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_CORO_CANCEL_H_
