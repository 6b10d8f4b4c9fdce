// Disk is the log of a simulated control store: batches of writes that become
// durable after a while, in their order.
//
//   disk.Open(callbacks);                  // a new epoch
//   disk.ForEach(visit);                   // what it held
//   number = disk.Append(std::move(batch));    // later: on_durable(number)
//   disk.Crash();                          // the process is gone
//
// Of what was appended and not told durable, a crash keeps the first so many
// batches: what was written lies in the kernel, what was not is lost, and of a
// torn one nothing is left. It can be full for a while, and a sync can fail.
// Owner: World; it outlives the control stores that open it.
// Threading: none.
// Invariants: (1) a batch is there as a whole or not at all; (2) none is there
// without all before it; (3) what was told durable stays.
#ifndef MOBULA_TESTS_SIM_DISK_H_
#define MOBULA_TESTS_SIM_DISK_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/boot_time.h"
#include "gcs/core/events.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/network.h"
#include "tests/sim/rng.h"
#include "tests/sim/swarm_options.h"

namespace mobula::sim {

class Disk {
 public:
  using Batch = std::vector<gcs::Write>;
  struct Callbacks {
    std::function<void(std::uint64_t number)> on_durable;
    std::function<void(bool full)> on_full;
    std::function<void()> on_failed;  // a sync: the process must end
  };

  // Sees each write at the moment at which it cannot be lost any more.
  using Witness = std::function<void(const gcs::Write&)>;

  Disk(const DiskOptions& options, Rng rng, EventQueue& queue,
       FaultCounts& counts, Witness witness);

  // By one process at a time. The epoch, which grows.
  std::uint64_t Open(Callbacks callbacks);
  void ForEach(const std::function<void(std::string_view key,
                                        std::string_view value)>& visit) const;
  std::uint64_t Append(Batch batch);
  void Crash();
  // No more faults: there is room, and syncs work.
  void Heal();

  [[nodiscard]] bool full() const { return full_; }
  [[nodiscard]] std::size_t pending() const { return pending_.size(); }
  [[nodiscard]] std::uint64_t durable() const { return durable_; }

 private:
  void StartSync();
  void FinishSync(std::size_t batches);
  void Apply(std::size_t batches);
  void ScheduleFull();
  void SetFull(bool full);

  const DiskOptions options_;
  Rng rng_;
  EventQueue& queue_;
  FaultCounts& counts_;
  const Witness witness_;
  Callbacks callbacks_;  // empty while nobody has it open
  std::map<std::string, std::string> table_;
  std::deque<Batch> pending_;
  std::uint64_t epoch_ = 0;
  std::uint64_t durable_ = 0;
  bool syncing_ = false;
  bool open_ = false;
  bool full_ = false;
  bool healed_ = false;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_DISK_H_
