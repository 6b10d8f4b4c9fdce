#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "gcs/core/core_state.h"

namespace mobula::gcs {
#ifdef MOBULA_PLANTS
inline namespace planted {
#endif
namespace {

using base::ActorState;
using base::FailureCode;

constexpr std::size_t kListBytesMax = std::size_t{4} << 20;

// Not exact; bounds the size of an answer.
std::size_t RoughBytes(const base::ActorRecord& actor) {
  std::size_t bytes = 256 + actor.ns.size() + actor.name.size() +
                      actor.class_name.size() + actor.cause.message.size();
  for (const std::string& line : actor.cause.log_tail) bytes += line.size();
  return bytes;
}

// Whether the same request, asked again, must not be done again.
bool IsDone(const base::ControlReply& reply) {
  if (std::holds_alternative<base::Failure>(reply)) return false;
  const auto* const actor = std::get_if<base::ActorAnswer>(&reply);
  return actor == nullptr || !actor->existed;
}

}  // namespace

void Core::State::OnCall(base::ProcessId peer, const base::ControlCall& call,
                         Turn& turn) {
  if (call.request.IsNil() || call.from.IsNil()) return;
  base::NodeId node;
  if (node_of_peer.contains(peer)) {
    // Answers to the processes of a dead node are forgotten: what they ask
    // again must not be done again.
    node = Speaker(peer, turn);
    if (node.IsNil()) return;
  }
  base::ControlAnswer answer;
  answer.request = call.request;
  answer.to = call.from;
  if (const auto* const earlier = answers.Find(call.from, call.request)) {
    answer.body = *earlier;
  } else if (auto reply = Mutate(call.body, node, turn)) {
    answer.body = std::move(*reply);
    if (IsDone(answer.body)) {
      answers.Trim(call.from, call.done_below, turn.effects);
      // The request may have ended the node from which it came.
      if (!nodes.IsAlive(node)) node = base::NodeId();
      answers.Add(call, node, answer.body, turn.effects);
    }
  } else {
    answer.body = Ask(call.body, turn.now);
  }
  turn.answers.emplace_back(Send{peer, std::move(answer)});
}

std::optional<base::ControlReply> Core::State::Mutate(
    const base::ControlRequest& request, base::NodeId node, Turn& turn) {
  if (const auto* const actor = std::get_if<base::RegisterActor>(&request)) {
    return Register(*actor, node, turn);
  }
  if (const auto* const end = std::get_if<base::EndActor>(&request)) {
    return End(*end, turn);
  }
  if (const auto* const job = std::get_if<base::EndJobNow>(&request)) {
    return EndJobByRequest(job->job, turn);
  }
  if (const auto* const dead = std::get_if<base::ReportNodeDead>(&request)) {
    return ReportDead(*dead, turn);
  }
  if (const auto* const put = std::get_if<base::PutKey>(&request)) {
    if (is_disk_full) return DiskFull();
    return keys.Put(*put, turn.effects);
  }
  if (const auto* const gone = std::get_if<base::DeleteKey>(&request)) {
    return keys.Delete(*gone, turn.effects);
  }
  if (const auto* const value = std::get_if<base::PublishValue>(&request)) {
    if (is_disk_full) return DiskFull();
    return Publish(*value, node, turn);
  }
  if (const auto* const gone = std::get_if<base::UnpublishValue>(&request)) {
    return Unpublish(*gone, turn);
  }
  return std::nullopt;
}

base::ControlReply Core::State::Ask(const base::ControlRequest& request,
                                    base::BootTime now) const {
  if (const auto* const get = std::get_if<base::GetKey>(&request)) {
    return keys.Get(*get);
  }
  if (const auto* const list = std::get_if<base::ListKeys>(&request)) {
    return keys.List(*list);
  }
  if (const auto* const find = std::get_if<base::FindActor>(&request)) {
    return Find(*find);
  }
  if (std::holds_alternative<base::ListNodes>(request)) {
    base::NodesAnswer answer;
    for (const auto& [id, node] : nodes.all()) answer.nodes.push_back(node);
    return answer;
  }
  if (std::holds_alternative<base::ListJobs>(request)) {
    base::JobsAnswer answer;
    for (const auto& [id, job] : jobs.all()) answer.jobs.push_back(job);
    return answer;
  }
  if (const auto* const list = std::get_if<base::ListActors>(&request)) {
    return List(*list);
  }
  if (std::holds_alternative<base::GetStatus>(request)) return Status(now);
  if (const auto* const list = std::get_if<base::ListObjects>(&request)) {
    return objects.List(*list);
  }
  if (const auto* const find = std::get_if<base::FindPublished>(&request)) {
    return published.Find(*find);
  }
  if (const auto* const list = std::get_if<base::ListPublished>(&request)) {
    return published.List(*list);
  }
  return base::NotRun(FailureCode::kBadArgument, "no such request");
}

base::ControlReply Core::State::EndJobByRequest(base::JobId job, Turn& turn) {
  const base::JobRecord* const known = jobs.Find(job);
  if (known == nullptr) {
    return base::NotRun(FailureCode::kNoSuchJob, "no job has that id");
  }
  if (known->state == base::JobState::kEnded) {
    return base::NotRun(FailureCode::kNoSuchJob,
                        "it has ended already: " + known->cause);
  }
  const base::NodeId node = known->node;
  const std::string cause = "it was ended by request (mobula kill)";
  EndJob(job, cause, turn);
  SendTo(node, base::StopJob{job, cause}, turn);
  return base::Done();
}

base::ControlReply Core::State::ReportDead(const base::ReportNodeDead& report,
                                           Turn& turn) {
  const base::NodeRecord* const known = nodes.Find(report.node);
  if (known == nullptr) {
    return base::NotRun(FailureCode::kNoSuchJob, "no node has that id");
  }
  if (nodes.MarkDead(report.node, report.cause, turn.wall_ms, turn.effects)) {
    NodeDied(report.node, "its node is dead: " + report.cause, /*tell=*/true,
             turn);
  } else if (known->cause == kTakenOver) {
    nodes.Explain(report.node, report.cause, turn.effects);
  }
  return base::Done();
}

base::ControlReply Core::State::Find(const base::FindActor& request) const {
  const base::ActorRecord* const actor =
      request.name.empty() ? actors.Find(request.actor)
                           : actors.FindNamed(request.ns, request.name);
  if (actor != nullptr) return base::ActorAnswer{WithoutArgs(*actor), true};
  return base::NotRun(FailureCode::kNoSuchActor,
                      request.name.empty()
                          ? "no actor has the id " + request.actor.ToString()
                          : "no living actor of namespace '" + request.ns +
                                "' has the name '" + request.name + "'");
}

base::ActorsAnswer Core::State::List(const base::ListActors& request) const {
  base::ActorsAnswer answer;
  std::size_t bytes = 0;
  for (auto at = actors.all().upper_bound(request.after);
       at != actors.all().end(); ++at) {
    const base::ActorRecord& actor = at->second;
    if (!request.with_dead && actor.state == ActorState::kDead) continue;
    if (answer.actors.size() >= request.count_max || bytes > kListBytesMax) {
      answer.more = true;
      break;
    }
    bytes += RoughBytes(actor);
    answer.actors.push_back(WithoutArgs(actor));
  }
  return answer;
}

base::StatusAnswer Core::State::Status(base::BootTime now) const {
  base::StatusAnswer answer;
  answer.cluster = options.cluster;
  answer.epoch = options.epoch;
  answer.pid = options.pid;
  answer.up_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now - started)
          .count();
  answer.nodes_alive = nodes.alive();
  answer.nodes_dead = nodes.all().size() - nodes.alive();
  answer.jobs_running = jobs.running();
  answer.actors_alive = actors.alive();
  answer.actors_starting = actors.living() - actors.alive();
  answer.actors_dead = actors.dead();
  answer.keys = keys.size();
  answer.log_number = log_number;
  answer.disk_full = is_disk_full;
  answer.disk_free_bytes = disk_free_bytes;
  answer.total = nodes.Total();
  return answer;
}

base::Failure Core::State::DiskFull() const {
  return base::NotRun(FailureCode::kDiskFull,
                      "the disk of the control store is full: " +
                          std::to_string(disk_free_bytes >> 20) +
                          " MiB are free, and kept for what must be written "
                          "all the same; make room, and it goes on by itself");
}

#ifdef MOBULA_PLANTS
}  // namespace planted
#endif
}  // namespace mobula::gcs
