// The runtime between ray::Init and ray::Shutdown. Not for users.
//
//   stopped --StartJob--> running --EndJob | the program's end--> stopped
// In a worker it is always running: what its driver began. One that
// mobula::Init began counts too.
// Owner: one for the process.   Threading: StartJob and EndJob from one thread
// at a time, the rest from any.
// Failure: RayException; then nothing was left behind.
#ifndef MOBULA_API_COMPAT_RAY_START_JOB_H_
#define MOBULA_API_COMPAT_RAY_START_JOB_H_

#include <string>

#include "api/compat/ray/api/ray_config.h"

namespace ray::internal {

// No effect where it runs already. argv: the --mobula- flags, which count as
// for mobula::Init; nothing is taken out of it.
void StartJob(const RayConfig& config, int argc = 0, char** argv = nullptr);
// No effect where none runs.
void EndJob();
bool IsJobRunning();
std::string JobNamespace();

// RayConfig::default_actor_lifetime of the job that this process works for.
bool IsDetachedByDefault();

// 128 random bits, as hexadecimal digits.
std::string RandomName();

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_START_JOB_H_
