// ReadPacer lets the thread that ended a read begin the next one at once, as
// long as little of what arrived still waits for the strand; else the strand
// begins it, when it has caught up. So a peer that sends faster than it is
// served fills gRPC's window and not our memory.
// Owner: a stream.   Threading: any.
// Invariants: (1) after a read has ended exactly one of the two begins the
// next.
#ifndef MOBULA_BASE_RPC_READ_PACER_H_
#define MOBULA_BASE_RPC_READ_PACER_H_

#include <cstddef>
#include <utility>

#include "base/mutex.h"
#include "base/thread_annotations.h"

namespace mobula::base {

class ReadPacer {
 public:
  static constexpr std::size_t kWaitingBytesMax = std::size_t{1} << 20;
  static constexpr std::size_t kWaitingMax = 64;

  // A read has ended: whether the caller is to begin the next.
  [[nodiscard]] bool OnRead(std::size_t bytes) {
    MutexLock lock(mutex_);
    bytes_ += bytes;
    ++count_;
    held_ = IsFull();
    return !held_;
  }
  // What one read brought is dealt with; the same.
  [[nodiscard]] bool OnHandled(std::size_t bytes) {
    MutexLock lock(mutex_);
    bytes_ -= bytes;
    --count_;
    return !IsFull() && std::exchange(held_, false);
  }

 private:
  [[nodiscard]] bool IsFull() const MOBULA_REQUIRES(mutex_) {
    return bytes_ >= kWaitingBytesMax || count_ >= kWaitingMax;
  }

  Mutex mutex_;
  std::size_t bytes_ MOBULA_GUARDED_BY(mutex_) = 0;
  std::size_t count_ MOBULA_GUARDED_BY(mutex_) = 0;
  bool held_ MOBULA_GUARDED_BY(mutex_) = false;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_RPC_READ_PACER_H_
