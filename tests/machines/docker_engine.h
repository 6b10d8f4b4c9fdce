// DockerEngine is a dockerd of a test's own, beside any other: its files lie in
// a temporary folder; its network, processes and mounts are its own, so that
// containers, and whatever it starts, end with it however that ends.
//
//   DockerEngine docker;
//   ASSERT_EQ(docker.trouble(), "");
//   RunProgram(docker.Command({"run", docker.image(), ...}));
// Its image is deploy/docker's, of the programs of this tree and the libraries
// of this machine.
// Needs root and Docker (deploy/setup.sh installs it).
// Threading: one thread.
#ifndef MOBULA_TESTS_MACHINES_DOCKER_ENGINE_H_
#define MOBULA_TESTS_MACHINES_DOCKER_ENGINE_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/integration/running_program.h"
#include "tests/machines/test_folder.h"

namespace mobula::test {

class DockerEngine {
 public:
  DockerEngine();
  ~DockerEngine();
  DockerEngine(const DockerEngine&) = delete;
  DockerEngine& operator=(const DockerEngine&) = delete;

  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  // `docker WORDS...` of this engine.
  [[nodiscard]] std::vector<std::string> Command(
      const std::vector<std::string>& words) const;
  [[nodiscard]] static const char* image() { return "mobula-test"; }
  // Of a process of a container, as Docker numbers it: what /proc has of it.
  [[nodiscard]] std::string ProcOf(const std::string& pid) const;

 private:
  void Start();
  void MakeImage();
  // `what` is for people.
  void Try(const std::string& what, const std::vector<std::string>& command);
  [[nodiscard]] std::string LogEnd() const;

  TestFolder folder_{"md"};
  std::unique_ptr<RunningProgram> init_;
  std::unique_ptr<RunningProgram> daemon_;
  pid_t first_ = 0;
  std::string trouble_;
};

}  // namespace mobula::test

#endif  // MOBULA_TESTS_MACHINES_DOCKER_ENGINE_H_
