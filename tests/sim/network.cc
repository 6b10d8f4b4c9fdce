#include "tests/sim/network.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace mobula::sim {

std::uint64_t FaultCounts::Total() const {
  return drops + dups + reorders + delays + stales + cuts + kills + pauses +
         start_failures + gcs_restarts + node_deaths + line_faults +
         sync_failures + disk_fulls;
}

Network::Network(const NetworkOptions& options, Rng rng, EventQueue& queue,
                 FaultCounts& counts)
    : options_(options), rng_(rng), queue_(queue), counts_(counts) {}

base::Duration Network::DrawDelay() {
  base::Duration delay =
      rng_.LogNormal(options_.delay_median, options_.delay_sigma);
  if (!healed_ && rng_.Chance(options_.tail)) {
    ++counts_.delays;
    delay += rng_.Within(base::Duration(0), options_.tail_delay);
  }
  return delay;
}

void Network::Schedule(const ChannelPtr& channel, base::BootTime time,
                       const std::function<void()>& arrive) {
  queue_.At(time, [channel, arrive] {
    if (!channel->ended) arrive();
  });
}

void Network::Carry(const ChannelPtr& channel, std::function<void()> arrive) {
  const bool is_cut = queue_.now() < channel->cut_until;
  if (!healed_ && (is_cut || rng_.Chance(options_.drop))) {
    ++counts_.drops;
    return;
  }
  base::BootTime time = queue_.now() + DrawDelay();
  const bool overtakes = !healed_ && rng_.Chance(options_.reorder);
  if (overtakes) {
    ++counts_.reorders;
    time = time + DrawDelay();
  } else {
    time = std::max(time, channel->last_arrival);
    channel->last_arrival = time;
  }
  Schedule(channel, time, arrive);
  if (!healed_ && rng_.Chance(options_.duplicate)) {
    ++counts_.dups;
    Schedule(channel, time + DrawDelay(), arrive);
  }
}

bool Network::DrawStale() {
  if (healed_ || !rng_.Chance(options_.stale)) return false;
  ++counts_.stales;
  return true;
}

void Network::End(const ChannelPtr& channel, std::function<void()> arrive) {
  // The kernel sees to it, whatever the network does.
  const base::Duration delay =
      rng_.Within(std::chrono::microseconds(1), std::chrono::milliseconds(5));
  queue_.After(delay, [channel, arrive = std::move(arrive)] {
    if (channel->ended) return;
    channel->ended = true;
    arrive();
  });
}

void Network::Cut(const ChannelPtr& channel, base::Duration length) {
  if (healed_) return;
  ++counts_.cuts;
  channel->cut_until = std::max(channel->cut_until, queue_.now() + length);
}

}  // namespace mobula::sim
