#include "examples/parameter_server/trainer.h"

#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <cstdint>
#include <vector>

#include "examples/parameter_server/digits.h"
#include "examples/parameter_server/fed_shard.h"
#include "examples/parameter_server/shard.h"
#include "examples/parameter_server/softmax.h"

namespace digits {
namespace {

// What every way of training must reach.
constexpr double kAccuracyMin = 0.9;

TrainOptions OptionsFor(Mode mode, std::uint32_t kills) {
  TrainOptions options;
  options.mode = mode;
  options.kills = kills;
  options.updates = 600;
  return options;
}

struct Trained {
  std::vector<float> weights;
  double accuracy = 0;
  std::uint64_t kills = 0;
  std::uint64_t restarts = 0;
  std::uint64_t updates_lost = 0;
};

Trained Train(const TrainOptions& options) {
  Trainer trainer(options, MakeDigits(1, 2000));
  trainer.TrainTo(options.updates / 2);
  trainer.TrainTo(options.updates);
  EXPECT_EQ(trainer.updates(), options.updates);
  const Digits test = MakeDigits(2, 1000);
  return {trainer.Weights(),
          Judge(trainer.Weights(), {test.pixels, test.labels}).accuracy,
          trainer.kills(), trainer.restarts(), trainer.updates_lost()};
}

// On worker processes.
class TrainerTest : public testing::Test {
 protected:
  mobula::Runtime runtime_ = mobula::Init(mobula::InitOptions().Cpus(2));
};

TEST_F(TrainerTest, SynchronousTrainingLearns) {
  const Trained trained = Train(OptionsFor(Mode::kSync, 0));
  EXPECT_GE(trained.accuracy, kAccuracyMin);
  EXPECT_EQ(trained.restarts + trained.kills + trained.updates_lost, 0u);
}

TEST_F(TrainerTest, ADeadShardChangesNothingInSynchronousTraining) {
  const Trained undisturbed = Train(OptionsFor(Mode::kSync, 0));
  const Trained trained = Train(OptionsFor(Mode::kSync, 1));
  EXPECT_EQ(trained.kills, 1u);
  EXPECT_EQ(trained.restarts, 1u);
  EXPECT_GE(trained.accuracy, kAccuracyMin);
  EXPECT_EQ(trained.weights, undisturbed.weights);
}

TEST_F(TrainerTest, AsynchronousTrainingLearns) {
  const Trained trained = Train(OptionsFor(Mode::kAsync, 0));
  EXPECT_GE(trained.accuracy, kAccuracyMin);
  EXPECT_EQ(trained.restarts + trained.kills + trained.updates_lost, 0u);
}

TEST_F(TrainerTest, AsynchronousTrainingOutlivesShards) {
  const Trained trained = Train(OptionsFor(Mode::kAsync, 3));
  EXPECT_EQ(trained.kills, 3u);
  EXPECT_EQ(trained.restarts, 3u);
  EXPECT_GE(trained.accuracy, kAccuracyMin);
}

TEST_F(TrainerTest, WhatIsNoDeathOfAShardIsThrown) {
  Digits digits = MakeDigits(1, 100);
  digits.labels[7] = 10;
  for (const Mode mode : {Mode::kSync, Mode::kAsync}) {
    Trainer trainer(OptionsFor(mode, 0), digits);
    EXPECT_THROW(trainer.TrainTo(10), std::invalid_argument);
  }
}

TEST_F(TrainerTest, AShardBornAgainAnswersOnlyOnceItIsFed) {
  const Slice slice{0, {1, 2, 3}, 5};
  FedShard shard(slice);
  EXPECT_EQ(shard.Read().Get(), slice);
  shard.Apply(mobula::Put(Gradient{1, 1, 1}), 1);
  EXPECT_EQ(shard.Read().Get(), (Slice{0, {0, 1, 2}, 6}));
  shard.Kill();
  for (int i = 0; i < 2; ++i) {
    const mobula::Result<Slice> read = shard.Read().TryGet();
    ASSERT_FALSE(read.ok());
    EXPECT_TRUE(IsLoss(read.error())) << read.error().what();
  }
  shard.Feed();
  EXPECT_EQ(shard.Read().Get(), slice);
  EXPECT_EQ(shard.restarts(), 1u);
}

TEST(LocalTrainerTest, LocalModeLearnsTheSame) {
  std::vector<float> on_workers;
  {
    const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(2));
    on_workers = Train(OptionsFor(Mode::kSync, 0)).weights;
  }
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Local());
  EXPECT_EQ(Train(OptionsFor(Mode::kSync, 0)).weights, on_workers);
  EXPECT_GE(Train(OptionsFor(Mode::kAsync, 0)).accuracy, kAccuracyMin);
}

}  // namespace
}  // namespace digits
