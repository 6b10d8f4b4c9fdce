// RunExample is what `main` of an example does: reads the flags, starts the
// runtime, runs the example and says what went wrong.
//
//   int main(int argc, char** argv) {
//     Options options;
//     return examples::RunExample(
//         argc, argv, FlagsFor(&options), options.workers,
//         [&](double workers) { return Draw(options, workers); });
//   }
//
// Threading: one thread.
#ifndef MOBULA_EXAMPLES_FLAGS_RUN_EXAMPLE_H_
#define MOBULA_EXAMPLES_FLAGS_RUN_EXAMPLE_H_

#include <cstdint>
#include <functional>

#include "examples/flags/flags.h"

namespace examples {

enum ExitCode : int { kRight = 0, kWrong = 1, kMisused = 2 };

// `workers` is looked at once the flags are read: the processors to use, 0 for
// all; `run` gets how many these are. Its exit code, kRight after --help,
// kMisused for flags that make no sense, kWrong for any other exception.
int RunExample(int argc, char** argv, Flags flags, const std::uint32_t& workers,
               const std::function<ExitCode(double workers)>& run);

}  // namespace examples

#endif  // MOBULA_EXAMPLES_FLAGS_RUN_EXAMPLE_H_
