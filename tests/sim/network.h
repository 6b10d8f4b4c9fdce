// Network carries packets between processes and treats them badly: it drops,
// duplicates, delays and reorders them, and cuts links one way for a while.
//
//   network.Carry(channel, [this, packet] { Arrive(packet); });
//
// A Channel is one direction of one link. What a Unix socket never does to its
// bytes happens here to packets, since the same session runs over transports
// that do; only the end of a channel (the death of its writer) is certain.
// Owner: World.   Threading: none.
// Invariants: (1) after Heal every packet arrives once, in order; (2) nothing
// arrives through a channel after its end has.
#ifndef MOBULA_TESTS_SIM_NETWORK_H_
#define MOBULA_TESTS_SIM_NETWORK_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "base/boot_time.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/rng.h"
#include "tests/sim/swarm_options.h"

namespace mobula::sim {

// What went wrong, counted; the sum is the `faults` of a run.
struct FaultCounts {
  std::uint64_t drops = 0;
  std::uint64_t dups = 0;
  std::uint64_t reorders = 0;
  std::uint64_t delays = 0;
  std::uint64_t stales = 0;
  std::uint64_t cuts = 0;
  std::uint64_t kills = 0;
  std::uint64_t pauses = 0;
  std::uint64_t start_failures = 0;
  std::uint64_t gcs_restarts = 0;
  std::uint64_t node_deaths = 0;
  std::uint64_t line_faults = 0;
  std::uint64_t sync_failures = 0;
  std::uint64_t disk_fulls = 0;
  std::uint64_t lost_batches = 0;

  [[nodiscard]] std::uint64_t Total() const;
};

class Network {
 public:
  // One direction of one link; shared with the packets that are in it.
  struct Channel {
    base::BootTime last_arrival;
    base::BootTime cut_until;
    bool ended = false;
  };
  using ChannelPtr = std::shared_ptr<Channel>;

  Network(const NetworkOptions& options, Rng rng, EventQueue& queue,
          FaultCounts& counts);

  // `arrive` runs once, twice or never.
  void Carry(const ChannelPtr& channel, std::function<void()> arrive);
  // Whether a frame of a former epoch turns up now.
  bool DrawStale();
  // The writer is gone: `arrive` runs once, soon, and nothing after it.
  void End(const ChannelPtr& channel, std::function<void()> arrive);
  // Nothing gets through this direction for a while.
  void Cut(const ChannelPtr& channel, base::Duration length);
  // No more faults.
  void Heal() { healed_ = true; }

 private:
  base::Duration DrawDelay();
  void Schedule(const ChannelPtr& channel, base::BootTime time,
                const std::function<void()>& arrive);

  const NetworkOptions options_;
  Rng rng_;
  EventQueue& queue_;
  FaultCounts& counts_;
  bool healed_ = false;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_NETWORK_H_
