#include "api/mobula/detail/session.h"

#include <utility>

#include "api/mobula/error.h"
#include "base/mutex.h"
#include "runtime/process/backend.h"

namespace mobula::detail {
namespace {

struct CurrentSession {
  base::Mutex mutex;
  std::shared_ptr<Session> session MOBULA_GUARDED_BY(mutex);
};

CurrentSession& TheCurrent() {
  // Never destroyed: refs may outlive every other object of the program.
  static CurrentSession& current = *new CurrentSession;
  return current;
}

[[noreturn]] void ThrowClosed(const char* message) {
  ThrowFailure(base::NotRun(base::FailureCode::kShutdown, message));
}

}  // namespace

Session::Session(std::shared_ptr<runtime::Backend> backend)
    : backend_(std::move(backend)) {}

std::shared_ptr<Session> Session::Current() {
  CurrentSession& current = TheCurrent();
  base::MutexLock lock(current.mutex);
  return current.session;
}

std::shared_ptr<Session> Session::Require() {
  std::shared_ptr<Session> session = Current();
  if (session == nullptr) {
    ThrowClosed("there is no runtime: call mobula::Init first");
  }
  return session;
}

bool Session::MakeCurrent(std::shared_ptr<Session> session) {
  CurrentSession& current = TheCurrent();
  base::MutexLock lock(current.mutex);
  if (current.session != nullptr) return false;
  current.session = std::move(session);
  return true;
}

runtime::Backend* Session::backend() const {
  return closed_.load(std::memory_order_acquire) ? nullptr : backend_.get();
}

runtime::Backend& Session::OpenBackend() const {
  runtime::Backend* const open = backend();
  if (open == nullptr) {
    ThrowClosed("the runtime to which this Ref or Actor belongs has ended");
  }
  return *open;
}

base::BootTime Session::DeadlineAfter(Timeout timeout) const {
  const runtime::Backend& open = OpenBackend();
  if (timeout.IsInfinite()) return base::BootTime::Never();
  return open.Now() + timeout.nanoseconds();
}

void Session::Close() {
  if (closed_.exchange(true)) return;
  backend_->Shutdown();
  std::shared_ptr<Session> last;  // goes after the lock
  CurrentSession& current = TheCurrent();
  base::MutexLock lock(current.mutex);
  if (current.session.get() == this) last = std::move(current.session);
}

}  // namespace mobula::detail
