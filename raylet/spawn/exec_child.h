// What a child of a raylet or keeper does between its fork and its exec, and
// the fork itself.
//
//   int error = 0;
//   const pid_t pid = VforkExec(
//       [&plan](volatile int* why) { BecomeWorker(plan, why); }, &error);
//
// A child made by vfork shares our memory until it executes: what runs in it
// makes system calls only, and changes nothing of ours but `why`.
// Threading: VforkExec blocks until the child has executed or given up.
#ifndef MOBULA_RAYLET_SPAWN_EXEC_CHILD_H_
#define MOBULA_RAYLET_SPAWN_EXEC_CHILD_H_

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace mobula::raylet {

// Runs `become` in a child; it executes, or sets *why and ends the child. Its
// pid, with *error 0 or what it gave up with; -1, and why, if there is no
// process. No handler of ours runs in the child.
pid_t VforkExec(const std::function<void(volatile int* why)>& become,
                int* error);

// ---- in the child ----------------------------------------------------------

// The kernel ends it with the thread that made it; false if that has ended.
[[nodiscard]] bool DieWithParent(pid_t parent);
// Every descriptor from `first` on is closed by the exec.
void CloseOnExecFrom(int first);
// Every signal is at its default, and none is blocked.
void ResetSignals();

// ---- before it -------------------------------------------------------------

// Our environment without what is a worker's own, and its marks (MOBULA_WORKER,
// MOBULA_SESSION, MOBULA_ORIGIN): we may be the raylet of a program that a
// worker of another session started.
std::vector<std::string> EnvironmentForChildren();
// The words for argv or an environment, and a null behind them.
std::vector<char*> Pointers(std::vector<std::string>& words);

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SPAWN_EXEC_CHILD_H_
