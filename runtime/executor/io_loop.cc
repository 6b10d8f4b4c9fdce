#include "runtime/executor/io_loop.h"

#include <pthread.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/error_code.hpp>
#include <cerrno>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/check.h"
#include "runtime/executor/named_thread.h"

namespace mobula::runtime {
namespace {

namespace asio = boost::asio;
using base::IoWatch;
using Direction = IoWatch::Direction;

std::atomic<std::uint32_t> forks{0};

void CountFork() { forks.fetch_add(1, std::memory_order_relaxed); }

// First come, first served.
struct WatchList {
  IoWatch* first = nullptr;
  IoWatch* last = nullptr;

  void Append(IoWatch* watch) {
    watch->before = last;
    watch->after = nullptr;
    (last == nullptr ? first : last->after) = watch;
    last = watch;
  }
  void Remove(IoWatch* watch) {
    (watch->before == nullptr ? first : watch->before->after) = watch->after;
    (watch->after == nullptr ? last : watch->after->before) = watch->before;
  }
};

// Those who are told once the lock is free: declared before it.
class Told {
 public:
  Told() = default;
  ~Told() {
    while (list_.first != nullptr) {
      IoWatch* const watch = list_.first;
      list_.Remove(watch);
      watch->over(watch);
    }
  }
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;

  void Add(IoWatch* watch) { list_.Append(watch); }

 private:
  WatchList list_;
};

}  // namespace

std::uint32_t IoForkCount() {
  static const int registered = ::pthread_atfork(nullptr, nullptr, &CountFork);
  MOBULA_CHECK(registered == 0);
  return forks.load(std::memory_order_relaxed);
}

// ---- IoDescriptor -----------------------------------------------------------

// Asio is asked to wait once for each direction, whoever waits here, and never
// told to stop: what it has found when nobody waits any more is nothing.
struct IoDescriptor::State : std::enable_shared_from_this<IoDescriptor::State> {
  struct Side {
    WatchList waiting;
    bool is_armed = false;
  };

  explicit State(asio::io_context& context) : descriptor(context) {}

  Side& side(Direction direction) {
    return sides[static_cast<std::size_t>(direction)];
  }

  // Whether one of those who are left waits for the descriptor.
  bool TryWaiting(Side& side, Told& told) MOBULA_REQUIRES(mutex) {
    bool waits = false;
    IoWatch* next = nullptr;
    for (IoWatch* watch = side.waiting.first; watch != nullptr; watch = next) {
      next = watch->after;
      const IoWatch::Attempt attempt = watch->attempt(watch);
      waits = waits || attempt == IoWatch::Attempt::kNotReady;
      if (attempt != IoWatch::Attempt::kOver) continue;
      side.waiting.Remove(watch);
      watch->waits = false;
      told.Add(watch);
    }
    return waits;
  }

  void Arm(Direction direction) MOBULA_REQUIRES(mutex) {
    if (side(direction).is_armed || !descriptor.is_open()) return;
    side(direction).is_armed = true;
    descriptor.async_wait(
        direction == Direction::kRead
            ? asio::posix::descriptor_base::wait_read
            : asio::posix::descriptor_base::wait_write,
        [self = shared_from_this(),
         direction](const boost::system::error_code& error) {
          self->Ready(direction, error == asio::error::operation_aborted);
        });
  }

  void Ready(Direction direction, bool is_closed) MOBULA_EXCLUDES(mutex) {
    Told told;
    base::MutexLock lock(mutex);
    Side& ready = side(direction);
    ready.is_armed = false;
    if (!is_closed && TryWaiting(ready, told)) Arm(direction);
  }

