#include "examples/flags/run_example.h"

#include <mobula/mobula.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace examples {

int RunExample(int argc, char** argv, Flags flags, const std::uint32_t& workers,
               const std::function<ExitCode(double workers)>& run) {
  try {
    flags.Parse(std::vector<std::string>(argv + 1, argv + argc));
    if (flags.help()) {
      std::fputs(flags.Usage().c_str(), stdout);
      return kRight;
    }
    mobula::InitOptions init;
    if (workers > 0) init.Cpus(workers);
    const mobula::Runtime runtime = mobula::Init(argc, argv, init);
    return run(runtime.Cpus());
  } catch (const BadFlag& e) {
    std::fprintf(stderr, "%s: %s (see --help)\n", flags.program().c_str(),
                 e.what());
    return kMisused;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", flags.program().c_str(), e.what());
    return kWrong;
  }
}

}  // namespace examples
