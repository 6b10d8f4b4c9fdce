#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/control/control_codec.h"
#include "gcs/core/core_state.h"

namespace mobula::gcs {
#ifdef MOBULA_PLANTS
inline namespace planted {
#endif
namespace {

using base::ActorState;
using base::FailureCode;

base::Failure Died(std::string message) {
  base::Failure failure;
  failure.code = FailureCode::kActorDied;
  failure.message = std::move(message);
  return failure;
}

// "" if the request makes sense.
std::string WrongWith(const base::ActorRecord& actor) {
  if (actor.actor.IsNil()) return "the actor has no id";
  const std::string wrong_ns = base::WrongWithName(actor.ns);
  if (!wrong_ns.empty()) return "the namespace is not a name: " + wrong_ns;
  if (!actor.name.empty()) {
    const std::string wrong = base::WrongWithName(actor.name);
    if (!wrong.empty()) return "the actor's name is not a name: " + wrong;
  }
  if (actor.detached != actor.spec.has_value()) {
    return "a detached actor has a spec, and no other has";
  }
  if (actor.detached) return "";
  if (actor.name.empty()) return "the actor has no name and is not detached";
  if (actor.owner.IsNil()) return "the actor has no owner and is not detached";
  return "";
}

base::ActorAnswer AnswerOf(const base::ActorRecord& actor, bool existed) {
  return base::ActorAnswer{WithoutArgs(actor), existed};
}

base::Failure NameTaken(const base::ActorRecord& holder) {
  return base::NotRun(
      FailureCode::kNameTaken,
      "the name '" + holder.name + "' of namespace '" + holder.ns +
          "' is held by actor " + holder.actor.ToString() +
          (holder.class_name.empty() ? std::string()
                                     : " of class " + holder.class_name));
}

}  // namespace

void Core::State::OnReport(const base::ActorReport& report, base::NodeId node,
                           Turn& turn) {
  if (report.actor.IsNil()) return;
  const base::ActorRecord* const known = actors.Find(report.actor);
  if (known == nullptr && jobs.HasEnded(report.job)) return;
  switch (actors.Report(report, node, turn.wall_ms, turn.effects)) {
    case ActorTable::Said::kIgnored:
    case ActorTable::Said::kApplied:
      return;
    case ActorTable::Said::kMustStop: {
      base::StopActor stop;
      stop.actor = report.actor;
      stop.incarnation = report.incarnation;
      stop.owner = known == nullptr ? report.owner : known->owner;
      return SendTo(node, stop, turn);
    }
    case ActorTable::Said::kMustHost:
      return SendHost(report.actor, turn);
    case ActorTable::Said::kRestart:
      return RestartCrashed(report.actor, node, turn);
  }
}

void Core::State::LoseActor(base::ActorId actor, Turn& turn) {
  const base::ActorRecord* const known = actors.Find(actor);
  MOBULA_CHECK(known != nullptr);
  if (known->detached) {
    actors.Explain(actor, Died("its node is dead"));
    RestartDetached(actor, base::NodeId(), turn);
  } else {
    actors.Kill(actor, Died("the node of its owner is dead"), turn.wall_ms,
                turn.effects);
  }
}

void Core::State::ReconcileActors(base::NodeId node,
                                  const std::vector<base::ActorReport>& now,
                                  Turn& turn) {
  std::set<base::ActorId> named;
  for (const base::ActorReport& report : now) {
    named.insert(report.actor);
    OnReport(report, node, turn);
  }
  for (const base::ActorId id : actors.OfNode(node)) {
    if (named.contains(id)) continue;
    const base::ActorRecord* const actor = actors.Find(id);
    if (actor->detached) {
      SendHost(id, turn);
    } else if (!actor->node.IsNil()) {
      actors.Kill(id, Died("it ended while the control store was away"),
                  turn.wall_ms, turn.effects);
    }
    // Else it is registered, and its owner has yet to create it.
  }
}

// Held or not, it stays where it was: those who call it are there.
void Core::State::RestartCrashed(base::ActorId actor, base::NodeId node,
                                 Turn& turn) {
  pace.Died(actor, node, turn.now);
  RestartDetached(actor, node, turn);
}

void Core::State::BeginReleased(Turn& turn) {
  const std::vector<base::ActorId> released = pace.Release(turn.now);
  if (released.empty()) return;
  for (const base::ActorId id : released) {
    const base::ActorRecord* const actor = actors.Find(id);
    if (actor != nullptr && actor->state == ActorState::kRestarting &&
        !actor->node.IsNil()) {
      SendHost(id, turn);
    }
  }
  PlaceWaiting(turn);
}

void Core::State::RestartDetached(base::ActorId actor, base::NodeId preferred,
                                  Turn& turn) {
  const base::ActorRecord* const known = actors.Find(actor);
  MOBULA_CHECK(known != nullptr && known->spec.has_value());
  const base::NodeId node = nodes.Place(known->spec->resources, preferred);
  actors.Restart(actor, node, turn.wall_ms, turn.effects);
  if (!node.IsNil()) SendHost(actor, turn);
}

void Core::State::PlaceWaiting(Turn& turn) {
  for (const base::ActorId id : actors.Waiting()) {
    if (pace.IsHeld(id, turn.now)) continue;
    const base::NodeId node =
        nodes.Place(actors.Find(id)->spec->resources, pace.Where(id));
    if (node.IsNil()) continue;
    actors.Place(id, node, turn.effects);
    SendHost(id, turn);
  }
}

void Core::State::SendHost(base::ActorId actor, Turn& turn) {
  const base::ActorRecord* const known = actors.Find(actor);
  MOBULA_CHECK(known != nullptr && known->spec.has_value());
  if (known->state != ActorState::kAlive) {
    if (pace.IsHeld(actor, turn.now)) return;  // until BeginReleased
    pace.Begun(actor, turn.now);
  }
  SendTo(known->node, base::HostActor{*known}, turn);
}

base::ControlReply Core::State::Register(const base::RegisterActor& request,
                                         base::NodeId node, Turn& turn) {
  base::ActorRecord actor = request.actor;
  if (actor.detached) actor.owner = base::ProcessId();
  const std::string wrong = WrongWith(actor);
  if (!wrong.empty()) return base::NotRun(FailureCode::kBadArgument, wrong);
  if (const auto* const same = actors.Find(actor.actor)) {
    if (same->state != ActorState::kDead) return AnswerOf(*same, false);
    return base::NotRun(FailureCode::kBadArgument, "the actor has ended");
  }
  if (!actor.name.empty()) {
    const auto* const holder = actors.FindNamed(actor.ns, actor.name);
    if (holder != nullptr) {
      if (request.get_if_exists) return AnswerOf(*holder, true);
      return NameTaken(*holder);
    }
  }
  if (jobs.HasEnded(actor.job)) {
    return base::NotRun(FailureCode::kNoSuchJob, "the actor's job has ended");
  }
  if (is_disk_full) return DiskFull();
  if (actors.IsFull()) {
    return base::NotRun(
        FailureCode::kLimit,
        "there are " + std::to_string(actors.living()) + " actors");
  }
  if (!nodes.IsAlive(actor.owner_node)) actor.owner_node = node;
  actor.node = base::NodeId();
  const bool is_detached = actor.detached;
  if (is_detached && nodes.IsOfDriver(node)) {
    return base::NotRun(
        FailureCode::kInfeasible,
        "a detached actor is made of a program that a node of the cluster "
        "keeps, and this program has only a node that ends with it: run it "
        "where one that stays runs (mobula start --address)");
  }
  if (is_detached) {
    actor.node = nodes.Place(actor.spec->resources, node);
    if (actor.node.IsNil()) {
      return base::NotRun(FailureCode::kInfeasible,
                          "no node has " + actor.spec->resources.ToString());
    }
  } else if (actor.owner_node.IsNil()) {
    return base::NotRun(FailureCode::kBadArgument,
                        "the owner is a process of no node");
  }
  const base::ActorId id = actor.actor;
  actors.Add(std::move(actor), turn.wall_ms, turn.effects);
  if (is_detached) SendHost(id, turn);
  return AnswerOf(*actors.Find(id), false);
}

base::ControlReply Core::State::End(const base::EndActor& request, Turn& turn) {
  const base::ActorRecord* const known = actors.Find(request.actor);
  if (known == nullptr) {
    return base::NotRun(FailureCode::kNoSuchActor, "no actor has that id");
  }
  if (known->state == ActorState::kDead) {
    return base::NotRun(FailureCode::kNoSuchActor,
                        "it is dead already: " + known->cause.message);
  }
  base::StopActor stop;
  stop.actor = known->actor;
  stop.incarnation = known->incarnation;
  stop.owner = known->owner;
  stop.restart = request.restart && !known->detached;
  const base::NodeId node = known->detached ? known->node : known->owner_node;
  if (stop.restart && !peer_of_node.contains(node)) {
    return base::NotRun(FailureCode::kControlAway,
                        "the node of its owner is not connected now");
  }
  SendTo(node, stop, turn);
  if (stop.restart) return base::Done();
  if (request.restart && actors.Charge(request.actor)) {
    RestartDetached(request.actor, node, turn);
  } else {
    actors.Kill(request.actor, Died("it was ended by request"), turn.wall_ms,
                turn.effects);
  }
  return base::Done();
}

#ifdef MOBULA_PLANTS
}  // namespace planted
#endif
}  // namespace mobula::gcs
