// Chaos kills processes of this very program while it works, to show that the
// result stays right: now a worker that runs tasks, now one that holds a shard.
//
// Only processes that told us their pid by working for us are killed, and only
// if they still run this executable. SIGKILL: nobody can prepare for it.
// Threading: none.
#ifndef MOBULA_EXAMPLES_INDEX_CHAOS_H_
#define MOBULA_EXAMPLES_INDEX_CHAOS_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <vector>

#include "examples/index/options.h"

namespace indexer {

class Chaos {
 public:
  using Clock = std::chrono::steady_clock;
  // Kills the process; false if there is none, or none of ours.
  using Killer = std::function<bool(int pid)>;

  // Kills by time if options.kill_every is set (then options.kills, if not 0,
  // is the limit), else options.kills spread over the work.
  Chaos(const Options& options, Clock::time_point start, Killer killer);

  // Who did work.
  void SawTask(int pid);
  void SawShard(std::uint32_t shard, int pid);

  // Kills one process if it is time for that. The work is `done` of `total`.
  void Tick(std::uint64_t done, std::uint64_t total, Clock::time_point now);

  [[nodiscard]] std::uint32_t kills() const { return kills_; }
  // Whether kills that were asked for by number are yet to come, and there is
  // someone to kill.
  [[nodiscard]] bool Owes() const;

  // SIGKILL to a process that runs this program's executable.
  static bool KillOwn(int pid);

 private:
  [[nodiscard]] bool IsDue(std::uint64_t done, std::uint64_t total,
                           Clock::time_point now) const;
  bool KillTask();
  bool KillShard();

  const std::chrono::milliseconds every_;
  const std::uint32_t kills_wanted_;
  const std::uint32_t tasks_remembered_;
  Killer killer_;
  Clock::time_point next_;
  std::mt19937_64 random_;
  std::uint32_t kills_ = 0;
  std::deque<int> tasks_;  // the latest to have worked last, each once
  std::map<std::uint32_t, int> shards_;
};

}  // namespace indexer

#endif  // MOBULA_EXAMPLES_INDEX_CHAOS_H_
