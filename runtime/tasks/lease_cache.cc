#include "runtime/tasks/lease_cache.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "runtime/tasks/run_times.h"

namespace mobula::runtime {
namespace {

std::deque<LeaseCache::InFlight>::iterator Place(LeaseCache::Lease& lease,
                                                 base::TaskId task) {
  return std::find_if(
      lease.in_flight.begin(), lease.in_flight.end(),
      [task](const LeaseCache::InFlight& each) { return each.task == task; });
}

}  // namespace

void LeaseCache::Joined(base::ProcessId raylet,
                        const base::ResourceVector& total, bool is_of_cluster) {
  MOBULA_CHECK(!raylet.IsNil());
  raylet_ = raylet;
  is_of_cluster_ = is_of_cluster;
  total_ = total;
  for (ShapeState& shape : shapes_) {
    shape.requests_max = RequestsMax(shape.resources);
  }
}

std::size_t LeaseCache::RequestsMax(const base::ResourceVector& shape) const {
  if (is_of_cluster_) return kRequestsMax;
  std::int64_t fits = kRequestsMax;
  for (const auto& [name, need] : shape.units) {
    if (need > 0) fits = std::min(fits, total_.GetUnits(name) / need);
  }
  // At least one, so that what the node can never hold is refused by name.
  return static_cast<std::size_t>(std::max<std::int64_t>(fits, 1));
}

LeaseCache::Shape LeaseCache::Use(
    const base::ResourceVector& resources, bool is_coroutine,
    const std::optional<base::Placement>& placement) {
  if (last_ < shapes_.size() && shapes_[last_].in_use &&
      shapes_[last_].is_coroutine == is_coroutine &&
      shapes_[last_].resources == resources &&
      shapes_[last_].placement == placement) {
    ++shapes_[last_].users;
    return last_;
  }
  const auto [it, is_new] =
      indexes_.try_emplace({resources, is_coroutine, placement}, 0);
  if (is_new) {
    if (free_shapes_.empty()) {
      free_shapes_.push_back(static_cast<Shape>(shapes_.size()));
      shapes_.emplace_back();
    }
    it->second = free_shapes_.back();
    free_shapes_.pop_back();
    ShapeState& state = shapes_[it->second];
    state.in_use = true;
    state.is_coroutine = is_coroutine;
    state.resources = resources;
    state.placement = placement;
    state.requests_max = RequestsMax(resources);
  }
  last_ = it->second;
  ++shapes_[last_].users;
  return last_;
}

void LeaseCache::Unuse(Shape shape) {
  ShapeState& state = shapes_[shape];
  MOBULA_CHECK(state.users > 0);
  --state.users;
  ForgetIfUnused(shape);
}

void LeaseCache::ForgetIfUnused(Shape shape) {
  ShapeState& state = shapes_[shape];
  if (state.users > 0 || !state.requested.empty() || !state.granted.empty()) {
    return;
  }
  asks_.Remove(state.ask_timer, shape);
  indexes_.erase({state.resources, state.is_coroutine, state.placement});
  state = ShapeState();
  free_shapes_.push_back(shape);
}

// One slot serves any number of coroutines that wait, so there are not more of
// them than run at once on the node; one that is full, or is kept by what runs
// there, counts as none.
std::size_t LeaseCache::Wanted(const ShapeState& state, std::size_t queued,
                               base::BootTime now) {
  const std::size_t wanted = std::min(queued, state.requests_max);
  if (!state.is_coroutine) return wanted;
  const auto serves = [now](const Lease* lease) {
    return !lease->draining && !lease->loss.suspected() &&
           lease->aside.size() < kAsideMax &&
           (lease->in_flight.empty() || now - lease->head_since < kStuckAfter);
  };
  const auto serving = static_cast<std::size_t>(
      std::count_if(state.granted.begin(), state.granted.end(), serves));
  return std::min(wanted,
                  state.requests_max - std::min(serving, state.requests_max));
}

void LeaseCache::SetPriority(ShapeState& state, std::int32_t priority,
                             const std::string& function, Produced& out) const {
  if (std::exchange(state.priority, priority) == priority) return;
  for (const base::LeaseId lease : state.requested) {
    out.SendTo(raylet_,
               base::RequestLease{lease, job_, state.resources, false, function,
                                  priority, state.placement});
  }
}

void LeaseCache::Ask(Shape shape, Queued queued, const std::string& function,
                     base::BootTime now, Produced& out) {
  ShapeState& state = shapes_[shape];
  if (queued.count == 0) {
    while (!state.requested.empty()) {
      const base::LeaseId lease = state.requested.back();
      state.requested.pop_back();
      leases_.erase(lease);
      out.SendTo(raylet_, base::CancelLease{lease});
    }
    return;
  }
  if (raylet_.IsNil()) return;
  SetPriority(state, queued.priority, function, out);
  if (now < state.ask_after) return;
  const std::size_t wanted = Wanted(state, queued.count, now);
  while (state.requested.size() < wanted) {
    Lease lease;
    lease.id = ids_.Next<base::LeaseId>();
    lease.shape = shape;
    state.requested.push_back(lease.id);
    out.SendTo(raylet_,
               base::RequestLease{lease.id, job_, state.resources, false,
                                  function, state.priority, state.placement});
    leases_.emplace(lease.id, std::move(lease));
  }
}

LeaseCache::Lease* LeaseCache::Grant(const base::LeaseGranted& granted,
                                     base::BootTime now) {
  Lease* lease = Find(granted.lease);
  if (lease == nullptr || lease->granted) return nullptr;
  ShapeState& state = shapes_[lease->shape];
  std::erase(state.requested, lease->id);
  state.granted.push_back(lease);
  lease->granted = true;
  lease->worker = granted.worker;
  lease->pid = granted.pid;
  lease->granted_at = now;
  lease->idle_since = now;
  of_worker_[granted.worker] = lease;
  Schedule(*lease, now + kIdle);
  return lease;
}

bool LeaseCache::Refuse(base::LeaseId id, Shape* shape) {
  Lease* lease = Find(id);
  if (lease == nullptr || lease->granted) return false;
  *shape = lease->shape;
  std::erase(shapes_[lease->shape].requested, id);
  leases_.erase(id);
  return true;
}

void LeaseCache::Postpone(Shape shape, base::BootTime now) {
  ShapeState& state = shapes_[shape];
  asks_.Remove(state.ask_timer, shape);
  state.ask_after = now + kAskAgain;
  state.ask_timer = state.ask_after;
  asks_.Add(state.ask_timer, shape);
}

bool LeaseCache::Expects(Shape shape) const {
  return !shapes_[shape].requested.empty() || !shapes_[shape].granted.empty();
}

LeaseCache::Lease* LeaseCache::Find(base::LeaseId lease) {
  const auto it = leases_.find(lease);
  return it == leases_.end() ? nullptr : &it->second;
}

LeaseCache::Lease* LeaseCache::OfWorker(base::ProcessId worker) {
  const auto it = of_worker_.find(worker);
  return it == of_worker_.end() ? nullptr : it->second;
}

bool LeaseCache::HasRoom(const Lease& lease, std::int64_t cost_ns) {
  if (lease.recalled || lease.draining || lease.loss.suspected()) return false;
  if (lease.aside.size() >= kAsideMax) return false;
  return lease.in_flight.empty() ||
         lease.backlog_ns + cost_ns <= RunTimes::kInFlightNs;
}

LeaseCache::Lease* LeaseCache::Pick(Shape shape, std::int64_t cost_ns) {
  Lease* best = nullptr;
  for (Lease* lease : shapes_[shape].granted) {
    if (!HasRoom(*lease, cost_ns)) continue;
    if (lease->in_flight.empty()) return lease;
    if (best == nullptr || lease->backlog_ns < best->backlog_ns) best = lease;
  }
  return best;
}

void LeaseCache::Push(Lease& lease, base::TaskId task, base::ObjectId result,
                      std::int64_t cost_ns, base::BootTime now) {
  MOBULA_CHECK(lease.granted && HasRoom(lease, cost_ns));
  if (!lease.in_flight.empty()) {
    Schedule(lease, lease.head_since + kRecallAfter);
  } else {
    lease.head_since = now;
    if (IsCoroutine(lease.shape)) Schedule(lease, now + kStuckAfter);
  }
  lease.in_flight.push_back(InFlight{task, result, cost_ns, false, false});
  lease.backlog_ns += cost_ns;
}

bool LeaseCache::Answer(Lease& lease, base::TaskId task, base::BootTime now) {
  if (lease.aside.erase(task) > 0) {
    if (!IsIdle(lease)) return true;
    lease.idle_since = now;
    Schedule(lease, now + kIdle);
    return true;
  }
  const auto it = Place(lease, task);
  if (it == lease.in_flight.end()) return false;
  TakeOut(lease, it, now);
  return true;
}

bool LeaseCache::SetAside(Lease& lease, base::TaskId task, base::BootTime now) {
  const auto it = Place(lease, task);
  if (it == lease.in_flight.end()) return false;
  lease.aside.emplace(task, *it);
  TakeOut(lease, it, now);
  return true;
}

void LeaseCache::TakeOut(Lease& lease, std::deque<InFlight>::iterator it,
                         base::BootTime now) {
  const bool was_first = it == lease.in_flight.begin();
  lease.backlog_ns -= it->cost_ns;
  MOBULA_CHECK(lease.backlog_ns >= 0);
  lease.in_flight.erase(it);
  if (was_first) {
    lease.head_since = now;
    lease.recalled = false;
  }
  const ShapeState& state = shapes_[lease.shape];
  // What waits there keeps the slot, and lends its cpu meanwhile.
  if (now - lease.granted_at >= kTurn && !state.requested.empty() &&
      lease.aside.empty()) {
    lease.draining = true;
  }
  if (IsIdle(lease)) {
    lease.idle_since = now;
    Schedule(lease, now + kIdle);
  } else if (lease.in_flight.empty()) {
    return;
  } else if (lease.in_flight.front().is_to_end) {
    Schedule(lease, lease.head_since + kUnwantedRun);
  } else if (lease.in_flight.size() > 1) {
    Schedule(lease, lease.head_since + kRecallAfter);
  } else if (state.is_coroutine) {
    Schedule(lease, lease.head_since + kStuckAfter);
  }
}

void LeaseCache::MarkUnwanted(Lease& lease, base::TaskId task, bool is_to_end) {
  const auto aside = lease.aside.find(task);
  if (aside != lease.aside.end()) {
    aside->second.unwanted = true;
    return;
  }
  for (InFlight& entry : lease.in_flight) {
    if (entry.task != task) continue;
    entry.unwanted = true;
    entry.is_to_end = entry.is_to_end || is_to_end;
  }
  Schedule(lease, lease.head_since + kUnwantedRun);
}

void LeaseCache::MarkToEnd(Lease& lease, base::TaskId task,
                           base::BootTime now) {
  for (InFlight& entry : lease.in_flight) {
    if (entry.task != task || std::exchange(entry.is_to_end, true)) continue;
    if (IsFirst(lease, task)) lease.head_since = now;
    Schedule(lease, lease.head_since + kUnwantedRun);
  }
}

bool LeaseCache::IsOverdue(const Lease& lease, base::BootTime now) {
  return !lease.in_flight.empty() && lease.in_flight.front().is_to_end &&
         now - lease.head_since >= kUnwantedRun;
}

LeaseCache::Lease* LeaseCache::OfUnwanted(base::TaskId task) {
  for (auto& [id, lease] : leases_) {
    const auto aside = lease.aside.find(task);
    if (aside != lease.aside.end() && aside->second.unwanted) return &lease;
    for (const InFlight& entry : lease.in_flight) {
      if (entry.unwanted && entry.task == task) return &lease;
    }
  }
  return nullptr;
}

bool LeaseCache::IsUnwanted(const Lease& lease) {
  return std::all_of(lease.in_flight.begin(), lease.in_flight.end(),
                     [](const InFlight& entry) { return entry.unwanted; }) &&
         std::all_of(lease.aside.begin(), lease.aside.end(),
                     [](const auto& entry) { return entry.second.unwanted; });
}

bool LeaseCache::IsFirst(const Lease& lease, base::TaskId task) {
  return !lease.in_flight.empty() && lease.in_flight.front().task == task;
}

void LeaseCache::Return(Lease& lease, bool discard, Produced& out) {
  MOBULA_CHECK(lease.granted);
  out.SendTo(raylet_, base::ReturnLease{lease.id, discard});
  Drop(lease);
}

void LeaseCache::Discard(Lease& lease, base::BootTime now, Produced& out) {
  MOBULA_CHECK(lease.granted && !lease.loss.suspected());
  out.SendTo(raylet_, base::ReturnLease{lease.id, true});
  base::Failure failure;
  failure.code = base::FailureCode::kWorkerDied;
  failure.message =
      "the worker was ended because a task before this one was given up";
  lease.loss.Ended(std::move(failure), now);
  Schedule(lease, lease.loss.decide_at());
}

void LeaseCache::Drop(Lease& lease) {
  const Shape shape = lease.shape;
  ShapeState& state = shapes_[shape];
  checks_.Remove(lease.check_at, lease.id);
  std::erase(state.granted, &lease);
  std::erase(state.requested, lease.id);
  const auto it = of_worker_.find(lease.worker);
  if (it != of_worker_.end() && it->second == &lease) of_worker_.erase(it);
  leases_.erase(lease.id);
  ForgetIfUnused(shape);
}

LeaseCache::Lease* LeaseCache::PopCheck(base::BootTime now) {
  const std::optional<base::LeaseId> due = checks_.PopDue(now);
  if (!due.has_value()) return nullptr;
  Lease* lease = Find(*due);
  MOBULA_CHECK(lease != nullptr);
  lease->check_at = base::BootTime::Never();
  return lease;
}

void LeaseCache::Recheck(Lease& lease, base::BootTime now) {
  if (lease.loss.suspected()) {
    Schedule(lease, lease.loss.decide_at());
  } else if (IsIdle(lease)) {
    Schedule(lease, lease.idle_since + kIdle);
  } else if (lease.in_flight.empty()) {
    return;
  } else if (lease.in_flight.front().is_to_end) {
    // Beside others that wait it is not ended, only looked at again.
    const base::BootTime soonest =
        lease.aside.empty() ? now : now + kUnwantedRun;
    Schedule(lease, std::max(lease.head_since + kUnwantedRun, soonest));
  } else if (lease.in_flight.size() > 1 && !lease.recalled) {
    Schedule(lease, std::max(lease.head_since + kRecallAfter, now));
  } else if (IsCoroutine(lease.shape) && lease.head_since + kStuckAfter > now) {
    Schedule(lease, lease.head_since + kStuckAfter);
  }
}

std::optional<LeaseCache::Shape> LeaseCache::ShapeDue(base::BootTime now) {
  const std::optional<Shape> due = asks_.PopDue(now);
  if (due.has_value()) shapes_[*due].ask_timer = base::BootTime::Never();
  return due;
}

base::BootTime LeaseCache::Next() const {
  return std::min(checks_.Next(), asks_.Next());
}

void LeaseCache::Schedule(Lease& lease, base::BootTime at) {
  if (at >= lease.check_at) return;
  checks_.Remove(lease.check_at, lease.id);
  lease.check_at = at;
  checks_.Add(at, lease.id);
}

void LeaseCache::Clear() {
  leases_.clear();
  of_worker_.clear();
  checks_.Clear();
  asks_.Clear();
  for (Shape shape = 0; shape < shapes_.size(); ++shape) {
    ShapeState& state = shapes_[shape];
    if (!state.in_use) continue;
    state.requested.clear();
    state.granted.clear();
    state.ask_timer = base::BootTime::Never();
    ForgetIfUnused(shape);
  }
}

}  // namespace mobula::runtime
