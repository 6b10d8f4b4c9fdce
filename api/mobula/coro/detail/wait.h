// Wait is one wait for one thing, by a coroutine (co_await) or by a thread
// (BlockOn): what Event, Mutex, Channel and the others hand out. Not for users.
//
//   begun --Enter--> over | waiting --granted | Abandon--> over (final)
// It is a temporary of the statement that waits, and the thing that it waits
// for keeps a link to it; nothing is allocated. Threading: of its coroutine or
// thread. Abandon comes from any thread. Invariants: (1) whoever ends a wait
// decides under the lock of the thing that is waited for, so it ends once, and
// one that is granted is not lost; (2) Wake follows with no lock held, and
// after it the Wait may be gone; (3) until Finish, which waits for a timer or a
// stop that is on its way, the Wait stays. Errors: TimeoutError, Cancelled
// (stop of the scope).
#ifndef MOBULA_API_MOBULA_CORO_DETAIL_WAIT_H_
#define MOBULA_API_MOBULA_CORO_DETAIL_WAIT_H_

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <optional>
#include <stop_token>

#include "api/mobula/coro/detail/context.h"
#include "api/mobula/coro/detail/setting.h"
#include "api/mobula/timeout.h"
#include "base/boot_time.h"
#include "base/threads/executor.h"

namespace mobula::detail {

class Wait {
 public:
  enum class End : std::uint8_t { kNone, kGranted, kTimeout, kStopped };

  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

  bool await_ready();
  bool await_suspend(std::coroutine_handle<> waiter);
  // await_resume is the derived class's: it calls Finish.

  // The same on a thread: blocks until it is over.
  void Block();

  // Of whoever decides, under the lock of what is waited for.
  [[nodiscard]] bool is_over() const { return end_ != End::kNone; }
  void EndAs(End end) { end_ = end; }
  // Lets it go on, with no lock held.
  void Wake() noexcept;

 protected:
  // One that cannot be stopped waits for what is certain to come.
  explicit Wait(Timeout timeout, bool can_stop = true)
      : timeout_(timeout), can_stop_(can_stop) {}
  virtual ~Wait();

  // Whether it is over, by a grant now or by an Abandon before; if not, and
  // `joins`, it is waiting from then on. With one lock of the thing's.
  virtual bool Enter(bool joins) = 0;
  // Ends it, and wakes it if it is waiting, unless it is over.
  virtual void Abandon(End end) noexcept = 0;

  // Throws unless it was granted.
  void Finish();
  // The same, but false where its own time was over.
  bool FinishInTime();

 private:
  struct OnStop {
    Wait* wait;
    void operator()() const noexcept { wait->Abandon(End::kStopped); }
  };
  struct WaitTimer : base::Timer {
    Wait* wait = nullptr;
  };
  struct Resumption : base::Work {
    Wait* wait = nullptr;
  };

  void ArmStop();
  void ArmTimer();
  void Disarm();

  const Timeout timeout_;
  const bool can_stop_;
  bool has_timer_ = false;
  End end_ = End::kNone;
  base::BootTime deadline_ = base::BootTime::Never();
  Setting setting_;
  std::coroutine_handle<> waiter_;  // null for a thread
  std::atomic<std::uint32_t> signal_{0};
  Resumption resumption_;
  WaitTimer timer_;
  std::optional<std::stop_callback<OnStop>> on_stop_;
};

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_CORO_DETAIL_WAIT_H_
