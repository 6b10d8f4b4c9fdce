// BecomeMobula is what a forked child of a keeper or janitor does to be another
// `mobula`: the control store, or one that tells it something.
//
//   const pid_t parent = ::getpid();
//   if (::fork() == 0) BecomeMobula({"report-node-dead", ...}, parent);
// Threading: in a child that has one thread.
// Failure: a line in the log and exit code 127.
#ifndef MOBULA_RAYLET_SPAWN_BECOME_MOBULA_H_
#define MOBULA_RAYLET_SPAWN_BECOME_MOBULA_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace mobula::raylet {

// The descriptor in the child at which it finds `serves`.
inline constexpr int kServesFd = 3;

// It dies with `parent`, and has no signal blocked and no descriptor but 0 to 2
// and, if it is given one, `serves`.
[[noreturn]] void BecomeMobula(std::vector<std::string> arguments, pid_t parent,
                               int serves = -1);

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SPAWN_BECOME_MOBULA_H_
