#include "examples/parameter_server/fed_shard.h"

#include <string>
#include <utility>

namespace digits {
namespace {

// A process that dies each time that it is fed is not worth more attempts.
constexpr int kFeedsMax = 20;

}  // namespace

FedShard::FedShard(Slice slice)
    : actor_(mobula::Create<Shard>(mobula::ActorOptions().MaxRestarts(-1))),
      checkpoint_(std::move(slice)) {
  Feed();
}

mobula::CallOptions FedShard::OfFed() const {
  return mobula::CallOptions().Incarnation(fed_);
}

mobula::Ref<Slice> FedShard::Read() const {
  return actor_.Call<&Shard::Read>(OfFed());
}

void FedShard::Apply(const mobula::Ref<Gradient>& gradient, float rate) const {
  actor_.Call<&Shard::Apply>(OfFed(), gradient, rate);
}

void FedShard::Feed() {
  for (int feeds = 1;; ++feeds) {
    const mobula::Ref<void> fed = actor_.Call<&Shard::Restore>(checkpoint_);
    const mobula::Result<void> result = fed.TryGet();
    if (result.ok()) {
      fed_ = fed.Incarnation();
      return;
    }
    if (!IsLoss(result.error()) || feeds == kFeedsMax) result.error().Throw();
  }
}

void FedShard::Kill() const {
  mobula::Kill(actor_, mobula::KillOptions().Restart());
}

bool IsLoss(const mobula::Error& error) {
  switch (error.code()) {
    case mobula::ErrorCode::kWorkerDied:
    case mobula::ErrorCode::kActorRestarted:
      return true;
    case mobula::ErrorCode::kUserException: {
      // A task that let the error of its Get through.
      const std::string& type = error.exception_type();
      return type == "mobula::WorkerDied" || type == "mobula::ActorRestarted";
    }
    default:
      return false;
  }
}

}  // namespace digits
