// Where the programs that a test runs are built.
//
//   std::string path = ProgramPath("tests/integration/victim");
//
// In a Bazel test they lie in its runfiles (name them in `data`).
// Threading: any.
#ifndef MOBULA_TESTS_INTEGRATION_PROGRAMS_H_
#define MOBULA_TESTS_INTEGRATION_PROGRAMS_H_

#include <string>
#include <vector>

namespace mobula::test {

// `name` is the path in the tree, without extension.
std::string ProgramPath(const std::string& name);

// What a program did: its exit code (128 + signal where a signal ended it) and
// all that it wrote to standard output and standard error.
struct Ended {
  int code = 0;
  std::string output;
};

// Runs the program to its end with `environment` ("NAME=value") added.
Ended RunProgram(const std::vector<std::string>& command,
                 const std::vector<std::string>& environment = {});

}  // namespace mobula::test

#endif  // MOBULA_TESTS_INTEGRATION_PROGRAMS_H_
