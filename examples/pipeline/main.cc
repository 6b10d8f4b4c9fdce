// pipeline: counts words in stages on worker processes, which hold one another
// back. See README.md beside it.
#include <mobula/mobula.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "examples/flags/flags.h"
#include "examples/flags/run_example.h"
#include "examples/pipeline/counts.h"
#include "examples/pipeline/stages.h"
#include "examples/pipeline/text.h"

namespace pipeline {
namespace {

using examples::ExitCode;
using examples::kRight;
using examples::kWrong;

struct Options {
  std::string file;
  std::uint64_t lines = 100'000;
  std::uint64_t seed = 1;
  std::uint32_t lanes = 2;
  std::uint32_t window = 4;
  std::uint32_t workers = 0;
  bool verify = false;
};

examples::Flags FlagsFor(Options* options) {
  examples::Flags flags("pipeline",
                        "Counts words in stages that hold one another back.");
  flags.Text("--file", &options->file, "text to read; else one is made up");
  flags.Number("--lines", &options->lines, 1, 1'000'000'000,
               "of the text that is made up");
  flags.Number("--seed", &options->seed, 0, ~std::uint64_t{0},
               "from which it follows");
  flags.Number("--lanes", &options->lanes, 1, 64,
               "of stages side by side, of a text that is made up");
  flags.Number("--window", &options->window, 1, 1'000,
               "blocks between two stages");
  flags.Number("--workers", &options->workers, 0, 1024,
               "processors to use, 0 for all");
  flags.Switch("--verify", &options->verify,
               "count again in one thread and compare");
  return flags;
}

std::vector<Source> SourcesOf(const Options& options) {
  if (!options.file.empty()) return {Source{options.file, 0, 0}};
  std::vector<Source> sources;
  for (std::uint64_t lane = 0; lane < options.lanes; ++lane) {
    const std::uint64_t before = options.lines * lane / options.lanes;
    const std::uint64_t behind = options.lines * (lane + 1) / options.lanes;
    sources.push_back(Source{"", behind - before, options.seed + lane});
  }
  return sources;
}

Counts CountHere(const std::vector<Source>& sources) {
  Counts all;
  for (const Source& source : sources) {
    for (const std::string& block : Blocks(source)) {
      AddTo(&all, CountWords(block));
    }
  }
  return all;
}

ExitCode Print(const Options& options, double workers) {
  const std::vector<Source> sources = SourcesOf(options);
  const Counts counts =
      CountOnWorkers(sources, static_cast<int>(options.window));
  if (options.verify && CountHere(sources) != counts) {
    std::printf("WRONG: one thread counted something else\n");
    return kWrong;
  }
  for (const auto& [word, count] : Frequent(counts, 5)) {
    std::printf("pipeline: %s %" PRIu64 "\n", word.c_str(), count);
  }
  std::printf(
      "pipeline: %" PRIu64 " lines, %" PRIu64
      " words, %zu different, %zu lanes, window %" PRIu32 ", %g workers%s\n",
      counts.lines, WordsIn(counts), counts.words.size(), sources.size(),
      options.window, workers, options.verify ? ", verified" : "");
  return kRight;
}

}  // namespace
}  // namespace pipeline

int main(int argc, char** argv) {
  pipeline::Options options;
  return examples::RunExample(
      argc, argv, pipeline::FlagsFor(&options), options.workers,
      [&](double workers) { return pipeline::Print(options, workers); });
}
