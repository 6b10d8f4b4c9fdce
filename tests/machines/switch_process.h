// SwitchProcess is the switch (tests/netns) between the machines of a test.
//
//   SwitchProcess between(5, folder);
//   between.Say("attach 1 /proc/1234/ns/net 10.77.0.1/24");   // "" if done
// Threading: one thread.
#ifndef MOBULA_TESTS_MACHINES_SWITCH_PROCESS_H_
#define MOBULA_TESTS_MACHINES_SWITCH_PROCESS_H_

#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "tests/integration/running_program.h"

namespace mobula::test {

class SwitchProcess {
 public:
  // The seed is MOBULA_NETWORK_SEED, else 1.
  SwitchProcess(int ports, const std::string& folder);

  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  // "" if it was done, else why not.
  std::string Say(const std::string& word);
  // What passed and what was lost, for people.
  std::string Counts();

 private:
  bool Connect(const std::string& path);
  // The answer, without "ok"; false if it is an error.
  bool Ask(const std::string& word, std::string* answer);

  std::unique_ptr<RunningProgram> program_;
  base::UniqueFd socket_;
  std::string trouble_;
};

}  // namespace mobula::test

#endif  // MOBULA_TESTS_MACHINES_SWITCH_PROCESS_H_
