#include "runtime/executor/shared_slots.h"

#include <utility>
#include <vector>

#include "base/check.h"
#include "base/failure.h"
#include "runtime/executor/fault_notes.h"

namespace mobula::runtime {
namespace {

using base::ActorId;
using base::ObjectId;

// What runs in place of another needs that much.
constexpr std::size_t kStackLeftMin = std::size_t{1} << 20;
// That a lane runs before others get their turn.
constexpr int kTurnsMax = 64;
// What is run, for people who look from outside.
constexpr char kRunning[] = "shared actors";

base::Failure NoThread(std::size_t extra_max) {
  return base::NotRun(
      base::FailureCode::kLimit,
      "no thread can be had to run it: " + std::to_string(extra_max) +
          " methods of shared actors of its process are blocked, which is the "
          "most; let fewer of them wait at a time, await in coroutines, or "
          "create some of the actors without Shared()");
}

}  // namespace

struct SharedSlots::Lane : base::Work {
  Lane(SharedSlots& of, ActorId id)
      : owner(of),
        actor(id),
        slot(of.options_.table, nullptr, MakeHooks(), &of.options_.running,
             of.options_.streams) {
    run = [](base::Work* work) noexcept {
      Lane& self = *static_cast<Lane*>(work);
      self.owner.RunLane(self, kTurnsMax);
    };
  }
  SlotThread::Hooks MakeHooks() {
    SlotThread::Hooks hooks = owner.options_.hooks;
    hooks.wake = [this] { owner.Schedule(*this); };
    return hooks;
  }

