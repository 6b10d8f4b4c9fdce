#include "tests/machines/make_machines.h"

#include "tests/machines/netns_machines.h"

namespace mobula::test {

std::unique_ptr<Machines> MakeMachines(int count) {
  return std::make_unique<NetnsMachines>(count);
}

}  // namespace mobula::test
