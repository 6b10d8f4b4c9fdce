// parameter_server: learns to read digits, with the weights in actors that may
// die. See README.md beside it.
#include <mobula/mobula.h>

#include <bit>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "examples/flags/flags.h"
#include "examples/flags/run_example.h"
#include "examples/parameter_server/digits.h"
#include "examples/parameter_server/softmax.h"
#include "examples/parameter_server/trainer.h"

namespace digits {
namespace {

using examples::ExitCode;
using examples::kRight;
using examples::kWrong;

constexpr std::uint32_t kToLearn = 4000;
constexpr std::uint32_t kToTest = 1000;

struct Options {
  TrainOptions train;
  std::size_t mode = 0;
  std::uint32_t epochs = 8;
  std::uint32_t workers = 0;
  double accuracy_min = 90;  // percent
};

examples::Flags FlagsFor(Options* options) {
  examples::Flags flags(
      "parameter_server",
      "Learns to read digits on worker processes, with the weights in actors.");
  TrainOptions& train = options->train;
  flags.Choice("--mode", &options->mode, {"sync", "async"},
               "whether gradients of a round wait for one another");
  flags.Number("--shards", &train.shards, 1, 64, "actors that hold weights");
  flags.Number("--tasks", &train.tasks, 1, 64, "gradients computed at a time");
  flags.Number("--batch", &train.batch, 1, 4000, "digits for a gradient");
  flags.Number("--epochs", &options->epochs, 1, 1000, "times through all");
  flags.Number("--rate", &train.rate, 1e-6, 10, "of learning");
  flags.Number("--kills", &train.kills, 0, 100, "shards to kill meanwhile");
  flags.Number("--seed", &train.seed, 0, ~std::uint64_t{0},
               "of the digits, and of whom to kill");
  flags.Number("--workers", &options->workers, 0, 1024,
               "processors to use, 0 for all");
  flags.Number("--accuracy-min", &options->accuracy_min, 0, 100,
               "percent; less is a failure");
  return flags;
}

// FNV-1a of their bits.
std::uint64_t Checksum(const std::vector<float>& weights) {
  std::uint64_t sum = 0xcbf29ce484222325;
  for (const float weight : weights) {
    sum = (sum ^ std::bit_cast<std::uint32_t>(weight)) * 0x100000001b3;
  }
  return sum;
}

ExitCode Train(Options options, double workers) {
  TrainOptions& train = options.train;
  train.mode = options.mode == 0 ? Mode::kSync : Mode::kAsync;
  const std::uint64_t per_epoch = (kToLearn + train.batch - 1) / train.batch;
  train.updates = per_epoch * options.epochs;

  const Digits test = MakeDigits(train.seed + 1, kToTest);
  Trainer trainer(train, MakeDigits(train.seed, kToLearn));
  Score score;
  for (std::uint32_t epoch = 1; epoch <= options.epochs; ++epoch) {
    trainer.TrainTo(per_epoch * epoch);
    score = Judge(trainer.Weights(), {test.pixels, test.labels});
    std::printf("epoch %u: loss %.3f, accuracy %.1f %%\n", epoch, score.loss,
                100 * score.accuracy);
  }
  std::printf("parameter_server: accuracy %.1f %%, %" PRIu64
              " updates, %u shards, %g workers, %" PRIu64 " kills, %" PRIu64
              " restarts, %" PRIu64 " updates lost, weights %016" PRIx64 "\n",
              100 * score.accuracy, trainer.updates(), train.shards, workers,
              trainer.kills(), trainer.restarts(), trainer.updates_lost(),
              Checksum(trainer.Weights()));
  if (100 * score.accuracy >= options.accuracy_min) return kRight;
  std::printf("WRONG: the accuracy is below %g %%\n", options.accuracy_min);
  return kWrong;
}

}  // namespace
}  // namespace digits

int main(int argc, char** argv) {
  digits::Options options;
  return examples::RunExample(
      argc, argv, digits::FlagsFor(&options), options.workers,
      [&](double workers) { return digits::Train(options, workers); });
}
