// How a slot waits for what it is to run.
#include <optional>

#include "base/boot_time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/strand.h"
#include "runtime/executor/slot_thread.h"

namespace mobula::runtime {

base::Work* SlotThread::Take() {
  const bool rests = !use_.in_use();
  // Where nothing has begun there is no task whose cpu could be lent.
  std::optional<SlotUse::Share> share;
  std::optional<LentWait> lent;
  if (!coroutines_.empty()) {
    share.emplace(use_);
    lent.emplace(base::BootTime::Never(), blocked_);
  }
  base::MutexLock lock(mutex_);
  if (!stopped_ && first_ == nullptr && rests) page_.Rest();
  while (!IsThere(Awaited::kAny)) {
    Await(Awaited::kAny, lent.has_value() ? &*lent : nullptr);
  }
  if (stopped_) return nullptr;
  base::Work* const work = first_;
  first_ = work->next;
  if (hooks_.drive != nullptr) took_at_ = base::BootNow();
  return work;
}

bool SlotThread::IsThere(Awaited what) const {
  if (stopped_ && what != Awaited::kPosted) return true;
  if (what == Awaited::kAny) return first_ != nullptr;
  for (const base::Work* work = first_; work != nullptr; work = work->next) {
    if (work->run != nullptr) return true;
  }
  return false;
}

void SlotThread::Await(Awaited what, LentWait* lent) {
  bool drove = false;
  if (hooks_.drive != nullptr) {
    drives_ = true;
    mutex_.Unlock();
    const base::BootTime now = base::BootNow();
    const auto timeout = lent != nullptr ? lent->Next() : std::nullopt;
    drove = hooks_.drive(
        [this, what] {
          base::MutexLock lock(mutex_);
          return IsThere(what);
        },
        timeout ? now + *timeout : base::BootTime::Never(),
        // What ran before took little: it is worth taking the strand along.
        now - took_at_ < base::Strand::kFreeMax);
    mutex_.Lock();
    drives_ = false;
  }
  if (drove || IsThere(what)) return;
  if (lent != nullptr) {
    lent->Sleep(mutex_, changed_);
  } else {
    changed_.Wait(mutex_);
  }
}

base::Work* SlotThread::FindPosted() {
  base::Work* before = nullptr;
  for (base::Work* work = first_; work != nullptr; work = work->next) {
    if (work->run != nullptr) {
      (before == nullptr ? first_ : before->next) = work->next;
      if (last_ == work) last_ = before;
      return work;
    }
    before = work;
  }
  return nullptr;
}

base::Work* SlotThread::TakePosted() {
  base::MutexLock lock(mutex_);
  while (true) {
    if (base::Work* const work = FindPosted()) return work;
    Await(Awaited::kPosted, nullptr);
  }
}

base::Work* SlotThread::TakePostedOrStop() {
  LentWait lent(base::BootTime::Never(), blocked_);
  base::MutexLock lock(mutex_);
  while (!stopped_) {
    if (base::Work* const work = FindPosted()) return work;
    Await(Awaited::kPostedOrStop, &lent);
  }
  return nullptr;
}

void SlotThread::RunToEnd(TaskRun& run) {
  while (!run.has_ended) {
    base::Work* work = TakePostedOrStop();
    if (work == nullptr) {
      run.coroutine->Stop();
      work = TakePosted();
    }
    work->run(work);
  }
}

}  // namespace mobula::runtime