  base::Mutex mutex;
  asio::posix::stream_descriptor descriptor;
  std::array<Side, 2> sides;
  std::atomic<std::uint32_t> times_tried{0};  // by TryAll
};

IoDescriptor::IoDescriptor(IoLoop& loop, std::shared_ptr<State> state,
                           base::UniqueFd fd)
    : loop_(loop), fd_(std::move(fd)), state_(std::move(state)) {}

IoDescriptor::~IoDescriptor() {
  if (IsOfParent()) {
    // Asio's part, its locks too, is the parent's, which goes on with it.
    (void)new std::shared_ptr<State>(std::move(state_));
    return;
  }
  {
    base::MutexLock lock(state_->mutex);
    MOBULA_CHECK(state_->sides[0].waiting.first == nullptr &&
                     state_->sides[1].waiting.first == nullptr,
                 "a descriptor is closed while somebody waits for it");
    state_->descriptor.release();
  }
  loop_.Closed();
}

bool IoDescriptor::IsOfParent() const {
  return loop_.made_at_fork_ != forks.load(std::memory_order_relaxed);
}

base::Mutex& IoDescriptor::mutex() const { return state_->mutex; }

void IoDescriptor::Append(Direction direction, IoWatch* watch) {
  MOBULA_CHECK(watch->attempt != nullptr && watch->over != nullptr);
  MOBULA_CHECK(!watch->waits, "a watch waits once");
  watch->waits = true;
  watch->direction = direction;
  state_->side(direction).waiting.Append(watch);
  state_->Arm(direction);
}

bool IoDescriptor::Remove(IoWatch* watch) {
  if (!watch->waits) return false;
  watch->waits = false;
  state_->side(watch->direction).waiting.Remove(watch);
  return true;
}

void IoDescriptor::TryAll() {
  Told told;
  base::MutexLock lock(state_->mutex);
  state_->times_tried.fetch_add(1);
  for (const Direction direction : {Direction::kRead, Direction::kWrite}) {
    if (state_->TryWaiting(state_->side(direction), told)) {
      state_->Arm(direction);
    }
  }
}

std::uint32_t IoDescriptor::times_tried() const {
  return state_->times_tried.load();
}

// ---- IoLoop -----------------------------------------------------------------

struct IoLoop::Asio {
  using Guard = asio::executor_work_guard<asio::io_context::executor_type>;

  asio::io_context context{1};
  std::optional<Guard> guard;
  std::thread thread;  // under the loop's lock
};

IoLoop::IoLoop()
    : asio_(std::make_unique<Asio>()), made_at_fork_(IoForkCount()) {}

IoLoop::~IoLoop() {
  base::MutexLock lock(mutex_);
  MOBULA_CHECK(open_ == 0, "the loop ends before its descriptors are closed");
  EndThread();
}

std::unique_ptr<IoDescriptor> IoLoop::Open(base::UniqueFd fd, int* error) {
  // Asio takes files too, and finds out late that they cannot be waited for.
  struct stat kind{};
  if (::fstat(fd.get(), &kind) != 0) {
    *error = errno;
    return nullptr;
  }
  if (S_ISREG(kind.st_mode) || S_ISDIR(kind.st_mode)) {
    *error = EPERM;
    return nullptr;
  }
  auto state = std::make_shared<IoDescriptor::State>(asio_->context);
  boost::system::error_code failed;
  state->descriptor.assign(fd.get(), failed);
  if (failed) {
    *error = failed.value();
    return nullptr;
  }
  base::MutexLock lock(mutex_);
  try {
    if (!asio_->thread.joinable()) StartThread();
  } catch (const std::system_error& refused) {
    state->descriptor.release();
    *error = refused.code().value();
    return nullptr;
  }
  ++open_;
  return std::unique_ptr<IoDescriptor>(
      new IoDescriptor(*this, std::move(state), std::move(fd)));
}

void IoLoop::StartThread() {
  asio_->context.restart();
  asio_->guard.emplace(asio_->context.get_executor());
  asio_->thread = StartNamedThread(
      "mobula-io", [context = &asio_->context] { context->run(); });
}

// What Asio has to call back then is of descriptors that are closed.
void IoLoop::EndThread() {
  if (!asio_->thread.joinable()) return;
  asio_->guard.reset();
  asio_->thread.join();
}

void IoLoop::Closed() {
  base::MutexLock lock(mutex_);
  MOBULA_CHECK(open_ > 0);
  --open_;
}

void IoLoop::Rest() {
  base::MutexLock lock(mutex_);
  if (open_ == 0) EndThread();
}

std::size_t IoLoop::open() const {
  base::MutexLock lock(mutex_);
  return open_;
}

bool IoLoop::has_thread() const {
  base::MutexLock lock(mutex_);
  return asio_->thread.joinable();
}

}  // namespace mobula::runtime
