// RunningProgram is a program that runs beside a test, and what it says.
//
//   RunningProgram program({ProgramPath("examples/hello/hello")}, environment);
//   EXPECT_EQ(program.Line(), "ready");
// What its workers say, lines that begin with "(", is left out.
// Threading: one thread.
#ifndef MOBULA_TESTS_INTEGRATION_RUNNING_PROGRAM_H_
#define MOBULA_TESTS_INTEGRATION_RUNNING_PROGRAM_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace mobula::test {

class RunningProgram {
 public:
  // With `environment` ("NAME=value") added.
  RunningProgram(const std::vector<std::string>& command,
                 const std::vector<std::string>& environment);
  ~RunningProgram();  // SIGKILL
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  // What it says next; "" if it ended, "too late" after 60 s.
  std::string Line();
  // Its standard input ends. Its exit code, 128 + signal where one ended it.
  int End();
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  std::string AnyLine();

  pid_t pid_ = 0;
  int input_ = -1;
  int output_ = -1;
};

}  // namespace mobula::test

#endif  // MOBULA_TESTS_INTEGRATION_RUNNING_PROGRAM_H_
