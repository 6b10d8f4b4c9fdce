#include "tests/netns/network.h"

#include "base/check.h"

namespace mobula::test {
namespace {

// So that neighbouring links share nothing (splitmix64).
std::uint64_t Mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

bool Network::Plug(int port, const std::vector<Address>& addresses) {
  MOBULA_CHECK(port >= 1 && port <= ports_);
  for (const Address& address : addresses) {
    const int other = PortOf(address);
    if (other != 0 && other != port) return false;
  }
  Unplug(port);
  for (const Address& address : addresses) plugged_[address] = port;
  return true;
}

void Network::Unplug(int port) {
  std::erase_if(plugged_,
                [port](const auto& one) { return one.second == port; });
  for (auto at = held_.begin(); at != held_.end();) {
    const Held& held = at->second;
    if (held.parcel.port != port) {
      ++at;
      continue;
    }
    held_bytes_ -= held.parcel.bytes.size();
    if (!held.overtaken) --WayOf(held.from, port)->held;
    ++counts_.lost;
    at = held_.erase(at);
  }
}

bool Network::IsPlugged(int port) const {
  for (const auto& [address, its] : plugged_) {
    if (its == port) return true;
  }
  return false;
}

void Network::SetFaults(int from, int to, const Faults& faults) {
  MOBULA_CHECK(from >= 1 && from <= ports_ && to >= 1 && to <= ports_);
  auto* way = WayOf(from, to);
  if (way == nullptr) {
    if (faults == Faults()) return;
    const std::uint64_t seed =
        Mix(seed_ ^ Mix(static_cast<std::uint64_t>(from) << 32 |
                        static_cast<std::uint64_t>(to)));
    way = &ways_.emplace(std::pair(from, to), Way{Link(seed)}).first->second;
  }
  way->link.Set(faults);
}

int Network::PortOf(const Address& address) const {
  const auto found = plugged_.find(address);
  return found == plugged_.end() ? 0 : found->second;
}

Network::Way* Network::WayOf(int from, int to) {
  const auto found = ways_.find({from, to});
  return found == ways_.end() ? nullptr : &found->second;
}

int Network::Arrive(int from, std::span<const std::uint8_t> packet,
                    base::BootTime now) {
  const auto address = DestinationOf(packet);
  const int to = address ? PortOf(*address) : 0;
  if (to == 0 || to == from) {
    ++counts_.strange;
    return 0;
  }
  Way* const way = WayOf(from, to);
  if (way == nullptr) {
    ++counts_.passed;
    return to;
  }
  const Link::Fate fate = way->link.Take(packet.size(), now);
  if (fate.copies == 0) ++counts_.lost;
  if (fate.copies == 2) ++counts_.copied;
  if (fate.overtaken) ++counts_.overtaken;
  if (fate.copies == 1 && way->held == 0 && fate.leaves <= now) {
    ++counts_.passed;
    return to;
  }
  for (int i = 0; i < fate.copies; ++i) Hold(from, to, packet, fate);
  return 0;
}

void Network::Hold(int from, int to, std::span<const std::uint8_t> packet,
                   const Link::Fate& fate) {
  if (held_bytes_ + packet.size() > kHeldBytesMax) {
    ++counts_.dropped;
    return;
  }
  held_bytes_ += packet.size();
  ++counts_.held;
  if (!fate.overtaken) ++WayOf(from, to)->held;
  // Behind those of the same time.
  held_.emplace(
      fate.leaves,
      Held{from, Parcel{to, {packet.begin(), packet.end()}}, fate.overtaken});
}

bool Network::Pop(base::BootTime now, Parcel* parcel) {
  if (held_.empty() || held_.begin()->first > now) return false;
  Held& first = held_.begin()->second;
  held_bytes_ -= first.parcel.bytes.size();
  if (!first.overtaken) --WayOf(first.from, first.parcel.port)->held;
  *parcel = std::move(first.parcel);
  held_.erase(held_.begin());
  ++counts_.passed;
  return true;
}

base::BootTime Network::NextDue() const {
  return held_.empty() ? base::BootTime::Never() : held_.begin()->first;
}

}  // namespace mobula::test
