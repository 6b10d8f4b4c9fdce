#include "tests/machines/make_machines.h"

#include <cstdlib>
#include <string_view>

#include "tests/machines/docker_engine.h"
#include "tests/machines/docker_machines.h"
#include "tests/machines/netns_machines.h"

namespace mobula::test {

std::unique_ptr<Machines> MakeMachines(int count) {
  const char* const kind = std::getenv("MOBULA_MACHINES");
  if (kind == nullptr || kind == std::string_view("netns")) {
    return std::make_unique<NetnsMachines>(count);
  }
  // Its image is made once in a test program.
  static const DockerEngine docker;
  return std::make_unique<DockerMachines>(count, docker);
}

}  // namespace mobula::test
