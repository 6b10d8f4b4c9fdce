#include "base/strand.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <map>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/unique_fd.h"

namespace mobula::base {
namespace {

constexpr int kReadyMax = 64;  // descriptors taken from the kernel at once
// Batches of closures run before descriptors and timers are looked at again.
constexpr int kBatchesMax = 16;
constexpr std::size_t kThreadNameMax = 15;
// Of a watch: its generation (from 1) above the descriptor.
constexpr std::uint64_t kWakeTag = 0;
constexpr std::uint64_t kTimerTag = 1;
constexpr std::uint64_t kBellTag = 2;

std::uint64_t MakeTag(std::uint64_t generation, int fd) {
  return generation << 32 | static_cast<std::uint32_t>(fd);
}
int FdOfTag(std::uint64_t tag) { return static_cast<int>(tag & 0x7fffffff); }

// Its address says which thread this is, and costs no system call.
thread_local char this_thread;
// Stands for a thread that has been asked for and does not run yet.
char starting_thread;
// Stands for none: the loop is free.
char no_thread;

// Whole milliseconds until then, rounded up, for epoll_wait.
int MillisecondsUntil(BootTime at) {
  if (at.IsNever()) return -1;
  constexpr std::int64_t kMost = 1'000'000;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(
      at - std::min(at, BootNow()));
  return static_cast<int>(std::min<std::int64_t>(left.count(), kMost));
}

std::uint32_t ToEpoll(std::uint32_t events) {
  std::uint32_t mask = 0;
  if ((events & Strand::kReadable) != 0) mask |= EPOLLIN;
  if ((events & Strand::kWritable) != 0) mask |= EPOLLOUT;
  return mask;
}

std::uint32_t FromEpoll(std::uint32_t mask) {
  std::uint32_t ready = 0;
  if ((mask & EPOLLIN) != 0) ready |= Strand::kReadable;
  if ((mask & EPOLLOUT) != 0) ready |= Strand::kWritable;
  if ((mask & (EPOLLHUP | EPOLLERR)) != 0) ready |= Strand::kHangup;
  return ready;
}

timespec ToTimespec(BootTime at) {
  // 0 would disarm; the first nanosecond of the machine is long gone.
  const auto ns =
      std::max<std::int64_t>(at.since_boot().count(), std::int64_t{1});
  return timespec{static_cast<time_t>(ns / 1'000'000'000),
                  static_cast<long>(ns % 1'000'000'000)};
}

// An eventfd is told of once for each time that it is written to (EPOLLET), so
// it need not be read.
void AddToEpoll(int epoll, int fd, std::uint64_t tag, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  MOBULA_CHECK(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

// Reads the count of a timerfd, which makes it unreadable again.
void Drain(int fd) {
  std::uint64_t count = 0;
  const ssize_t got = ::read(fd, &count, sizeof count);
  MOBULA_CHECK(got == sizeof count || errno == EAGAIN || errno == EINTR);
}

}  // namespace

struct Strand::State {
  struct WatchEntry {
    std::uint64_t tag = 0;
    // Shared with the call that is under way, which may take the watch away.
    std::shared_ptr<ReadyFn> ready;
  };
  using TimerKey = std::pair<BootTime, TimerId>;

  explicit State(std::string the_name) : name(std::move(the_name)) {
    MOBULA_CHECK(epoll.valid() && wake.valid() && timer.valid(),
                 "out of descriptors or memory");
    AddToEpoll(epoll.get(), wake.get(), kWakeTag, EPOLLIN | EPOLLET);
    AddToEpoll(epoll.get(), timer.get(), kTimerTag, EPOLLIN);
  }

  void Loop();
  void RunPosted();
  bool RunBatch();
  bool PollAll();
  bool TakePosted();
  void RunTimers();
  void ArmTimer();
  void WaitAndDispatch(BootTime deadline);
  // Of Drive.
  bool TakeOver(BootTime deadline, bool takes) MOBULA_EXCLUDES(mutex);
  bool AskOwnThread(BootTime deadline) MOBULA_REQUIRES(mutex);
  void DriveLoop(const std::function<bool()>& done, BootTime deadline);
  void Leave() MOBULA_EXCLUDES(mutex);
  void TakeBack() MOBULA_EXCLUDES(mutex);
  // The last one that the calling thread drove.
  static std::weak_ptr<State>& LastDriven();
  // The own thread, which is asked for the loop, until it has it back.
  void Park() MOBULA_EXCLUDES(mutex);
  void RestWhileDriven(std::uint64_t* seen) MOBULA_REQUIRES(mutex);
  bool FallAsleep();
  bool MaySleep();
  void WakeUp();
  void Dispatch(std::uint64_t tag, std::uint32_t ready);
  void Wake() const;
  void DropAll();

  const std::string name;
  const UniqueFd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  const UniqueFd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  const UniqueFd timer{
      ::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)};

  std::atomic<bool> stopped{false};
  // The thread that runs the loop, &no_thread if it is free; null before and
  // after: then any one thread may use the strand.
  std::atomic<const char*> runner{nullptr};
  std::thread thread;

  Mutex mutex;
  std::vector<Closure> posted MOBULA_GUARDED_BY(mutex);
  // The loop sleeps, or is about to: the next Post must wake it, once.
  bool asleep MOBULA_GUARDED_BY(mutex) = false;

  // Who runs the loop.
  enum class Hands : std::uint8_t { kOwn, kFree, kDriven };
  Hands hands MOBULA_GUARDED_BY(mutex) = Hands::kOwn;
  bool has_thread MOBULA_GUARDED_BY(mutex) = false;
  // One that would drive waits for the own thread to let go; written under the
  // mutex.
  std::atomic<bool> asked{false};
  CondVar handed MOBULA_GUARDED_BY(mutex);
  std::uint64_t drives MOBULA_GUARDED_BY(mutex) = 0;
  const char* last_driver MOBULA_GUARDED_BY(mutex) = nullptr;
  BootTime left_at MOBULA_GUARDED_BY(mutex);
  // The own thread is to run it again; it sleeps on `parked`, for good or not.
  bool wanted_back MOBULA_GUARDED_BY(mutex) = false;
  bool parked_deep MOBULA_GUARDED_BY(mutex) = false;
  CondVar parked MOBULA_GUARDED_BY(mutex);

  // The rest belongs to the loop.
  std::vector<Closure> batch;
  std::map<TimerKey, Closure> timers;
  std::unordered_map<TimerId, BootTime> timer_times;
  TimerId last_timer = 0;
  BootTime armed = BootTime::Never();  // what the timerfd is set to
  std::unordered_map<int, WatchEntry> watches;
  std::uint64_t last_generation = 0;
  std::array<epoll_event, kReadyMax> ready_events;
  // Null: removed while they are gone through.
  std::vector<Polled*> polled;
  bool polling = false;
  UniqueFd bell;
};

void Strand::State::Loop() {
  while (!stopped.load(std::memory_order_acquire)) {
    if (asked.load(std::memory_order_acquire)) Park();
    RunPosted();
    RunTimers();
    WaitAndDispatch(BootTime::Never());
  }
}

// ---- threads that drive -----------------------------------------------------

bool Strand::State::TakeOver(BootTime deadline, bool takes) {
  MutexLock lock(mutex);
  if (!has_thread || asked || stopped.load(std::memory_order_acquire)) {
    return false;
  }
  if (hands == Hands::kDriven) return false;
  if (hands == Hands::kOwn) {
    if (!takes || !AskOwnThread(deadline)) return false;
  } else {
    hands = Hands::kDriven;
  }
  ++drives;
  wanted_back = false;
  last_driver = &this_thread;
  runner.store(&this_thread, std::memory_order_release);
  return true;
}

// Woken like by a Post; it lets go between two turns.
bool Strand::State::AskOwnThread(BootTime deadline) {
  asked = true;
  if (std::exchange(asleep, false)) Wake();
  while (asked && !stopped.load(std::memory_order_acquire)) {
    const BootTime now = BootNow();
    if (now >= deadline) break;
    if (deadline.IsNever()) {
      handed.Wait(mutex);
    } else {
      handed.WaitFor(mutex, deadline - now);
    }
  }
  if (!asked) return true;
  asked = false;
  return false;
}

void Strand::State::Park() {
  MutexLock lock(mutex);
  if (!asked) return;
  asked = false;
  hands = Hands::kDriven;
  runner.store(&no_thread, std::memory_order_release);
  handed.NotifyAll();
  std::uint64_t seen = drives;
  while (true) {
    if (hands == Hands::kDriven) {
      RestWhileDriven(&seen);
      continue;
    }
    if (stopped.load(std::memory_order_acquire)) break;
    const BootTime now = BootNow();
    const BootTime until = left_at + kFreeMax;
    if (wanted_back || now >= until) break;
    parked.WaitFor(mutex, until - now);
  }
  hands = Hands::kOwn;
  wanted_back = false;
  runner.store(&this_thread, std::memory_order_release);
}

// Who drives again and again for a little while each finds it looking now and
// then, and need not wake it; who drives for long does, at the end.
void Strand::State::RestWhileDriven(std::uint64_t* seen) {
  if (*seen != drives) {
    *seen = drives;
    parked.WaitFor(mutex, kFreeMax);
    return;
  }
  parked_deep = true;
  parked.Wait(mutex);
  parked_deep = false;
}

void Strand::State::DriveLoop(const std::function<bool()>& done,
                              BootTime deadline) {
  while (!stopped.load(std::memory_order_acquire)) {
    RunPosted();
    RunTimers();
    if (done() || BootNow() >= deadline) break;
    WaitAndDispatch(deadline);
  }
  // What the last turn gathered leaves now.
  if (!stopped.load(std::memory_order_acquire)) RunPosted();
  Leave();
}

void Strand::State::Leave() {
  MutexLock lock(mutex);
  hands = Hands::kFree;
  left_at = BootNow();
  runner.store(&no_thread, std::memory_order_release);
  if (!posted.empty()) wanted_back = true;
  if (parked_deep || wanted_back || stopped.load(std::memory_order_acquire)) {
    parked.NotifyAll();
  }
}

std::weak_ptr<Strand::State>& Strand::State::LastDriven() {
  thread_local std::weak_ptr<State> driven;
  return driven;
}

void Strand::State::TakeBack() {
  MutexLock lock(mutex);
  if (hands != Hands::kFree || last_driver != &this_thread) return;
  wanted_back = true;
  parked.NotifyAll();
}

// ---- the loop ---------------------------------------------------------------

// Closures posted by closures run before the descriptors are looked at, so that
// what a turn gathered (a link's frames) leaves without another system call; so
// do those that what is polled posts.
void Strand::State::RunPosted() {
  for (int round = 0; round < kBatchesMax; ++round) {
    const bool ran = RunBatch();
    if (!PollAll() && !ran) return;
    if (stopped.load(std::memory_order_acquire)) return;
  }
}

bool Strand::State::RunBatch() {
  if (!TakePosted()) return false;
  for (Closure& closure : batch) {
    if (stopped.load(std::memory_order_acquire)) return true;
    closure();
    closure = nullptr;
  }
  batch.clear();
  return true;
}

bool Strand::State::PollAll() {
  if (polled.empty()) return false;
  bool found = false;
  polling = true;
  // By number: one that is polled may add others.
  for (std::size_t i = 0; i < polled.size(); ++i) {
    if (stopped.load(std::memory_order_acquire)) break;
    if (polled[i] != nullptr && polled[i]->Poll()) found = true;
  }
  polling = false;
  std::erase(polled, nullptr);
  return found;
}

bool Strand::State::TakePosted() {
  MutexLock lock(mutex);
  batch.swap(posted);
  return !batch.empty();
}

void Strand::State::RunTimers() {
  if (timers.empty()) return;
  const BootTime now = BootNow();
  const TimerId last = last_timer;  // one asked for from here on waits
  while (!timers.empty() && !stopped.load(std::memory_order_acquire)) {
    const auto first = timers.begin();
    if (first->first.first > now || first->first.second > last) return;
    Closure closure = std::move(first->second);
    timer_times.erase(first->first.second);
    timers.erase(first);
    closure();
  }
}

// Sets the timerfd only to an earlier time than it stands at: a wake-up too
// early costs less than a system call each time a timer is taken back.
void Strand::State::ArmTimer() {
  if (timers.empty() || timers.begin()->first.first >= armed) return;
  armed = timers.begin()->first.first;
  itimerspec setting{};
  setting.it_value = ToTimespec(armed);
  MOBULA_CHECK(::timerfd_settime(timer.get(), TFD_TIMER_ABSTIME, &setting,
                                 nullptr) == 0);
}

void Strand::State::WaitAndDispatch(BootTime deadline) {
  if (stopped.load(std::memory_order_acquire)) return;
  ArmTimer();
  const bool may_sleep = FallAsleep();
  const int count = ::epoll_wait(epoll.get(), ready_events.data(), kReadyMax,
                                 may_sleep ? MillisecondsUntil(deadline) : 0);
  MOBULA_CHECK(count >= 0 || errno == EINTR);
  if (may_sleep) WakeUp();
  for (int i = 0; i < count; ++i) {
    if (stopped.load(std::memory_order_acquire)) return;
    const epoll_event& event = ready_events[static_cast<std::size_t>(i)];
    if (event.data.u64 == kWakeTag || event.data.u64 == kBellTag) {
      continue;  // what is posted and polled is looked at next
    } else if (event.data.u64 == kTimerTag) {
      Drain(timer.get());
      armed = BootTime::Never();
    } else {
      Dispatch(event.data.u64, FromEpoll(event.events));
    }
  }
}

// From here on the next Post writes to the eventfd. A loop that has something
// to run does not say that it sleeps, so posting to it costs no system call.
bool Strand::State::FallAsleep() {
  {
    MutexLock lock(mutex);
    asleep = posted.empty() && !asked;
    if (!asleep) return false;
  }
  if (MaySleep()) return true;
  WakeUp();
  return false;
}

bool Strand::State::MaySleep() {
  return std::all_of(polled.begin(), polled.end(),
                     [](Polled* each) { return each->MaySleep(); });
}

void Strand::State::WakeUp() {
  MutexLock lock(mutex);
  asleep = false;
}

void Strand::State::Dispatch(std::uint64_t tag, std::uint32_t ready) {
  const auto it = watches.find(FdOfTag(tag));
  // An event of a watch that an earlier callback of this turn took away, also
  // where the number has been given to a new descriptor since.
  if (it == watches.end() || it->second.tag != tag) return;
  const std::shared_ptr<ReadyFn> callback = it->second.ready;
  (*callback)(ready);
}

// While the tables are whole: what a closure owns may call Unwatch or Cancel
// when it dies.
void Strand::State::DropAll() {
  const auto dropped_batch = std::move(batch);
  const auto dropped_timers = std::move(timers);
  const auto dropped_watches = std::move(watches);
  batch.clear();
  timers.clear();
  watches.clear();
  timer_times.clear();
  std::vector<Closure> dropped_posted;  // dies after the lock is released
  MutexLock lock(mutex);
  dropped_posted.swap(posted);
}

void Strand::State::Wake() const {
  const std::uint64_t one = 1;
  const ssize_t put = ::write(wake.get(), &one, sizeof one);
  MOBULA_CHECK(put == sizeof one || errno == EAGAIN || errno == EINTR);
}

Strand::Strand(std::string name)
    : state_(std::make_shared<State>(std::move(name))) {}

Strand::~Strand() {
  MOBULA_CHECK(state_->runner.load() != &this_thread,
               "a strand must not be destroyed by what it runs");
  Stop();
  Join();
  state_->DropAll();
}

void Strand::Post(Closure closure) {
  bool wake = false;
  {
    MutexLock lock(state_->mutex);
    // After Stop the closure is dropped, outside of the lock.
    if (!state_->stopped.load(std::memory_order_acquire)) {
      state_->posted.push_back(std::move(closure));
      if (state_->hands != State::Hands::kFree) {
        wake = std::exchange(state_->asleep, false);
      } else if (state_->last_driver != &this_thread) {
        state_->wanted_back = true;
        state_->parked.NotifyAll();
      }
    }
  }
  if (wake) state_->Wake();
}

bool Strand::Drive(const std::function<bool()>& done, BootTime deadline,
                   bool takes) {
  MOBULA_CHECK(!IsHere(), "what a strand runs must not wait for it");
  if (!state_->TakeOver(deadline, takes)) return false;
  std::weak_ptr<State>& driven = State::LastDriven();
  if (driven.lock() != state_) driven = state_;
  state_->DriveLoop(done, deadline);
  return true;
}

void Strand::LetGo() {
  const std::shared_ptr<State> driven = State::LastDriven().lock();
  if (driven == nullptr) return;
  driven->TakeBack();
  State::LastDriven().reset();
}

bool Strand::IsHere() const {
  return state_->runner.load(std::memory_order_acquire) == &this_thread;
}

Strand::TimerId Strand::PostAt(BootTime at, Closure closure) {
  AssertHeld();
  const TimerId id = ++state_->last_timer;
  state_->timers.emplace(State::TimerKey(at, id), std::move(closure));
  state_->timer_times.emplace(id, at);
  return id;
}

void Strand::Cancel(TimerId timer) {
  AssertHeld();
  const auto it = state_->timer_times.find(timer);
  if (it == state_->timer_times.end()) return;
  const auto node = state_->timers.extract({it->second, timer});
  state_->timer_times.erase(it);
  // The closure dies here, when the tables are whole again: it may own what
  // calls Cancel.
}

void Strand::Watch(int fd, std::uint32_t events, ReadyFn ready) {
  AssertHeld();
  MOBULA_CHECK(fd >= 0);
  const auto [it, is_new] = state_->watches.try_emplace(fd);
  if (is_new) it->second.tag = MakeTag(++state_->last_generation, fd);
  it->second.ready = std::make_shared<ReadyFn>(std::move(ready));
  epoll_event event{};
  event.events = ToEpoll(events);
  event.data.u64 = it->second.tag;
  const int operation = is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  MOBULA_CHECK(::epoll_ctl(state_->epoll.get(), operation, fd, &event) == 0)
      << "descriptor " << fd << ", error " << errno;
}

void Strand::Unwatch(int fd) {
  AssertHeld();
  const auto node = state_->watches.extract(fd);
  if (node.empty()) return;
  // One that has been closed has left the epoll by itself.
  const int result =
      ::epoll_ctl(state_->epoll.get(), EPOLL_CTL_DEL, fd, nullptr);
  MOBULA_CHECK(result == 0 || errno == EBADF || errno == ENOENT);
}

void Strand::AddPolled(Polled* polled) {
  AssertHeld();
  MOBULA_CHECK(polled != nullptr);
  state_->polled.push_back(polled);
}

void Strand::RemovePolled(Polled* polled) {
  AssertHeld();
  for (Polled*& each : state_->polled) {
    if (each == polled) each = nullptr;
  }
  if (!state_->polling) std::erase(state_->polled, nullptr);
}

std::size_t Strand::polled_count() const {
  AssertHeld();
  return state_->polled.size();
}

int Strand::Doorbell() {
  AssertHeld();
  UniqueFd& bell = state_->bell;
  if (!bell.valid()) {
    bell.Reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!bell.valid()) return -1;
    AddToEpoll(state_->epoll.get(), bell.get(), kBellTag, EPOLLIN | EPOLLET);
  }
  return bell.get();
}

void Strand::Run() {
  const char* const before = state_->runner.exchange(&this_thread);
  MOBULA_CHECK(before == nullptr || before == &starting_thread,
               "a strand runs on one thread");
  state_->Loop();
  state_->runner.store(nullptr);
}

// Signals are for the program's own threads: this one blocks them all.
void Strand::StartThread() {
  MOBULA_CHECK(!state_->thread.joinable(), "the strand has a thread");
  const char* none = nullptr;
  MOBULA_CHECK(state_->runner.compare_exchange_strong(none, &starting_thread));
  sigset_t all;
  sigset_t old;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &old);
  {
    MutexLock lock(state_->mutex);
    state_->has_thread = true;
  }
  state_->thread = std::thread([this] { Run(); });
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
  ::pthread_setname_np(state_->thread.native_handle(),
                       state_->name.substr(0, kThreadNameMax).c_str());
}

void Strand::Stop() {
  {
    // Who waits for its turn looks at it with the lock held.
    MutexLock lock(state_->mutex);
    state_->stopped.store(true, std::memory_order_release);
    state_->parked.NotifyAll();
    state_->handed.NotifyAll();
  }
  state_->Wake();
}

void Strand::Join() {
  if (state_->thread.joinable()) state_->thread.join();
}

BootTime Strand::Now() const { return BootNow(); }

void Strand::AssertHeld() const {
  const char* const runner = state_->runner.load(std::memory_order_acquire);
  MOBULA_CHECK(runner == nullptr || runner == &this_thread)
      << "not on strand " << state_->name;
}

}  // namespace mobula::base
