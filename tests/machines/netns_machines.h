// NetnsMachines are machines made of namespaces: network, processes, mounts and
// host name are each one's own; the disk is this machine's, but for its
// folders.
// Needs root.   Threading: one thread.
#ifndef MOBULA_TESTS_MACHINES_NETNS_MACHINES_H_
#define MOBULA_TESTS_MACHINES_NETNS_MACHINES_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/machines/machines.h"

namespace mobula::test {

class NetnsMachines : public Machines {
 public:
  explicit NetnsMachines(int count);
  ~NetnsMachines() override;

  std::string Mobula() override;
  [[nodiscard]] Words On(int machine, const Words& command) const override;

 protected:
  std::string Begin(int machine, std::string* error) override;
  void End(int machine) override;
  void Freeze(int machine) override;
  void Thaw(int machine) override;

 private:
  struct Made {
    std::unique_ptr<RunningProgram> init;
    pid_t first = 0;  // the machine's process 1, as it is here
  };

  [[nodiscard]] std::string FolderOf(int machine) const;
  // Of all that it runs, but its first process; as they are here.
  [[nodiscard]] std::vector<pid_t> PidsOf(int machine) const;

  std::map<int, Made> made_;
};

}  // namespace mobula::test

#endif  // MOBULA_TESTS_MACHINES_NETNS_MACHINES_H_
