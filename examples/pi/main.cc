// pi: by throwing points at a square, on worker processes. See README.md beside
// it.
#include <mobula/mobula.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "examples/flags/flags.h"
#include "examples/flags/run_example.h"
#include "examples/pi/estimate.h"
#include "examples/pi/samples.h"

namespace pi {
namespace {

using examples::ExitCode;
using examples::kRight;
using examples::kWrong;

struct Options {
  std::uint64_t samples = 100'000'000;
  std::uint32_t tasks = 64;
  std::uint64_t seed = 1;
  std::uint32_t workers = 0;
  bool verify = false;
};

examples::Flags FlagsFor(Options* options) {
  examples::Flags flags(
      "pi", "Estimates pi by random points, counted on worker processes.");
  flags.Number("--samples", &options->samples, 1, 1'000'000'000'000,
               "points to throw");
  flags.Number("--tasks", &options->tasks, 1, 1'000'000,
               "parts, each a task with points of its own");
  flags.Number("--seed", &options->seed, 0, ~std::uint64_t{0}, "of all points");
  flags.Number("--workers", &options->workers, 0, 1024,
               "processors to use, 0 for all");
  flags.Switch("--verify", &options->verify,
               "count again in one thread and compare");
  return flags;
}

ExitCode Print(const Options& options, double workers) {
  const std::vector<Part> parts =
      Divide(options.samples, options.tasks, options.seed);
  const std::uint64_t inside = CountOnWorkers(parts);
  if (options.verify) {
    std::uint64_t counted = 0;
    for (const Part& part : parts) counted += CountInside(part);
    if (counted != inside) {
      std::printf("WRONG: workers counted %" PRIu64 ", one thread %" PRIu64
                  "\n",
                  inside, counted);
      return kWrong;
    }
  }
  const Estimate estimate = EstimateFrom(inside, options.samples);
  const bool is_near = estimate.sigmas_off <= kSigmasMax;
  std::printf("pi: %.9f +- %.9f, %.2f sigma off%s\n", estimate.value,
              estimate.standard_error, estimate.sigmas_off,
              is_near ? "" : ": WRONG");
  std::printf("pi: %" PRIu64 " of %" PRIu64
              " points inside, %zu tasks, %g workers, seed %" PRIu64 "%s\n",
              inside, options.samples, parts.size(), workers, options.seed,
              options.verify ? ", verified" : "");
  return is_near ? kRight : kWrong;
}

}  // namespace
}  // namespace pi

int main(int argc, char** argv) {
  pi::Options options;
  return examples::RunExample(
      argc, argv, pi::FlagsFor(&options), options.workers,
      [&](double workers) { return pi::Print(options, workers); });
}
