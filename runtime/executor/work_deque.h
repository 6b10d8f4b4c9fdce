// WorkDeque is one pool thread's own work: it pushes and pops at the bottom,
// the newest first; the others steal at the top, the oldest first.
//
// Owner: ThreadPool, one for each thread.
// Threading: Push and Pop by the owning thread; Steal and Empty by any.
// Invariants: (1) each Work that was pushed comes out exactly once; (2) it
// holds kSizeMax at most. Failure: Push says no when it is full, Steal may find
// nothing where two were after the same.
// The idea: Chase and Lev, "Dynamic Circular Work-Stealing Deque", SPAA 2005;
// with sequentially consistent accesses in place of fences, which
// ThreadSanitizer does not see.
#ifndef MOBULA_RUNTIME_EXECUTOR_WORK_DEQUE_H_
#define MOBULA_RUNTIME_EXECUTOR_WORK_DEQUE_H_

#include <array>
#include <atomic>
#include <cstdint>

#include "base/threads/executor.h"

namespace mobula::runtime {

class WorkDeque {
 public:
  static constexpr std::int64_t kSizeMax = 1024;  // a power of two

  WorkDeque() = default;
  WorkDeque(const WorkDeque&) = delete;
  WorkDeque& operator=(const WorkDeque&) = delete;

  bool Push(base::Work* work) {
    const std::int64_t bottom = bottom_.load(std::memory_order_relaxed);
    const std::int64_t top = top_.load(std::memory_order_acquire);
    if (bottom - top >= kSizeMax) return false;
    At(bottom).store(work, std::memory_order_relaxed);
    bottom_.store(bottom + 1, std::memory_order_seq_cst);
    return true;
  }

  base::Work* Pop() {
    const std::int64_t bottom = bottom_.load(std::memory_order_relaxed) - 1;
    bottom_.store(bottom, std::memory_order_seq_cst);
    std::int64_t top = top_.load(std::memory_order_seq_cst);
    base::Work* work = nullptr;
    if (top <= bottom) {
      work = At(bottom).load(std::memory_order_relaxed);
      if (top < bottom) return work;
      // The last one: a thief may be after it too.
      if (!top_.compare_exchange_strong(top, top + 1)) work = nullptr;
    }
    bottom_.store(bottom + 1, std::memory_order_release);
    return work;
  }

  base::Work* Steal() {
    std::int64_t top = top_.load(std::memory_order_seq_cst);
    if (top >= bottom_.load(std::memory_order_seq_cst)) return nullptr;
    base::Work* const work = At(top).load(std::memory_order_relaxed);
    return top_.compare_exchange_strong(top, top + 1) ? work : nullptr;
  }

  [[nodiscard]] bool Empty() const {
    const std::int64_t top = top_.load(std::memory_order_seq_cst);
    return top >= bottom_.load(std::memory_order_seq_cst);
  }

 private:
  std::atomic<base::Work*>& At(std::int64_t index) {
    return ring_[static_cast<std::size_t>(index & (kSizeMax - 1))];
  }

  alignas(64) std::atomic<std::int64_t> top_{0};
  alignas(64) std::atomic<std::int64_t> bottom_{0};
  std::array<std::atomic<base::Work*>, kSizeMax> ring_{};
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_WORK_DEQUE_H_
