#include "tests/sim/disk.h"

#include <utility>

#include "base/check.h"

namespace mobula::sim {

Disk::Disk(const DiskOptions& options, Rng rng, EventQueue& queue,
           FaultCounts& counts, Witness witness)
    : options_(options),
      rng_(rng),
      queue_(queue),
      counts_(counts),
      witness_(std::move(witness)) {
  ScheduleFull();
}

std::uint64_t Disk::Open(Callbacks callbacks) {
  MOBULA_CHECK(!open_, "two processes hold the folder");
  open_ = true;
  callbacks_ = std::move(callbacks);
  return ++epoch_;
}

void Disk::ForEach(
    const std::function<void(std::string_view key, std::string_view value)>&
        visit) const {
  for (const auto& [key, value] : table_) visit(key, value);
}

std::uint64_t Disk::Append(Batch batch) {
  MOBULA_CHECK(open_);
  pending_.push_back(std::move(batch));
  if (!syncing_) StartSync();
  return durable_ + pending_.size();
}

// All that waits is synced together; what comes meanwhile waits for the next.
void Disk::StartSync() {
  syncing_ = true;
  const std::size_t batches = pending_.size();
  queue_.After(rng_.LogNormal(options_.sync_median, 0.7),
               [this, batches, epoch = epoch_] {
                 if (open_ && epoch == epoch_) FinishSync(batches);
               });
}

void Disk::FinishSync(std::size_t batches) {
  if (!healed_ && rng_.Chance(options_.sync_fails)) {
    ++counts_.sync_failures;
    const std::function<void()> on_failed = callbacks_.on_failed;
    on_failed();
    return;
  }
  syncing_ = false;
  Apply(batches);
  if (!pending_.empty()) StartSync();
  // The process may end of it, and the callbacks with it.
  const std::function<void(std::uint64_t)> on_durable = callbacks_.on_durable;
  on_durable(durable_);
}

void Disk::Apply(std::size_t batches) {
  for (std::size_t i = 0; i < batches; ++i) {
    for (gcs::Write& write : pending_.front()) {
      witness_(write);
      if (write.value.has_value()) {
        table_[std::move(write.key)] = std::move(*write.value);
      } else {
        table_.erase(write.key);
      }
    }
    pending_.pop_front();
    ++durable_;
  }
}

void Disk::Crash() {
  if (!open_) return;
  open_ = false;
  callbacks_ = {};
  syncing_ = false;
  const std::size_t kept = rng_.Below(pending_.size() + 1);
  counts_.lost_batches += pending_.size() - kept;
  Apply(kept);
  pending_.clear();
}

void Disk::ScheduleFull() {
  if (options_.full_interval == base::Duration(0)) return;
  queue_.After(
      rng_.Within(base::Duration(0), 2 * options_.full_interval), [this] {
        if (healed_) return;
        SetFull(true);
        queue_.After(rng_.Within(base::Duration(0), options_.full_length_max),
                     [this] {
                       SetFull(false);
                       ScheduleFull();
                     });
      });
}

void Disk::SetFull(bool full) {
  if (full_ == full) return;
  full_ = full;
  if (full) ++counts_.disk_fulls;
  const std::function<void(bool)> on_full = callbacks_.on_full;
  if (on_full) on_full(full);
}

void Disk::Heal() {
  healed_ = true;
  SetFull(false);
}

}  // namespace mobula::sim
