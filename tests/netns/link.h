// Link decides what becomes of each packet on its way from one machine to
// another: one direction of a connection, with the faults that it is given.
//
//   Link link(seed);
//   link.Set({.loss = 0.3});
//   Link::Fate fate = link.Take(bytes, now);
// Packets keep their order but for those that are reordered: one that is late
// makes those behind it late.
// Pure; the same seed, faults, sizes and times give the same fates.
// Threading: none.
#ifndef MOBULA_TESTS_NETNS_LINK_H_
#define MOBULA_TESTS_NETNS_LINK_H_

#include <cstddef>
#include <cstdint>
#include <random>

#include "base/boot_time.h"

namespace mobula::test {

// Chances are from 0 to 1, of each packet by itself.
struct Faults {
  bool cut = false;             // nothing arrives
  double loss = 0;              // it does not arrive
  double duplicate = 0;         // it arrives twice
  double reorder = 0;           // those behind it overtake it
  base::Duration delay{};       // of each
  base::Duration jitter{};      // and so much more, at most: evenly
  double tail = 0;              // it takes tail_delay more, in the mean, and
  base::Duration tail_delay{};  // ten times that at most: exponentially
  std::int64_t bytes_per_second = 0;  // 0: as fast as can be

  friend bool operator==(const Faults&, const Faults&) = default;
};

class Link {
 public:
  // What waits for its turn on a link of limited speed is a quarter of a
  // second's worth at most; what comes then is lost.
  static constexpr base::Duration kQueueMax = std::chrono::milliseconds(250);

  struct Fate {
    int copies = 0;  // 0: lost; 2: the second one leaves at the same time
    base::BootTime leaves;
    bool overtaken = false;  // keeps no other waiting
  };

  explicit Link(std::uint64_t seed) : chance_(seed) {}

  // For packets that come from now on.
  void Set(const Faults& faults) { faults_ = faults; }
  [[nodiscard]] const Faults& faults() const { return faults_; }
  Fate Take(std::size_t bytes, base::BootTime now);

 private:
  bool Happens(double chance);
  double Even();  // from 0 to 1
  // After which it was sent; false if it has no room to wait.
  bool Send(std::size_t bytes, base::BootTime now, base::BootTime* sent);

  Faults faults_;
  std::mt19937_64 chance_;
  base::BootTime busy_until_;  // with sending what came before
  base::BootTime last_;        // when the last one leaves
};

}  // namespace mobula::test

#endif  // MOBULA_TESTS_NETNS_LINK_H_
