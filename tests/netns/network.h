// Network is what lies between machines: ports, by the addresses of what is
// plugged in, and a link from each to each other one.
//
//   network.Plug(1, {address});
//   int to = network.Arrive(2, packet, now);   // at once, if not 0
//   while (network.Pop(now, &parcel)) ...      // what was held until now
// Held packets are bounded: beyond the bound they are lost and counted.
// Pure; the same seed and the same calls give the same packets.
// Threading: none.
#ifndef MOBULA_TESTS_NETNS_NETWORK_H_
#define MOBULA_TESTS_NETNS_NETWORK_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "tests/netns/address.h"
#include "tests/netns/link.h"

namespace mobula::test {

class Network {
 public:
  static constexpr std::size_t kHeldBytesMax = std::size_t{256} << 20;

  struct Parcel {
    int port = 0;
    std::vector<std::uint8_t> bytes;
  };
  // Of packets.
  struct Counts {
    std::int64_t passed = 0;  // handed over, copies too
    std::int64_t lost = 0;    // by a fault of the link
    std::int64_t copied = 0;
    std::int64_t overtaken = 0;
    std::int64_t held = 0;     // for a while
    std::int64_t strange = 0;  // for nobody here, or no packet of IP
    std::int64_t dropped = 0;  // no room
  };

  // Ports are 1 to `ports`.
  Network(int ports, std::uint64_t seed) : ports_(ports), seed_(seed) {}

  [[nodiscard]] int ports() const { return ports_; }
  // What was plugged in there before goes. CHECKs the port. False if another
  // port has one of the addresses.
  bool Plug(int port, const std::vector<Address>& addresses);
  // What is held for it is lost.
  void Unplug(int port);
  [[nodiscard]] bool IsPlugged(int port) const;
  // What is held already stays so. CHECKs both ports.
  void SetFaults(int from, int to, const Faults& faults);

  // The port to which the packet goes at once; 0 if it is lost or held.
  int Arrive(int from, std::span<const std::uint8_t> packet,
             base::BootTime now);
  // Of what is due the next one; false if nothing is.
  bool Pop(base::BootTime now, Parcel* parcel);
  [[nodiscard]] base::BootTime NextDue() const;
  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  struct Held {
    int from = 0;
    Parcel parcel;
    bool overtaken = false;
  };
  struct Way {
    Link link;
    std::int64_t held = 0;  // of those that keep their order
  };

  int PortOf(const Address& address) const;
  Way* WayOf(int from, int to);
  void Hold(int from, int to, std::span<const std::uint8_t> packet,
            const Link::Fate& fate);

  const int ports_;
  const std::uint64_t seed_;
  std::map<Address, int> plugged_;
  std::map<std::pair<int, int>, Way> ways_;  // that ever had faults
  std::multimap<base::BootTime, Held> held_;
  std::size_t held_bytes_ = 0;
  Counts counts_;
};

}  // namespace mobula::test

#endif  // MOBULA_TESTS_NETNS_NETWORK_H_
