#include "api/mobula/coro/detail/arrivals.h"

#include <utility>
#include <variant>

#include "api/mobula/detail/handles.h"
#include "api/mobula/detail/session.h"
#include "api/mobula/error.h"
#include "base/check.h"
#include "base/threads/outcome_watch.h"
#include "runtime/process/backend.h"

namespace mobula::detail {

struct Arrivals::Watch : base::OutcomeWatch {
  Arrivals* arrivals = nullptr;
  ObjectPtr object;
  runtime::Backend* backend = nullptr;  // which the handle keeps
  std::size_t index = 0;
  bool arrived = false;
  Watch* before = nullptr;  // in the list of those that have arrived
  Watch* after = nullptr;

  static void Delete(Watch* watch) { delete watch; }
};

// ---- Arrivals ---------------------------------------------------------------

Arrivals::Arrivals(Order order) : order_(order) {}

Arrivals::~Arrivals() {
  base::MutexLock lock(mutex_);
  MOBULA_CHECK(watches_.empty(), "it was given up");
}

void Arrivals::Add(ObjectPtr object) {
  if (object == nullptr) ThrowBadArgument("this Ref refers to nothing");
  WatchPtr made(new Watch, &Watch::Delete);
  Watch* const watch = made.get();
  watch->arrivals = this;
  watch->backend = &object->session().OpenBackend();
  watch->object = std::move(object);
  watch->ready = [](base::OutcomeWatch* ready) noexcept {
    auto* const arrived = static_cast<Watch*>(ready);
    // Its owner may let go of it as soon as it has heard.
    const std::shared_ptr<Arrivals> kept =
        arrived->arrivals->shared_from_this();
    kept->Arrive(arrived);
  };
  // Once it is watched it may have been taken, and be gone: the backend is kept
  // until the call has returned.
  const ObjectPtr kept = watch->object;
  runtime::Backend& backend = *watch->backend;
  {
    base::MutexLock lock(mutex_);
    watch->index = begin_ + watches_.size();
    watches_.push_back(std::move(made));
    ++left_;
    ++expected_;
  }
  if (backend.StartWatch(kept->id(), watch, /*join=*/true)) Arrive(watch);
}

void Arrivals::Arrive(Watch* watch) noexcept {
  Woken woken;
  base::MutexLock lock(mutex_);
  watch->arrived = true;
  watch->before = last_;
  (last_ == nullptr ? first_ : last_->after) = watch;
  last_ = watch;
  ++arrived_;
  if (failed_ == nullptr &&
      std::holds_alternative<base::Failure>(*watch->outcome)) {
    failed_ = watch;
  }
  GrantWaiting(woken);
  MOBULA_CHECK(expected_ > 0);
  if (--expected_ == 0) none_expected_.NotifyAll();
}

void Arrivals::GiveUp() {
  std::vector<Watch*> waiting;
  {
    base::MutexLock lock(mutex_);
    for (const WatchPtr& watch : watches_) {
      if (watch != nullptr && !watch->arrived) waiting.push_back(watch.get());
    }
  }
  std::size_t given_up = 0;
  for (Watch* const watch : waiting) {
    const auto before = watch->backend->StopWatch(watch->object->id(), watch);
    if (before == base::OutcomeWatch::State::kWaiting) ++given_up;
  }
  std::deque<WatchPtr> watches;  // let go with no lock held
  base::MutexLock lock(mutex_);
  MOBULA_CHECK(expected_ >= given_up);
  expected_ -= given_up;
  while (expected_ > 0) none_expected_.Wait(mutex_);
  begin_ += watches_.size();
  watches.swap(watches_);
  left_ = 0;
  first_ = last_ = nullptr;
  failed_ = nullptr;
}

std::size_t Arrivals::size() const {
  base::MutexLock lock(mutex_);
  return left_;
}

std::vector<bool> Arrivals::Arrived() const {
  base::MutexLock lock(mutex_);
  std::vector<bool> arrived;
  arrived.reserve(watches_.size());
  for (const WatchPtr& watch : watches_) {
    if (watch != nullptr) arrived.push_back(watch->arrived);
  }
  return arrived;
}

Arrivals::WatchPtr Arrivals::TakeNext() {
  Watch* const next = order_ == Order::kAsTheyCome ? first_
                      : watches_.empty()           ? nullptr
                                                   : watches_.front().get();
  if (next == nullptr || !next->arrived) return {nullptr, &Watch::Delete};
  (next->before == nullptr ? first_ : next->before->after) = next->after;
  (next->after == nullptr ? last_ : next->after->before) = next->before;
  WatchPtr taken = std::move(watches_[next->index - begin_]);
  while (!watches_.empty() && watches_.front() == nullptr) {
    watches_.pop_front();
    ++begin_;
  }
  --left_;
  return taken;
}

bool Arrivals::Grant(ListedWait& wait, Woken& /*woken*/) {
  return static_cast<ArrivalsWait&>(wait).TryGrant(*this);
}

// ---- those who wait ---------------------------------------------------------

WatchedRefs::WatchedRefs(std::span<const ObjectPtr> objects,
                         Arrivals::Order order)
    : WatchedRefs(order) {
  for (const ObjectPtr& object : objects) arrivals_->Add(object);
}

TakeWait::TakeWait(Arrivals& arrivals, Timeout timeout)
    : ArrivalsWait(arrivals, timeout), taken_(nullptr, nullptr) {}

TakeWait::~TakeWait() = default;

bool TakeWait::TryGrant(Arrivals& arrivals) {
  taken_ = arrivals.TakeNext();
  return taken_ != nullptr || arrivals.left_ == 0;
}

std::optional<std::size_t> TakeWait::await_resume() {
  Finish();
  if (taken_ == nullptr) return std::nullopt;
  return taken_->index;
}

bool CountWait::TryGrant(Arrivals& arrivals) {
  return arrivals.arrived_ >= count_ ||
         (fails_early_ && arrivals.failed_ != nullptr);
}

void CountWait::FinishAll() {
  Finish();
  const Arrivals::Watch* failed = nullptr;
  {
    base::MutexLock lock(arrivals_.mutex_);
    failed = arrivals_.failed_;
  }
  if (!fails_early_ || failed == nullptr) return;
  ThrowFailure(std::get<base::Failure>(*failed->outcome));
}

const base::Outcome& CountWait::outcome(std::size_t index) const {
  base::MutexLock lock(arrivals_.mutex_);
  const auto& watch = arrivals_.watches_[index];
  MOBULA_CHECK(watch->arrived, "only what has arrived has an outcome");
  return *watch->outcome;
}

const ObjectPtr& CountWait::object(std::size_t index) const {
  base::MutexLock lock(arrivals_.mutex_);
  return arrivals_.watches_[index]->object;
}

}  // namespace mobula::detail
