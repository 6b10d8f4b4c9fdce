// RunRaylet is the process `mobula raylet`: the janitor, and in its child the
// raylet, from the command line to the exit code.
//
// It ends, with exit code 0, when the driver at the other end of driver_fd is
// gone, also before anything was said.
// Threading: called by main, in a process with one thread.
// Failure: a sentence on stderr and exit code 1; 2 where the arguments make no
// sense.
#ifndef MOBULA_RAYLET_SERVER_RAYLET_MAIN_H_
#define MOBULA_RAYLET_SERVER_RAYLET_MAIN_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace mobula::raylet {

struct RayletOptions {
  int driver_fd = -1;   // our end of the socketpair that the driver made
  int program_fd = -1;  // the driver's executable
  std::optional<double> cpus;
  std::optional<std::int64_t> memory_bytes;
  std::map<std::string, double> resources;
  std::optional<int> workers_max;
};

int RunRaylet(const RayletOptions& options);

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SERVER_RAYLET_MAIN_H_