  SharedSlots& owner;
  const ActorId actor;
  // kScheduled: it waits for a thread, or runs. kAsked: and there may be
  // something that whoever runs it has not seen.
  enum State : int { kIdle, kScheduled, kAsked };
  std::atomic<int> state{kIdle};
  std::atomic<bool> ends{false};  // End asked for it
  SlotThread slot;
};

SharedSlots::SharedSlots(Options options)
    : options_(std::move(options)),
      threads_(options_.threads, [this](base::Work* work) {
        RefuseIn(*static_cast<Lane*>(work));
      }) {
  MOBULA_CHECK(options_.ended != nullptr);
}

SharedSlots::~SharedSlots() {
  Stop();
  Join();
}

void SharedSlots::SetNode(std::string name) {
  base::MutexLock lock(mutex_);
  node_ = std::move(name);
}

std::size_t SharedSlots::actors() const {
  base::MutexLock lock(mutex_);
  return lanes_.size();
}

std::shared_ptr<SharedSlots::Lane> SharedSlots::Find(ActorId actor) const {
  base::MutexLock lock(mutex_);
  const auto found = lanes_.find(actor);
  return found == lanes_.end() ? nullptr : found->second;
}

std::shared_ptr<SharedSlots::Lane> SharedSlots::Make(ActorId actor) {
  if (!hosts_.exchange(true)) {
    WatchFaults(options_.page);
    if (options_.page != nullptr) options_.page->SetRunning(kRunning);
  }
  auto lane = std::make_shared<Lane>(*this, actor);
  base::MutexLock lock(mutex_);
  lane->slot.SetNode(node_);
  const auto [found, is_new] = lanes_.emplace(actor, lane);
  MOBULA_CHECK(is_new && !stopped_, "an actor comes once");
  return lane;
}

void SharedSlots::Push(Execute work) {
  MOBULA_CHECK(work.shared && !work.actor.IsNil());
  std::shared_ptr<Lane> lane = Find(work.actor);
  if (lane == nullptr) lane = Make(work.actor);
  lane->slot.Push(std::move(work));
}

void SharedSlots::End(ActorId actor) {
  const std::shared_ptr<Lane> lane = Find(actor);
  if (lane == nullptr) {  // nothing of it ever ran
    options_.ended(actor);
    return;
  }
  lane->ends.store(true);
  lane->slot.Stop();
}

void SharedSlots::Stop() {
  std::vector<std::shared_ptr<Lane>> lanes;
  {
    base::MutexLock lock(mutex_);
    stopped_ = true;
    for (const auto& [actor, lane] : lanes_) lanes.push_back(lane);
  }
  for (const auto& lane : lanes) lane->slot.Stop();
}

void SharedSlots::Join() {
  {
    base::MutexLock lock(mutex_);
    while (!lanes_.empty()) emptied_.Wait(mutex_);
  }
  threads_.Join();
}

// ---- a lane -----------------------------------------------------------------

void SharedSlots::Schedule(Lane& lane) {
  int state = lane.state.load();
  while (state != Lane::kAsked) {
    const int next = state == Lane::kIdle ? Lane::kScheduled : Lane::kAsked;
    if (!lane.state.compare_exchange_weak(state, next)) continue;
    if (next == Lane::kScheduled) threads_.Post(&lane);
    return;
  }
}

void SharedSlots::RunLane(Lane& lane, int turns_max) {
  static thread_local const FaultStack fault_stack;
  LentWait::SetHelp(this);
  lane.state.store(Lane::kScheduled);
  const SlotThread::Ran ran = lane.slot.RunReady(turns_max);
  if (ran == SlotThread::Ran::kOver) {
    Finish(lane);
  } else {
    Leave(lane, ran == SlotThread::Ran::kSome);
  }
}

// Others may run it from here on, to its end.
void SharedSlots::Leave(Lane& lane, bool has_more) {
  int state = Lane::kScheduled;
  if (!has_more && lane.state.compare_exchange_strong(state, Lane::kIdle)) {
    return;
  }
  threads_.Post(&lane);
}

void SharedSlots::RefuseIn(Lane& lane) {
  lane.state.store(Lane::kScheduled);
  Leave(lane, lane.slot.RefuseFirst(NoThread(options_.threads.extra_max)));
}

void SharedSlots::Finish(Lane& lane) {
  const ActorId actor = lane.actor;
  const bool ends = lane.ends.load();
  std::shared_ptr<Lane> gone;
  {
    base::MutexLock lock(mutex_);
    const auto found = lanes_.find(actor);
    MOBULA_CHECK(found != lanes_.end());
    gone = std::move(found->second);
    lanes_.erase(found);
    if (lanes_.empty()) emptied_.NotifyAll();
  }
  gone.reset();
  if (ends) options_.ended(actor);
}

// ---- in place of others -----------------------------------------------------

void SharedSlots::NoteCall(ObjectId result, ActorId actor) {
  if (!hosts_.load(std::memory_order_relaxed)) return;
  base::MutexLock lock(mutex_);
  if (lanes_.contains(actor)) calls_.emplace(result, actor);
}

void SharedSlots::ForgetCall(ObjectId result) {
  if (!hosts_.load(std::memory_order_relaxed)) return;
  base::MutexLock lock(mutex_);
  calls_.erase(result);
}

bool SharedSlots::Try() {
  if (LentWait::Awaited().empty() || !threads_.IsFull()) return false;
  if (HostThreads::StackLeft() < kStackLeftMin) return false;
  for (const ObjectId object : LentWait::Awaited()) {
    std::shared_ptr<Lane> lane;
    {
      base::MutexLock lock(mutex_);
      const auto call = calls_.find(object);
      if (call == calls_.end()) continue;
      const auto found = lanes_.find(call->second);
      if (found == lanes_.end()) continue;
      lane = found->second;
    }
    if (!threads_.Withdraw(lane.get())) continue;
    // What stands behind it may wait for what waits here.
    if (lane->slot.FirstResult() == object) ForgetCall(object);
    HostThreads::BlockedHere(false);
    const LentWait::Awaiting nothing({});
    RunLane(*lane, 1);
    HostThreads::BlockedHere(true);
    return true;
  }
  return false;
}

}  // namespace mobula::runtime
