#include "examples/parameter_server/trainer.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace digits {
namespace {

constexpr std::uint64_t kUpdatesPerCheckpoint = 40;
// As often in a row as no shards die by chance.
constexpr int kLossesMax = 50;

// Runs on a worker. The digits are read where they lie, in memory that all
// processes of the node share; the slices are waited for here.
Gradient Compute(std::span<const float> pixels,
                 std::span<const std::uint8_t> labels,
                 const std::vector<mobula::Ref<Slice>>& slices,
                 const Batch& batch) {
  return GradientOf(Joined(mobula::Get(slices)), {pixels, labels}, batch);
}

}  // namespace

Trainer::Trainer(const TrainOptions& options, const Digits& sample)
    : options_(options),
      pixels_(mobula::Put(sample.pixels)),
      labels_(mobula::Put(sample.labels)),
      random_(options.seed) {
  const std::vector<float> zeros(kWeights);
  for (Slice& slice : CutIntoSlices(zeros, options_.shards)) {
    shards_.emplace_back(std::move(slice));
  }
}

void Trainer::TrainTo(std::uint64_t updates) {
  if (options_.mode == Mode::kSync) {
    Synchronously(updates);
  } else {
    Asynchronously(updates);
  }
}

void Trainer::Synchronously(std::uint64_t updates) {
  int losses = 0;
  while (updates_ < updates) {
    const std::uint64_t end =
        std::min(updates, updates_ + kUpdatesPerCheckpoint);
    Gradients gradients;
    for (std::uint64_t at = updates_; at < end;) {
      const auto count = static_cast<std::uint32_t>(
          std::min<std::uint64_t>(options_.tasks, end - at));
      Round(at, count, &gradients);
      at += count;
      KillIfDue(at);
    }
    if (KeepAll(end, gradients)) {
      updates_ = end;
      losses = 0;
    } else if (++losses == kLossesMax) {
      throw std::runtime_error("shards die faster than they learn");
    }
  }
}

void Trainer::Round(std::uint64_t first, std::uint32_t count,
                    Gradients* gradients) {
  const std::vector<mobula::Ref<Slice>> slices = ReadAll();
  // A shard answers when the gradients of the round before are in. Tasks that
  // waited for that themselves would each hold a process.
  (void)mobula::Wait(slices, slices.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    gradients->push_back(Start(first + i, slices));
  }
  for (auto it = gradients->end() - count; it != gradients->end(); ++it) {
    ApplyAtAll(*it);
  }
}

void Trainer::Asynchronously(std::uint64_t updates) {
  Gradients computing;
  std::uint64_t started = updates_;
  std::uint64_t kept = updates_;
  int losses = 0;
  while (updates_ < updates) {
    while (started < updates && computing.size() < options_.tasks) {
      computing.push_back(Start(started++, ReadAll()));
    }
    auto [ready, not_ready] = mobula::Wait(computing, 1);
    computing = std::move(not_ready);
    for (const mobula::Ref<Gradient>& gradient : ready) {
      const mobula::Result<Gradient> result = gradient.TryGet();
      if (result.ok()) {
        ApplyAtAll(gradient);
        ++updates_;
        losses = 0;
      } else if (IsLoss(result.error()) && ++losses < kLossesMax) {
        --started;  // in its place another one
        KeepEach();
      } else {
        result.error().Throw();
      }
    }
    KillIfDue(updates_);
    if (updates_ - kept >= kUpdatesPerCheckpoint) {
      KeepEach();
      kept = updates_;
    }
  }
  KeepEach();
  updates_lost_ = 0;
  for (const FedShard& shard : shards_) {
    updates_lost_ += updates_ - shard.checkpoint().updates;
  }
}

std::vector<mobula::Ref<Slice>> Trainer::ReadAll() const {
  std::vector<mobula::Ref<Slice>> slices;
  for (const FedShard& shard : shards_) slices.push_back(shard.Read());
  return slices;
}

mobula::Ref<Gradient> Trainer::Start(
    std::uint64_t number, const std::vector<mobula::Ref<Slice>>& slices) {
  const Batch batch{number * options_.batch, options_.batch};
  return mobula::Spawn<Compute>(pixels_, labels_, slices, batch);
}

void Trainer::ApplyAtAll(const mobula::Ref<Gradient>& gradient) const {
  for (const FedShard& shard : shards_) {
    shard.Apply(gradient, static_cast<float>(options_.rate));
  }
}

bool Trainer::KeepAll(std::uint64_t updates, const Gradients& gradients) {
  std::vector<Slice> slices;
  bool is_lost = false;
  for (const mobula::Ref<Slice>& read : ReadAll()) {
    mobula::Result<Slice> slice = read.TryGet();
    if (slice.ok()) {
      slices.push_back(std::move(*slice));
    } else if (IsLoss(slice.error())) {
      is_lost = true;
    } else {
      slice.error().Throw();
    }
  }
  if (!is_lost) {
    // With all shards alive every gradient arrived, or failed by itself.
    for (const auto& gradient : gradients) (void)mobula::Get(gradient);
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      if (slices[i].updates != updates) {
        throw std::logic_error("a shard has missed a gradient");
      }
      shards_[i].Keep(std::move(slices[i]));
    }
    return true;
  }
  for (FedShard& shard : shards_) shard.Feed();
  updates_lost_ += gradients.size();
  return false;
}

void Trainer::KeepEach() {
  const std::vector<mobula::Ref<Slice>> reads = ReadAll();
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    mobula::Result<Slice> slice = reads[i].TryGet();
    if (slice.ok()) {
      shards_[i].Keep(std::move(*slice));
    } else if (IsLoss(slice.error())) {
      shards_[i].Feed();
    } else {
      slice.error().Throw();
    }
  }
}

void Trainer::KillIfDue(std::uint64_t updates) {
  if (kills_ == options_.kills) return;
  if (updates * (options_.kills + 1) < options_.updates * (kills_ + 1)) return;
  shards_[random_() % shards_.size()].Kill();
  ++kills_;
}

std::vector<float> Trainer::Weights() const {
  std::vector<Slice> slices;
  for (const FedShard& shard : shards_) slices.push_back(shard.checkpoint());
  return Joined(slices);
}

std::uint64_t Trainer::restarts() const {
  std::uint64_t restarts = 0;
  for (const FedShard& shard : shards_) restarts += shard.restarts();
  return restarts;
}

}  // namespace digits
