#include "examples/index/chaos.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

namespace indexer {

Chaos::Chaos(const Options& options, Clock::time_point start, Killer killer)
    : every_(options.kill_every),
      kills_wanted_(options.kills),
      tasks_remembered_(std::max(options.workers, 1u)),
      killer_(std::move(killer)),
      next_(start + options.kill_every),
      random_(options.seed) {}

void Chaos::SawTask(int pid) {
  std::erase(tasks_, pid);
  tasks_.push_back(pid);
  if (tasks_.size() > tasks_remembered_) tasks_.pop_front();
}

void Chaos::SawShard(std::uint32_t shard, int pid) { shards_[shard] = pid; }

bool Chaos::Owes() const {
  return every_.count() == 0 && kills_ < kills_wanted_ &&
         !(tasks_.empty() && shards_.empty());
}

bool Chaos::IsDue(std::uint64_t done, std::uint64_t total,
                  Clock::time_point now) const {
  if (every_.count() > 0) {
    return now >= next_ && (kills_wanted_ == 0 || kills_ < kills_wanted_);
  }
  return kills_ < kills_wanted_ &&
         done * (kills_wanted_ + 1) >= (kills_ + 1) * total;
}

void Chaos::Tick(std::uint64_t done, std::uint64_t total,
                 Clock::time_point now) {
  if (!IsDue(done, total, now)) return;
  const bool is_task_first = kills_ % 2 == 0;
  const bool is_killed =
      is_task_first ? KillTask() || KillShard() : KillShard() || KillTask();
  if (!is_killed) return;
  ++kills_;
  next_ = now + every_;
}

bool Chaos::KillTask() {
  while (!tasks_.empty()) {
    const auto chosen =
        tasks_.begin() + static_cast<std::ptrdiff_t>(random_() % tasks_.size());
    const int pid = *chosen;
    tasks_.erase(chosen);
    if (killer_(pid)) return true;
  }
  return false;
}

bool Chaos::KillShard() {
  while (!shards_.empty()) {
    const auto chosen =
        std::next(shards_.begin(),
                  static_cast<std::ptrdiff_t>(random_() % shards_.size()));
    const int pid = chosen->second;
    shards_.erase(chosen);
    if (killer_(pid)) return true;
  }
  return false;
}

bool Chaos::KillOwn(int pid) {
  if (pid <= 1 || pid == ::getpid()) return false;
  std::error_code error;
  const auto theirs = std::filesystem::read_symlink(
      "/proc/" + std::to_string(pid) + "/exe", error);
  if (error) return false;
  const auto ours = std::filesystem::read_symlink("/proc/self/exe", error);
  return !error && theirs == ours && ::kill(pid, SIGKILL) == 0;
}

}  // namespace indexer
