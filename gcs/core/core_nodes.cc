#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "gcs/core/core_state.h"

namespace mobula::gcs {
#ifdef MOBULA_PLANTS
inline namespace planted {
#endif

void Core::State::OnJoin(base::ProcessId peer, const base::JoinNode& join,
                         Turn& turn) {
  const base::NodeId node = join.node.node;
  base::JoinPart all = TakeParts(peer, node);
  if (node.IsNil()) return;
  all.jobs.insert(all.jobs.end(), join.jobs.begin(), join.jobs.end());
  all.actors.insert(all.actors.end(), join.actors.begin(), join.actors.end());
  const std::string refused =
      nodes.Join(join.node, turn.now, turn.wall_ms, turn.effects);
  if (!refused.empty()) {
    Unbind(peer);
    node_of_peer[peer] = node;  // what it says from now on is nothing
    turn.effects.emplace_back(Send{peer, base::NodeRefused{refused}});
    return;
  }
  const auto earlier = peer_of_node.find(node);
  if (earlier != peer_of_node.end() && earlier->second != peer) {
    OnPeerLost(earlier->second);
  }
  Unbind(peer);  // from whatever it joined before
  node_of_peer[peer] = node;
  peer_of_node[node] = peer;
  base::NodeJoined joined;
  joined.cluster = options.cluster;
  joined.epoch = options.epoch;
  joined.incarnation = nodes.Find(node)->incarnation;
  joined.lease_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(options.lease)
          .count();
  turn.effects.emplace_back(Send{peer, joined});
  ReconcileJobs(node, all.jobs, turn);
  ReconcileActors(node, all.actors, turn);
  if (join.node.is_head) EndHeadsBefore(node, turn);
  PlaceWaiting(turn);
}

void Core::State::OnJoinPart(base::ProcessId peer, const base::JoinPart& part,
                             Turn& turn) {
  base::JoinPart& all = parts_of_peer[peer];
  if (all.node != part.node) all = base::JoinPart();  // of no JoinNode
  all.node = part.node;
  all.jobs.insert(all.jobs.end(), part.jobs.begin(), part.jobs.end());
  all.actors.insert(all.actors.end(), part.actors.begin(), part.actors.end());
  if (all.jobs.size() + all.actors.size() <= options.joining_max) return;
  parts_of_peer.erase(peer);
  turn.effects.emplace_back(
      Send{peer, base::NodeRefused{"it names more than " +
                                   std::to_string(options.joining_max) +
                                   " jobs and actors"}});
}

base::JoinPart Core::State::TakeParts(base::ProcessId peer, base::NodeId node) {
  const auto found = parts_of_peer.find(peer);
  if (found == parts_of_peer.end()) return base::JoinPart();
  base::JoinPart all = std::move(found->second);
  parts_of_peer.erase(found);
  return all.node == node ? std::move(all) : base::JoinPart();
}

void Core::State::EndHeadsBefore(base::NodeId head, Turn& turn) {
  const std::int64_t incarnation = nodes.Find(head)->incarnation;
  std::vector<base::NodeId> ended;
  for (const auto& [id, node] : nodes.all()) {
    if (!node.is_head || !nodes.IsAlive(id)) continue;
    if (node.incarnation < incarnation) ended.push_back(id);
  }
  for (const base::NodeId node : ended) {
    const std::string cause = kTakenOver;
    MOBULA_CHECK(nodes.MarkDead(node, cause, turn.wall_ms, turn.effects));
    NodeDied(node, "its node is dead: " + cause, /*tell=*/true, turn);
  }
}

void Core::State::Unbind(base::ProcessId peer) {
  const auto known = node_of_peer.find(peer);
  if (known == node_of_peer.end()) return;
  const auto back = peer_of_node.find(known->second);
  if (back != peer_of_node.end() && back->second == peer) {
    peer_of_node.erase(back);
  }
  node_of_peer.erase(known);
}

void Core::State::ReconcileJobs(base::NodeId node,
                                const std::vector<base::JobRecord>& now,
                                Turn& turn) {
  std::set<base::JobId> named;
  for (const base::JobRecord& job : now) {
    if (job.state == base::JobState::kEnded) {
      OnJobEndedUnheard(node, job, turn);
      continue;
    }
    named.insert(job.job);
    OnJobBegan(node, job, turn);
  }
  for (const base::JobId job : jobs.RunningOn(node)) {
    if (named.contains(job)) continue;
    EndJob(job, "its driver ended while the control store was away", turn);
  }
}

void Core::State::OnRenew(base::ProcessId peer, const base::RenewNode& renew,
                          Turn& turn) {
  const base::NodeId node = node_of_peer.at(peer);
  if (renew.node != node) return;
  MOBULA_CHECK(nodes.Renew(node, turn.now));
  turn.effects.emplace_back(Send{peer, base::NodeRenewed{renew.sequence}});
}

void Core::State::NodeDied(base::NodeId node, const std::string& cause,
                           bool tell, Turn& turn) {
  MOBULA_CHECK(!nodes.IsAlive(node));
  if (tell) SendTo(node, base::NodeRefused{cause}, turn);
  peer_of_node.erase(node);
  load_feed.Remove(node.ToString());
  for (const base::JobId job : jobs.RunningOn(node)) EndJob(job, cause, turn);
  for (const base::ActorId actor : actors.OfNode(node)) LoseActor(actor, turn);
  answers.ForgetNode(node, turn.effects);
  LoseObjects(node, turn);
}

void Core::State::OnJobBegan(base::NodeId node, const base::JobRecord& job,
                             Turn& turn) {
  if (job.job.IsNil()) return;
  if (jobs.Begin(job, node, turn.wall_ms, turn.effects)) return;
  const base::JobRecord* const ended = jobs.Find(job.job);
  SendTo(node, base::StopJob{job.job, ended->cause}, turn);
}

// It may have come and gone while the store was away: then it is known from now
// on as one that has ended.
void Core::State::OnJobEndedUnheard(base::NodeId node,
                                    const base::JobRecord& job, Turn& turn) {
  if (job.job.IsNil()) return;
  if (jobs.Find(job.job) == nullptr) {
    MOBULA_CHECK(jobs.Begin(job, node, turn.wall_ms, turn.effects));
  }
  if (jobs.Find(job.job)->node != node) return;
  EndJob(job.job, job.cause, turn);
}

void Core::State::EndJob(base::JobId job, const std::string& cause,
                         Turn& turn) {
  if (!jobs.IsRunning(job)) return;
  answers.ForgetProcess(jobs.Find(job)->driver, turn.effects);
  MOBULA_CHECK(jobs.End(job, cause, turn.wall_ms, turn.effects));
  for (const base::ActorId actor : actors.OfJob(job)) {
    base::Failure failure;
    failure.code = base::FailureCode::kActorDied;
    failure.message = "its job ended";
    if (!cause.empty()) failure.message += ": " + cause;
    actors.Kill(actor, std::move(failure), turn.wall_ms, turn.effects);
  }
}

base::NodeId Core::State::Speaker(base::ProcessId peer, Turn& turn) {
  const auto known = node_of_peer.find(peer);
  if (known == node_of_peer.end()) return base::NodeId();
  if (nodes.IsAlive(known->second)) return known->second;
  const base::NodeRecord* const dead = nodes.Find(known->second);
  const std::string cause = dead == nullptr ? "long ago" : dead->cause;
  turn.effects.emplace_back(
      Send{peer, base::NodeRefused{"this node was declared dead: " + cause}});
  return base::NodeId();
}

void Core::State::SendTo(base::NodeId node, base::ControlMessage message,
                         Turn& turn) {
  const auto peer = peer_of_node.find(node);
  if (peer == peer_of_node.end()) return;  // it is told when it joins again
  turn.effects.emplace_back(Send{peer->second, std::move(message)});
}

#ifdef MOBULA_PLANTS
}  // namespace planted
#endif
}  // namespace mobula::gcs
