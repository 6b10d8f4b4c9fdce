// Strand runs everything of one component on one thread, one thing at a time:
// posted closures, timers and readiness of descriptors (epoll).
//
//   Strand strand("raylet");
//   strand.Post([this] { strand_.AssertHeld(); ... });
//   TimerId timer = strand.PostAt(deadline, [this] { ... });
//   strand.Watch(fd, Strand::kReadable, [this](std::uint32_t ready) { ... });
//   strand.Run();                        // until Stop; or StartThread()
//
// What other processes write into shared memory is Polled: looked at in each
// turn, without the kernel, while the loop is awake. Before it sleeps it says
// so there; from then on whoever writes there rings the strand's Doorbell.
// Members of a shell are MOBULA_GUARDED_BY(strand_) and every posted closure
// begins with strand_.AssertHeld(); clang checks it.
//
// A thread that would sleep until something comes over the strand can run the
// loop itself meanwhile (Drive), so that what comes wakes that thread at once
// and not first the strand's own:
//
//   own thread --Drive--> driven --done--> free --Drive--> driven
//       ^                                   |
//       '--another thread posts, or kFreeMax passes
// While it is free nobody looks: what the last driver posts, and what comes
// from elsewhere, waits until that thread drives again, or for kFreeMax.
// Threading: Post, Drive, Stop and StartThread from any thread; the rest on the
// strand (or before Run). Owner: each shell's main object; must outlive what it
// runs. Invariants: (1) closures of one thread run in the order posted; (2)
// nothing runs after Stop has been seen; (3) after Unwatch or Cancel returns,
// that callback is not called again. Failure: no memory or descriptors at
// construction is a CHECK.
#ifndef MOBULA_BASE_STRAND_H_
#define MOBULA_BASE_STRAND_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/boot_time.h"
#include "base/thread_annotations.h"

namespace mobula::base {

class MOBULA_LOCKABLE Strand {
 public:
  using Closure = std::function<void()>;
  using TimerId = std::uint64_t;  // never 0
  static constexpr std::uint32_t kReadable = 1;
  static constexpr std::uint32_t kWritable = 2;
  static constexpr std::uint32_t kHangup = 4;  // always reported
  using ReadyFn = std::function<void(std::uint32_t ready)>;

  class Polled {
   public:
    // Runs what there is, for a while; whether there was something.
    virtual bool Poll() = 0;
    // The loop is about to sleep. False: there is something already. True: for
    // what comes from here on the doorbell is rung.
    virtual bool MaySleep() = 0;

   protected:
    ~Polled() = default;
  };

  explicit Strand(std::string name);  // the thread's name, 15 characters shown
  ~Strand();                          // stops and joins its thread
  Strand(const Strand&) = delete;
  Strand& operator=(const Strand&) = delete;

  void Post(Closure closure);
  // Not before `at`; in order of time, then of asking.
  TimerId PostAt(BootTime at, Closure closure);
  void Cancel(TimerId timer);  // no effect if it has run
  // Level-triggered; one watch a descriptor, a second call changes its events.
  void Watch(int fd, std::uint32_t events, ReadyFn ready);
  void Unwatch(int fd);  // before the descriptor is closed

  void AddPolled(Polled* polled);  // until RemovePolled
  void RemovePolled(Polled* polled);
  [[nodiscard]] std::size_t polled_count() const;
  // An eventfd: whoever writes to it, another process too, wakes the loop. It
  // stays the strand's. -1, and errno, where the system gives none.
  [[nodiscard]] int Doorbell();

  // How long nobody runs the loop after Drive, at most.
  static constexpr Duration kFreeMax = std::chrono::microseconds(200);
  // Runs the loop on the calling thread until `done`, which is asked there in
  // each turn, or the deadline; more wakes it to ask again only what comes over
  // the strand. False, and nothing was run, where another thread drives, it has
  // no thread of its own, or it is stopped; and, unless `takes`, where its own
  // thread runs it. What it runs may not wait.
  bool Drive(const std::function<bool()>& done, BootTime deadline, bool takes);
  // The calling thread is about to wait for something else than a Drive: a loop
  // that it has left free goes back to its own thread now.
  static void LetGo();
  // Whether the calling thread runs it.
  [[nodiscard]] bool IsHere() const;

  void Run();          // on the calling thread, until Stop
  void StartThread();  // Run on a thread of its own, all signals blocked
  void Stop();         // from any thread, also from the strand itself
  void Join();         // waits for the thread of StartThread

  [[nodiscard]] BootTime Now() const;
  // CHECKs that the caller runs on this strand.
  void AssertHeld() const MOBULA_ASSERT_EXCLUSIVE_LOCK();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_STRAND_H_
