#include "raylet/spawn/keeper_policy.h"

#include <algorithm>

#include "base/check.h"

namespace mobula::raylet {
namespace {

using base::BootTime;
using base::Duration;

constexpr KeeperChild kBoth[] = {KeeperChild::kControlStore,
                                 KeeperChild::kRaylet};

KeeperAction ActionFor(KeeperChild child, KeeperAction store,
                       KeeperAction raylet) {
  return child == KeeperChild::kControlStore ? store : raylet;
}

}  // namespace

void KeeperPolicy::Begin(BootTime /*now*/, Actions& actions) {
  Get(KeeperChild::kControlStore).wanted = options_.has_control_store;
  Get(KeeperChild::kRaylet).wanted = true;
  for (const KeeperChild child : kBoth) {
    if (Get(child).wanted) Start(child, actions);
  }
}

void KeeperPolicy::Start(KeeperChild child, Actions& actions) {
  Child& state = Get(child);
  MOBULA_CHECK(!state.runs && phase_ <= Phase::kKeeping);
  state.runs = true;
  state.serves = false;
  state.start_at = BootTime::Never();
  actions.push_back(ActionFor(child, KeeperAction::kStartControlStore,
                              KeeperAction::kStartRaylet));
}

void KeeperPolicy::Serves(KeeperChild child, BootTime now, Actions& actions) {
  Child& state = Get(child);
  if (!state.runs || state.serves) return;
  state.serves = true;
  state.served_since = now;
  if (phase_ != Phase::kStarting) return;
  const bool all =
      std::all_of(children_.begin(), children_.end(),
                  [](const Child& one) { return !one.wanted || one.serves; });
  if (!all) return;
  phase_ = Phase::kKeeping;
  actions.push_back(KeeperAction::kSayReady);
}

void KeeperPolicy::Ended(KeeperChild child, bool in_order, BootTime now,
                         Actions& actions) {
  Child& state = Get(child);
  MOBULA_CHECK(state.runs, "it ended twice");
  state.runs = false;
  state.kill_at = BootTime::Never();
  if (child == KeeperChild::kRaylet) {
    actions.push_back(KeeperAction::kSweepRaylet);
    // One that left in order has said so itself.
    if (!in_order) actions.push_back(KeeperAction::kReportRaylet);
  }
  if (phase_ == Phase::kStopping) {
    StopNext(now, actions);
  } else if (phase_ == Phase::kStarting) {
    failed_ = true;
    Stop(now, actions);
  } else {
    StartAgain(child, now, actions);
  }
}

void KeeperPolicy::StartAgain(KeeperChild child, BootTime now,
                              Actions& actions) {
  Child& state = Get(child);
  if (state.serves && now - state.served_since >= options_.healthy_after) {
    state.failures = 0;
  }
  if (state.failures == 0) {
    state.failures = 1;
    Start(child, actions);
    return;
  }
  Duration wait = options_.backoff_first;
  for (int i = 1; i < state.failures && wait < options_.backoff_max; ++i) {
    wait *= 2;
  }
  ++state.failures;
  state.start_at = now + std::min(wait, options_.backoff_max);
}

void KeeperPolicy::StopAsked(BootTime now, Actions& actions) {
  if (phase_ <= Phase::kKeeping) Stop(now, actions);
}

void KeeperPolicy::Stop(BootTime now, Actions& actions) {
  phase_ = Phase::kStopping;
  for (Child& child : children_) child.start_at = BootTime::Never();
  StopNext(now, actions);
}

void KeeperPolicy::StopNext(BootTime now, Actions& actions) {
  for (const KeeperChild child :
       {KeeperChild::kRaylet, KeeperChild::kControlStore}) {
    Child& state = Get(child);
    if (!state.runs) continue;
    if (!state.kill_at.IsNever()) return;  // it has been asked
    state.kill_at = now + options_.end_patience;
    actions.push_back(ActionFor(child, KeeperAction::kEndControlStore,
                                KeeperAction::kEndRaylet));
    return;
  }
  phase_ = Phase::kDone;
  actions.push_back(KeeperAction::kFinish);
}

BootTime KeeperPolicy::wakeup() const {
  BootTime first = BootTime::Never();
  for (const Child& child : children_) {
    first = std::min({first, child.start_at, child.kill_at});
  }
  return first;
}

void KeeperPolicy::Tick(BootTime now, Actions& actions) {
  for (const KeeperChild child : kBoth) {
    Child& state = Get(child);
    if (state.start_at <= now) Start(child, actions);
    if (state.kill_at > now) continue;
    // SIGKILL is not refused: only its end is waited for from here on, and
    // asked for again if it does not come.
    state.kill_at = now + options_.end_patience;
    actions.push_back(ActionFor(child, KeeperAction::kKillControlStore,
                                KeeperAction::kKillRaylet));
  }
}

}  // namespace mobula::raylet
