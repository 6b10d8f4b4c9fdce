// What a process's end looks like to people and to retries, from the status
// that the kernel gives.
// Threading: values.
#ifndef MOBULA_RAYLET_SPAWN_EXIT_STORY_H_
#define MOBULA_RAYLET_SPAWN_EXIT_STORY_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/failure.h"

namespace mobula::raylet {

// `status` as of waitpid. `running` is the function that ran, "" if none.
base::Failure FailureOfExit(pid_t pid, int status, const std::string& running,
                            std::vector<std::string> log_tail);

// "the raylet was killed by signal 9 (SIGKILL)".
std::string StoryOfExit(const std::string& who, int status);

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SPAWN_EXIT_STORY_H_
