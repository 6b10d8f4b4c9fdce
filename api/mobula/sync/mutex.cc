#include "api/mobula/sync/mutex.h"

#include <cstdint>

#include "api/mobula/coro/detail/setting.h"
#include "base/check.h"
#include "runtime/debug/lock_watch.h"

namespace mobula {
namespace {

runtime::Place PlaceOf(const std::source_location& where) {
  runtime::Place place;
  place.file = where.file_name();
  place.line = where.line();
  place.function = where.function_name();
  return place;
}

}  // namespace

Mutex::~Mutex() {
  base::MutexLock lock(mutex_);
  MOBULA_CHECK(!locked_, "a Mutex ends while it is locked");
  if (base::IsDebugging()) runtime::WatchForget(this);
}

std::optional<Mutex::Guard> Mutex::TryLock(std::source_location where) {
  {
    base::MutexLock lock(mutex_);
    if (locked_) return std::nullopt;
    locked_ = true;
  }
  if (base::IsDebugging()) NoteTaken(where);
  return Guard(this);
}

void Mutex::NoteAsked(const std::source_location& where) const {
  const std::uint64_t flow = detail::CurrentFlow();
  if (flow != 0) runtime::WatchAsk(flow, this, PlaceOf(where));
}

void Mutex::NoteTaken(const std::source_location& where) const {
  const std::uint64_t flow = detail::CurrentFlow();
  if (flow != 0) runtime::WatchTake(flow, this, PlaceOf(where));
}

void Mutex::Unlock() {
  // Before another one can take it.
  if (base::IsDebugging()) runtime::WatchRelease(this);
  detail::Woken woken;
  base::MutexLock lock(mutex_);
  locked_ = false;
  GrantWaiting(woken);  // hands it on to who came first
}

bool Mutex::Grant(detail::ListedWait& /*wait*/, detail::Woken& /*woken*/) {
  if (locked_) return false;
  locked_ = true;
  return true;
}

}  // namespace mobula
