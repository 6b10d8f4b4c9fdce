// Trainer learns: tasks compute gradients, shards hold the weights and take the
// gradients in.
//
//   Trainer trainer(options, MakeDigits(1, 4000));
//   trainer.TrainTo(500);
//   Judge(trainer.Weights(), test);
//
// Weights and gradients go from shards to tasks and back as Refs; this process
// tells them where, and looks at weights only for checkpoints.
//
// Synchronous: all tasks of a round read the same weights, and the next round
// waits for their gradients. The result follows from the options alone; when a
// shard dies all shards go back to the last checkpoint, and so it does then.
// Asynchronous: a task reads what is there when it starts, and its gradient is
// applied when it is ready; nobody waits. When a shard dies it alone goes back.
// Owner: main.   Threading: none.
// Failure: what is not the death of a shard is thrown.
#ifndef MOBULA_EXAMPLES_PARAMETER_SERVER_TRAINER_H_
#define MOBULA_EXAMPLES_PARAMETER_SERVER_TRAINER_H_

#include <mobula/mobula.h>

#include <cstdint>
#include <random>
#include <vector>

#include "examples/parameter_server/digits.h"
#include "examples/parameter_server/fed_shard.h"
#include "examples/parameter_server/softmax.h"

namespace digits {

enum class Mode : std::uint8_t { kSync, kAsync };

struct TrainOptions {
  Mode mode = Mode::kSync;
  std::uint32_t shards = 4;
  std::uint32_t tasks = 4;       // gradients computed at a time
  std::uint32_t batch = 32;      // digits that a gradient is computed from
  double rate = 0.5;             // of a gradient, how much is applied
  std::uint64_t updates = 1000;  // gradients in all
  std::uint32_t kills = 0;       // of shards, spread over the updates
  std::uint64_t seed = 1;        // of whom to kill
};

class Trainer {
 public:
  // `options.updates` is how far TrainTo will go in the end.
  Trainer(const TrainOptions& options, const Digits& sample);

  // Returns when so many gradients have been applied, and a checkpoint has
  // been taken of that.
  void TrainTo(std::uint64_t updates);

  // Of the last checkpoint.
  [[nodiscard]] std::vector<float> Weights() const;

  [[nodiscard]] std::uint64_t updates() const { return updates_; }
  // Gradients that were lost with a shard: for all of them, where they are
  // computed again, or for one slice each, if asynchronous.
  [[nodiscard]] std::uint64_t updates_lost() const { return updates_lost_; }
  [[nodiscard]] std::uint64_t kills() const { return kills_; }
  [[nodiscard]] std::uint64_t restarts() const;

 private:
  using Gradients = std::vector<mobula::Ref<Gradient>>;

  void Synchronously(std::uint64_t updates);
  void Asynchronously(std::uint64_t updates);
  // Adds `count` gradients of batches from number `first` on.
  void Round(std::uint64_t first, std::uint32_t count, Gradients* gradients);
  mobula::Ref<Gradient> Start(std::uint64_t number,
                              const std::vector<mobula::Ref<Slice>>& slices);
  [[nodiscard]] std::vector<mobula::Ref<Slice>> ReadAll() const;
  void ApplyAtAll(const mobula::Ref<Gradient>& gradient) const;
  // Whether all shards had `updates`, which is then the checkpoint; else all
  // are set back to the last one.
  bool KeepAll(std::uint64_t updates, const Gradients& gradients);
  // Keeps what lives, and sets back what does not.
  void KeepEach();
  void KillIfDue(std::uint64_t updates);

  const TrainOptions options_;
  const mobula::Ref<std::vector<float>> pixels_;
  const mobula::Ref<std::vector<std::uint8_t>> labels_;
  std::vector<FedShard> shards_;
  std::mt19937_64 random_;
  std::uint64_t updates_ = 0;
  std::uint64_t updates_lost_ = 0;
  std::uint64_t kills_ = 0;
};

}  // namespace digits

#endif  // MOBULA_EXAMPLES_PARAMETER_SERVER_TRAINER_H_
