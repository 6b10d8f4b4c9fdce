#include "gcs/core/testing/late_store.h"

#include <gtest/gtest.h>

#include <utility>
#include <variant>
#include <vector>

namespace mobula::gcs {

void LateStore::Step(const Event& event, base::BootTime now) {
  Effects effects;
  core_->Step(event, now, effects);
  Carry(effects);
}

void LateStore::Sync(std::size_t batches) {
  for (; batches > 0 && !pending_.empty(); --batches) {
    for (Write& write : pending_.front()) {
      if (write.value.has_value()) {
        durable_[write.key] = *write.value;
      } else {
        durable_.erase(write.key);
      }
    }
    pending_.pop_front();
    queue_->Durable(++synced_, out_);
  }
}

void LateStore::Kill(base::BootTime now) {
  ++options_.epoch;
  pending_.clear();
  out_.clear();
  timer_ = base::BootTime::Never();
  now_ = now;
  Begin();
}

void LateStore::Drop(base::ProcessId peer) {
  std::erase_if(out_, [peer](const Effect& effect) {
    const auto* const send = std::get_if<Send>(&effect);
    return send != nullptr && send->to == peer;
  });
}

Effects LateStore::TakeOut() { return std::exchange(out_, {}); }

void LateStore::Begin() {
  core_ = std::make_unique<Core>(options_);
  queue_ = std::make_unique<CommitQueue>(CommitQueue::Options());
  appended_ = synced_ = 0;
  for (const auto& [key, value] : durable_) {
    std::string error;
    ASSERT_TRUE(core_->Restore(key, value, &error)) << error;
  }
  Effects effects;
  core_->Start(now_, effects);
  Carry(effects);
}

void LateStore::Carry(Effects& effects) {
  Effects released;
  Batch batch;
  queue_->Take(effects, released, batch);
  for (Effect& effect : released) {
    if (const auto* const timer = std::get_if<SetTimer>(&effect)) {
      timer_ = timer->at;
    } else {
      out_.push_back(std::move(effect));
    }
  }
  if (!batch.empty()) {
    pending_.push_back(std::move(batch));
    queue_->Appended(++appended_);
  }
  core_->CheckInvariants();
}

}  // namespace mobula::gcs
