#include "api/mobula/io/signals.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <csignal>
#include <string>
#include <utility>

#include "api/mobula/coro/detail/process_io.h"
#include "api/mobula/error.h"
#include "api/mobula/io/system_error.h"
#include "base/failure.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"
#include "runtime/executor/io_loop.h"

namespace mobula {
namespace {

constexpr int kSignalsMax = 64;
constexpr std::size_t kSlots = 64;

std::uint64_t Bit(int signal) { return std::uint64_t{1} << (signal - 1); }

// One for each Signals object. A handler may run at any moment, also while a
// slot is given away: so the descriptor of a slot is made once and stays.
struct Slot {
  std::atomic<int> event{-1};
  std::atomic<std::uint64_t> wanted{0};
  std::atomic<std::uint64_t> pending{0};
};

std::array<Slot, kSlots> slots;
static_assert(std::atomic<std::uint64_t>::is_always_lock_free,
              "a handler may not wait for a lock");

void Handle(int signal) {
  const int error = errno;
  constexpr std::uint64_t kOne = 1;
  for (Slot& slot : slots) {
    if ((slot.wanted.load() & Bit(signal)) == 0) continue;
    slot.pending.fetch_or(Bit(signal));
    (void)!::write(slot.event.load(), &kOne, sizeof kOne);
  }
  errno = error;
}

// What is ours of the process, and what was before.
class Handlers {
 public:
  void Take(std::uint64_t mask) MOBULA_REQUIRES(mutex) {
    for (int signal = 1; signal <= kSignalsMax; ++signal) {
      if ((mask & Bit(signal)) == 0) continue;
      if (users_[At(signal)]++ > 0) continue;
      struct sigaction ours{};
      ours.sa_handler = &Handle;
      ours.sa_flags = SA_RESTART;
      ::sigfillset(&ours.sa_mask);
      ::sigaction(signal, &ours, &before_[At(signal)]);
    }
  }
  void GiveBack(std::uint64_t mask) MOBULA_REQUIRES(mutex) {
    for (int signal = 1; signal <= kSignalsMax; ++signal) {
      if ((mask & Bit(signal)) == 0 || --users_[At(signal)] > 0) continue;
      struct sigaction now{};
      ::sigaction(signal, nullptr, &now);
      // Who has set another one since wants that.
      if (now.sa_handler != &Handle) continue;
      ::sigaction(signal, &before_[At(signal)], nullptr);
    }
  }

  base::Mutex mutex;

 private:
  static std::size_t At(int signal) {
    return static_cast<std::size_t>(signal - 1);
  }

  std::array<int, kSignalsMax> users_ MOBULA_GUARDED_BY(mutex){};
  std::array<struct sigaction, kSignalsMax> before_ MOBULA_GUARDED_BY(mutex){};
};

Handlers& TheHandlers() {
  static auto* const handlers = new Handlers;
  return *handlers;
}

std::uint64_t MaskOf(const std::vector<int>& signals) {
  std::uint64_t mask = 0;
  for (const int signal : signals) {
    bool is_right = signal >= 1 && signal <= kSignalsMax;
    for (const int refused : {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL,
                              SIGTRAP, SIGSYS, SIGABRT, 32, 33}) {
      is_right = is_right && signal != refused;
    }
    if (!is_right) {
      detail::ThrowBadArgument("nobody can wait for signal " +
                               std::to_string(signal));
    }
    mask |= Bit(signal);
  }
  if (mask == 0) detail::ThrowBadArgument("there are no signals to wait for");
  return mask;
}

// One that is free, with a descriptor.
std::size_t FindSlot() MOBULA_REQUIRES(TheHandlers().mutex) {
  for (std::size_t i = 0; i < kSlots; ++i) {
    if (slots[i].wanted.load() != 0) continue;
    if (slots[i].event.load() >= 0) return i;
    const int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event < 0) {
      detail::ThrowSystemError(errno, "cannot wait for signals");
    }
    slots[i].event.store(event);
    return i;
  }
  detail::ThrowFailure(base::NotRun(base::FailureCode::kLimit,
                                    "there are 64 Signals objects at most"));
}

}  // namespace

Signals::Signals(const std::vector<int>& signals) : mask_(MaskOf(signals)) {
  Handlers& handlers = TheHandlers();
  base::MutexLock lock(handlers.mutex);
  slot_ = FindSlot();
  Slot& slot = slots[slot_];
  base::UniqueFd copy(::fcntl(slot.event.load(), F_DUPFD_CLOEXEC, 0));
  woken_ = detail::WatchFd(std::move(copy), "signals");
  slot.pending.store(0);
  slot.wanted.store(mask_);
  handlers.Take(mask_);
}

Signals::~Signals() {
  if (woken_->IsOfParent()) return;
  Handlers& handlers = TheHandlers();
  base::MutexLock lock(handlers.mutex);
  handlers.GiveBack(mask_);
  slots[slot_].wanted.store(0);
}

namespace detail {

SignalWait::SignalWait(std::shared_ptr<runtime::IoDescriptor> woken,
                       std::size_t slot, Timeout timeout)
    : IoWait(std::move(woken), Direction::kRead, timeout), slot_(slot) {}

IoWait::Attempt SignalWait::Try() noexcept {
  std::atomic<std::uint64_t>& pending = slots[slot_].pending;
  // What is pending is looked at after the descriptor is made quiet: whoever
  // comes in between rings again.
  std::uint64_t rings = 0;
  (void)!::read(fd(), &rings, sizeof rings);
  std::uint64_t found = pending.load();
  while (found != 0) {
    const int first = std::countr_zero(found);
    if (!pending.compare_exchange_weak(found, found & (found - 1))) continue;
    signal_ = first + 1;
    // Another one who waits is to have the others.
    constexpr std::uint64_t kOne = 1;
    if (found != Bit(signal_)) (void)!::write(fd(), &kOne, sizeof kOne);
    return Attempt::kOver;
  }
  return Attempt::kNotReady;
}

int SignalWait::await_resume() {
  Finish();
  return signal_;
}

}  // namespace detail
}  // namespace mobula
