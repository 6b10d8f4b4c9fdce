// The part of Core that chooses the node on which something runs.
#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "raylet/core/core.h"

namespace mobula::raylet {

using base::Failure;
using base::FailureCode;
using base::NodeId;
using base::Placement;
using Verdict = NodeView::Verdict;

namespace {

// Of what waits, so many are looked at in one go.
constexpr std::size_t kSpilledAtOnce = 256;
// After so many in a row for which there is no room, the rest waits too.
constexpr std::size_t kInVainMax = 64;

base::RequestLease RequestOf(const QueuedLease& queued) {
  return {queued.lease,    queued.job,      queued.shape,    queued.for_actor,
          queued.function, queued.priority, queued.placement};
}

std::string NeedsOf(const base::RequestLease& lease) {
  std::string needs = lease.shape.IsZero() ? "" : lease.shape.ToString();
  if (lease.placement) {
    const Placement& placement = *lease.placement;
    if (placement.kind == base::PlacementKind::kNode) {
      needs += (needs.empty() ? "" : " on ") + std::string("node ") +
               placement.node.ToString();
    }
    for (const auto& [key, value] : placement.labels) {
      needs += (needs.empty() ? "" : ", ") + std::string("label ") + key + "=" +
               value;
    }
  }
  return needs.empty() ? "a node" : needs;
}

}  // namespace

NodeView::Here Core::Here() const {
  NodeView::Here here;
  here.total = ledger_.total();
  here.free = ledger_.free();
  here.labels = options_.labels;
  return here;
}

bool Core::IsTurnedAway(ProcessId from, const base::RequestLease& message) {
  if (!IsGuest(from)) return false;
  load_doubted_ = true;  // it counts what it sends as taken until it is told
  const NodeId node = peers_.at(from).node;
  // A job that ends here may go on where its home was not taken for lost.
  const bool has_room = !jobs_.at(message.job).ending &&
                        ledger_.free().Fits(message.shape) &&
                        queue_.size() < workers_.workers_max();
  if (has_room) return false;
  Tell(node, base::Pass{ProcessId(), ProcessId(),
                        base::LeaseRefused{message.lease, Failure()}});
  return true;
}

bool Core::PlaceElsewhere(ProcessId from, const base::RequestLease& message) {
  if (IsGuest(from)) return false;
  const Placement placement = message.placement.value_or(Placement());
  const NodeView::Choice choice = view_.Choose(message.shape, placement, Here(),
                                               {}, /*is_impatient=*/false);
  switch (choice.verdict) {
    case Verdict::kHere:
      view_.Promise(options_.node, message.shape);
      return false;
    case Verdict::kNowhere:
      Refuse(from, message.lease, NoNodeFor(message));
      return true;
    case Verdict::kThere:
    case Verdict::kNotNow:
    case Verdict::kUnknown:
      break;
  }
  const bool added = afar_.Add(from, message);
  MOBULA_CHECK(added);
  placing_due_ = true;
  return true;
}

Failure Core::NoNodeFor(const base::RequestLease& lease) const {
  if (view_.size() == 0 && !lease.placement) return Infeasible(lease.shape);
  std::string message = "it needs " + NeedsOf(lease) + ", and none of the " +
                        std::to_string(view_.size() + 1) +
                        " nodes of the cluster can ever give it that; node " +
                        options_.node_name + " has " +
                        ledger_.total().ToString();
  if (!options_.infeasible_advice.empty()) {
    message += "; " + options_.infeasible_advice;
  }
  return base::NotRun(FailureCode::kInfeasible, std::move(message));
}

bool Core::HasProgram(JobId id) {
  Job& job = jobs_.at(id);
  if (!job.program.empty()) return true;
  if (job.home.IsNil() && !job.driver.IsNil() && !job.asked_program &&
      !job.driver_lost) {
    job.asked_program = true;
    effects_->push_back(KeepProgram{id});
  }
  return false;
}

void Core::RefuseAfarOf(JobId job, const std::string& why) {
  for (const AfarLeases::Lease& lease : afar_.TakeOfJob(job)) {
    Refuse(lease.owner, lease.request.lease,
           base::NotRun(FailureCode::kWorkerStart,
                        "the program cannot be sent to another node: " + why));
  }
}

void Core::PlaceAfar() {
  if (!placing_due_) return;
  placing_due_ = false;
  std::size_t in_vain = 0;
  for (const LeaseId lease : afar_.Waiting()) {
    PlaceOne(lease);
    const AfarLeases::Lease* const known = afar_.Find(lease);
    const bool waits = known != nullptr && known->node.IsNil();
    in_vain = waits ? in_vain + 1 : 0;
    if (in_vain >= kInVainMax) return;
  }
}

void Core::PlaceOne(LeaseId id) {
  const AfarLeases::Lease& lease = *afar_.Find(id);
  const base::RequestLease request = lease.request;
  const ProcessId owner = lease.owner;
  const NodeView::Choice choice =
      view_.Choose(request.shape, request.placement.value_or(Placement()),
                   Here(), lease.excluded, /*is_impatient=*/true);
  switch (choice.verdict) {
    case Verdict::kThere:
      if (HasProgram(request.job)) SendAfar(id, choice.node);
      return;
    case Verdict::kNowhere:
      afar_.Take(id);
      Refuse(owner, id, NoNodeFor(request));
      return;
    case Verdict::kHere: {
      afar_.Take(id);
      view_.Promise(options_.node, request.shape);
      Queue(owner, request);
      to_pump_ = true;
      return;
    }
    case Verdict::kNotNow:
    case Verdict::kUnknown:
      return;
  }
}

void Core::SendAfar(LeaseId id, NodeId node) {
  const AfarLeases::Lease& lease = *afar_.Find(id);
  IntroduceTo(node, lease.owner);
  Tell(node, base::Pass{lease.owner, ProcessId(), lease.request});
  view_.Promise(node, lease.request.shape);
  afar_.Sent(id, node);
}

void Core::SpillWaiting() {
  if (view_.size() == 0 || queue_.size() == 0) {
    spill_at_ = base::BootTime::Never();
    return;
  }
  if (spill_at_.IsNever()) spill_at_ = now_ + options_.spill_after;
  if (now_ < spill_at_) return;
  spill_at_ = now_ + options_.spill_after;
  std::size_t in_vain = 0;
  for (const QueuedLease& request : queue_.List(kSpilledAtOnce)) {
    const bool is_ours =
        request.owner != options_.self && !IsGuest(request.owner);
    if (!is_ours || ledger_.free().Fits(request.shape)) continue;
    const NodeView::Choice choice =
        view_.Choose(request.shape, request.placement.value_or(Placement()),
                     Here(), {}, /*is_impatient=*/true);
    if (choice.verdict != Verdict::kThere) {
      if (++in_vain >= kInVainMax) return;
      continue;
    }
    if (!HasProgram(request.job)) continue;
    queue_.Take(request.lease);
    const bool added = afar_.Add(request.owner, RequestOf(request));
    MOBULA_CHECK(added);
    SendAfar(request.lease, choice.node);
  }
}

bool Core::PassLeaseOn(ProcessId from, LeaseId id, base::Message message) {
  const AfarLeases::Lease* const lease = afar_.Find(id);
  if (lease == nullptr || lease->owner != from) return false;
  const NodeId node = lease->node;
  afar_.Take(id);
  ledger_.RememberEnded(from, id);
  if (!node.IsNil()) {
    Tell(node, base::Pass{from, ProcessId(), std::move(message)});
  }
  return true;
}

std::vector<NodeId> Core::SourcesOf(JobId id) const {
  constexpr std::size_t kSourcesMax = 8;
  const Job& job = jobs_.at(id);
  std::vector<NodeId> sources;
  const auto add = [&](NodeId node) {
    const bool is_new =
        std::find(sources.begin(), sources.end(), node) == sources.end();
    if (is_new && view_.Find(node) != nullptr && sources.size() < kSourcesMax) {
      sources.push_back(node);
    }
  };
  if (!job.home.IsNil()) add(job.home);
  const HostedActors::Actor* const actor =
      job.actor.IsNil() ? nullptr : hosted_.Find(job.actor);
  if (actor != nullptr) add(actor->record.owner_node);
  for (const auto& [node, record] : view_.nodes()) {
    if (record.is_head) add(node);
  }
  for (const auto& [node, record] : view_.nodes()) add(node);
  return sources;
}

void Core::TellLoad() {
  load_at_ = base::BootTime::Never();
  if (!options_.has_control || !line_.joined()) return;
  base::NodeLoad load;
  load.node = options_.node;
  for (const auto& [name, units] : ledger_.free().units) {
    if (units > 0) load.free.units[name] = units;
  }
  load.waiting = queue_.size() + afar_.waiting();
  if (!load_doubted_ && load_told_ && load_told_->free == load.free &&
      load_told_->waiting == load.waiting) {
    return;
  }
  if (load_told_ && now_ < load_told_at_ + options_.load_every) {
    load_at_ = load_told_at_ + options_.load_every;
    return;
  }
  load_doubted_ = false;
  load_told_at_ = now_;
  load_told_ = load;
  effects_->emplace_back(TellControl{std::move(load)});
}

}  // namespace mobula::raylet
