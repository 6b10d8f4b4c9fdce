// WorkerPage: one page of memory that a worker writes and its raylet reads,
// also after the worker has died: which function runs, or ran last.
//
// The raylet makes it (memfd), hands it to the worker at start and uses it to
// label output, which it may read when the function has ended, and to say in a
// listing or a failure what runs. It trusts nothing in it: the
// length is clamped, the text is for people only.
// Of a host of shared actors it says, once it has begun to end by a fault,
// whose it is (Charge). Threading: written by the worker's slot thread alone,
// and Charge by any, also in a signal handler; a reader may see a torn name and
// tries again (`sequence` odd: being written).
#ifndef MOBULA_BASE_SHM_WORKER_PAGE_H_
#define MOBULA_BASE_SHM_WORKER_PAGE_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace mobula::base {

struct WorkerPage {
  static constexpr std::size_t kNameBytesMax = 240;

  std::atomic<std::uint32_t> sequence;
  std::atomic<std::uint32_t> name_length;
  std::atomic<char> name[kNameBytesMax];
  std::atomic<std::uint32_t> busy;    // 0: what is named has ended
  std::atomic<std::uint32_t> charge;  // 1: being written, 2: `charged` holds
  std::atomic<std::uint64_t> charged[2];

  // Writer: what runs now ("" for nothing); cut to kNameBytesMax.
  void SetRunning(std::string_view function);
  // Writer: the same again; nothing, since it has ended.
  void SetBusy(bool is_busy) {
    busy.store(is_busy ? 1 : 0, std::memory_order_release);
  }
  // Reader: what ran last, when last seen whole; "" if nothing has or torn
  // throughout.
  [[nodiscard]] std::string Last() const;
  // Writer: the process is about to end by that actor's doing, in `function`;
  // the first one counts.
  void Charge(ActorId actor, std::string_view function);
  // Reader: nil if none is charged.
  [[nodiscard]] ActorId Charged() const;
  // Reader: what runs, "" if nothing does.
  [[nodiscard]] std::string Running() const {
    return busy.load(std::memory_order_acquire) == 0 ? "" : Last();
  }
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SHM_WORKER_PAGE_H_
