// DockerMachines are containers, as deploy/docker makes them, with a user of
// their own and no rights; their network is the switch's alone.
// Threading: one thread.
#ifndef MOBULA_TESTS_MACHINES_DOCKER_MACHINES_H_
#define MOBULA_TESTS_MACHINES_DOCKER_MACHINES_H_

#include <set>
#include <string>
#include <vector>

#include "tests/machines/docker_engine.h"
#include "tests/machines/machines.h"

namespace mobula::test {

class DockerMachines : public Machines {
 public:
  // The engine outlives them.
  DockerMachines(int count, const DockerEngine& docker);
  ~DockerMachines() override;

  std::string Mobula() override;
  [[nodiscard]] Words On(int machine, const Words& command) const override;

 protected:
  std::string Begin(int machine, std::string* error) override;
  void End(int machine) override;
  void Freeze(int machine) override;
  void Thaw(int machine) override;

 private:
  void Do(const Words& words);
  Words MakeWords(int machine);

  const DockerEngine& docker_;
  std::set<int> made_;
};

}  // namespace mobula::test

#endif  // MOBULA_TESTS_MACHINES_DOCKER_MACHINES_H_
