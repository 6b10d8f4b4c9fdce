// EventQueue is the simulator's clock and its only queue: what was asked for at
// a moment happens at that moment, in the order in which it was asked.
//
//   queue.After(5ms, [this] { Arrive(); });
//   while (queue.RunNext()) {}
//
// Owner: World.   Threading: none.
// Invariants: (1) time never goes back; (2) equal moments keep their order.
#ifndef MOBULA_TESTS_SIM_EVENT_QUEUE_H_
#define MOBULA_TESTS_SIM_EVENT_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/boot_time.h"

namespace mobula::sim {

class EventQueue {
 public:
  using Action = std::function<void()>;

  // A moment in the past means now; Never means never.
  void At(base::BootTime time, Action action);
  void After(base::Duration delay, Action action);

  // Moves the clock to the next event and runs it; false if there is none.
  bool RunNext();

  [[nodiscard]] base::BootTime now() const { return now_; }
  [[nodiscard]] base::BootTime next() const;
  [[nodiscard]] std::uint64_t events_run() const { return events_run_; }

 private:
  struct Entry {
    base::BootTime time;
    std::uint64_t order;
    Action action;
  };
  static bool Later(const Entry& a, const Entry& b);

  // Not zero at the start, so that nothing mistakes zero for "never set".
  base::BootTime now_ =
      base::BootTime::FromSinceBoot(std::chrono::seconds(1000));
  std::uint64_t next_order_ = 0;
  std::uint64_t events_run_ = 0;
  std::vector<Entry> heap_;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_EVENT_QUEUE_H_
