// StartedHead is a head of a cluster that `mobula start --head` began for a
// test, in folders of its own; what it leaves is ended and counted.
//
//   StartedHead head({"--cpus", "2"});
//   ASSERT_EQ(head.started().code, 0) << head.started().output;
//   RunProgram({ProgramPath("examples/hello/hello")}, head.environment());
//
// Threading: one thread.
#ifndef MOBULA_TESTS_INTEGRATION_STARTED_HEAD_H_
#define MOBULA_TESTS_INTEGRATION_STARTED_HEAD_H_

#include <string>
#include <vector>

#include "tests/integration/programs.h"

namespace mobula::test {

class StartedHead {
 public:
  explicit StartedHead(std::vector<std::string> flags = {});
  ~StartedHead();  // Stop, then SIGKILL to what carries its mark
  StartedHead(const StartedHead&) = delete;
  StartedHead& operator=(const StartedHead&) = delete;

  // How `mobula start` went.
  [[nodiscard]] const Ended& started() const { return started_; }
  // For programs and tools that are to find this head and no other.
  [[nodiscard]] const std::vector<std::string>& environment() const {
    return environment_;
  }
  [[nodiscard]] const std::string& store() const { return store_; }
  // `mobula WORDS...` with that environment.
  [[nodiscard]] Ended Tool(const std::vector<std::string>& words) const;
  Ended Stop();
  // `start --head` again, with the same flags and folders.
  void StartAgain();
  // Processes that carry its mark.
  [[nodiscard]] std::vector<int> Left() const;

 private:
  const std::vector<std::string> flags_;
  std::string mark_;
  std::string folder_;
  std::string store_;  // of the control store
  std::vector<std::string> environment_;
  Ended started_;
};

}  // namespace mobula::test

#endif  // MOBULA_TESTS_INTEGRATION_STARTED_HEAD_H_
