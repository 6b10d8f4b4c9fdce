#include "gcs/core/core.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/control/control_codec.h"
#include "gcs/core/core_state.h"
#include "gcs/core/record.h"

namespace mobula::gcs {
#ifdef MOBULA_PLANTS
inline namespace planted {
#endif
namespace {

constexpr base::Duration kTickMax = std::chrono::seconds(1);
// What nodes say of what is free is gathered for so long, then told to all.
constexpr base::Duration kLoadsEvery = std::chrono::milliseconds(50);

ActorTable::Options ActorOptions(const Core::Options& options) {
  ActorTable::Options result;
  result.living_max = options.actors_max;
  result.dead_max = options.dead_actors_max;
#ifdef MOBULA_PLANTS
  result.plant_accept_stale_incarnation =
      options.plant_accept_stale_incarnation;
#endif
  return result;
}

KeyTable::Options KeyOptions(const Core::Options& options) {
  KeyTable::Options result;
  result.keys_max = options.keys_max;
  result.value_bytes_max = options.key_bytes_max;
  return result;
}

PublishedTable::Options PublishedOptions(const Core::Options& options) {
  PublishedTable::Options result;
  result.names_max = options.published_max;
  return result;
}

}  // namespace

Core::State::State(const Options& given)
    : options(given),
      nodes(NodeTable::Options{given.lease, given.lease_grace,
                               given.dead_nodes_max}),
      jobs(JobTable::Options{given.ended_jobs_max}),
      actors(ActorOptions(given)),
      keys(KeyOptions(given)),
      published(PublishedOptions(given)),
      objects(ObjectTable::Options{given.places_max}),
      answers(given.answers_max),
      tokens(TokenTable::Options{}),
      node_feed("nodes", given.epoch, given.history_max),
      actor_feed("actors", given.epoch, given.history_max),
      load_feed("loads", given.epoch, given.history_max) {
  MOBULA_CHECK(given.epoch >= 1);
  MOBULA_CHECK(given.lease.count() > 0 && given.lease_grace.count() >= 0);
}

Core::State::Turn Core::State::BeginTurn(base::BootTime now,
                                         Effects& effects) const {
  const auto since_boot =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.since_boot());
  return Turn{now, since_boot.count() + options.wall_offset_ms, effects, {}};
}

void Core::State::Step(const Event& event, base::BootTime now,
                       Effects& effects) {
  const std::size_t from = effects.size();
  Turn turn = BeginTurn(now, effects);
  if (now >= timer) OnTime(turn);
  if (now >= loads_due) {
    loads_due = base::BootTime::Never();
    load_feed.Flush(effects);
  }
  if (const auto* const received = std::get_if<Received>(&event)) {
    OnMessage(*received, turn);
  } else if (const auto* const lost = std::get_if<PeerLost>(&event)) {
    OnPeerLost(lost->peer);
  } else if (const auto* const disk = std::get_if<DiskChanged>(&event)) {
    is_disk_full = disk->full;
    disk_free_bytes = disk->free_bytes;
  } else if (const auto* const asked = std::get_if<MakeToken>(&event)) {
    OnMakeToken(*asked, turn);
  } else if (const auto* const shown = std::get_if<ShowToken>(&event)) {
    OnShowToken(*shown, turn);
  }
  Publish(from, effects);
  effects.insert(effects.end(), std::make_move_iterator(turn.answers.begin()),
                 std::make_move_iterator(turn.answers.end()));
  ArmTimer(now, effects);
}

void Core::State::OnMessage(const Received& received, Turn& turn) {
  const base::ProcessId peer = received.from;
  const base::ControlMessage& message = received.message;
  if (const auto* const call = std::get_if<base::ControlCall>(&message)) {
    return OnCall(peer, *call, turn);
  }
  if (const auto* const join = std::get_if<base::JoinNode>(&message)) {
    return OnJoin(peer, *join, turn);
  }
  if (const auto* const part = std::get_if<base::JoinPart>(&message)) {
    return OnJoinPart(peer, *part, turn);
  }
  if (const auto* const follow = std::get_if<base::FollowTable>(&message)) {
    if (follow->table == "nodes") {
      node_feed.Follow(peer, follow->after, turn.effects);
    } else if (follow->table == "actors") {
      actor_feed.Follow(peer, follow->after, turn.effects);
    } else if (follow->table == "loads") {
      load_feed.Follow(peer, follow->after, turn.effects);
    }
    return;
  }
  const base::NodeId node = Speaker(peer, turn);
  if (node.IsNil()) return;
  if (const auto* const report = std::get_if<base::ActorReport>(&message)) {
    OnReport(*report, node, turn);
  } else if (const auto* const renew = std::get_if<base::RenewNode>(&message)) {
    OnRenew(peer, *renew, turn);
  } else if (const auto* const load = std::get_if<base::NodeLoad>(&message)) {
    OnLoad(node, *load, turn);
  } else if (std::holds_alternative<base::LeaveNode>(message)) {
    MOBULA_CHECK(nodes.MarkDead(node, "it left", turn.wall_ms, turn.effects));
    NodeDied(node, "its node left", /*tell=*/false, turn);
  } else if (const auto* const began = std::get_if<base::JobBegan>(&message)) {
    OnJobBegan(node, began->job, turn);
  } else if (const auto* const said =
                 std::get_if<base::NodeObjects>(&message)) {
    OnObjects(node, *said);
  } else if (const auto* const kept =
                 std::get_if<base::KeptObjects>(&message)) {
    OnKept(node, *kept, turn);
  } else if (const auto* const over = std::get_if<base::JobOver>(&message)) {
    const base::JobRecord* const job = jobs.Find(over->job);
    if (job != nullptr && job->node == node) {
      EndJob(over->job, over->cause, turn);
    }
  }
}

void Core::State::OnPeerLost(base::ProcessId peer) {
  node_feed.Drop(peer);
  actor_feed.Drop(peer);
  load_feed.Drop(peer);
  parts_of_peer.erase(peer);
  Unbind(peer);
}

void Core::State::OnTime(Turn& turn) {
  // What the timer was late by, this process did not live through (it, or the
  // machine, stood still): that counts against nobody.
  nodes.Extend(turn.now - timer);
  for (const base::NodeId node : nodes.Expired(turn.now)) {
    const std::string cause = "its lease ran out";
    MOBULA_CHECK(nodes.MarkDead(node, cause, turn.wall_ms, turn.effects));
    NodeDied(node, "its node is lost: " + cause, /*tell=*/true, turn);
  }
  BeginReleased(turn);
}

void Core::State::OnLoad(base::NodeId node, const base::NodeLoad& load,
                         Turn& turn) {
  if (load.node != node) return;
  load_feed.Put(node.ToString(), base::Bytes::Own(base::EncodeLoad(load)));
  if (loads_due.IsNever()) loads_due = turn.now + kLoadsEvery;
}

void Core::State::ArmTimer(base::BootTime now, Effects& effects) {
  base::BootTime next = base::BootTime::Never();
  if (nodes.alive() > 0) {
    const base::BootTime soon = std::min(pace.Next(), loads_due);
    if (!timer.IsNever() && timer > now && timer <= soon) return;
    // More often than leases end, so that a pause is noticed.
    const base::Duration tick = std::min(kTickMax, options.lease / 10);
    next = std::min({nodes.NextExpiry(), now + tick, std::max(soon, now)});
  }
  if (next == timer) return;
  timer = next;
  effects.emplace_back(SetTimer{next});
}

void Core::State::Publish(std::size_t from, Effects& effects) {
  for (std::size_t i = from; i < effects.size(); ++i) {
    const auto* const write = std::get_if<Write>(&effects[i]);
    if (write == nullptr) continue;
    const auto table = ParseTable(write->key);
    if (table == RecordTable::kNode) {
      const auto id = ParseRecordKey<base::NodeId>(write->key);
      MOBULA_CHECK(id.has_value());
      if (const base::NodeRecord* const node = nodes.Find(*id)) {
        node_feed.Put(id->ToString(),
                      base::Bytes::Own(base::EncodeNode(*node)));
      } else {
        node_feed.Remove(id->ToString());
      }
    } else if (table == RecordTable::kActor) {
      const auto id = ParseRecordKey<base::ActorId>(write->key);
      MOBULA_CHECK(id.has_value());
      const base::ActorRecord* const actor = actors.Find(*id);
      if (actor == nullptr || actor->state == base::ActorState::kDead) {
        pace.Forget(*id);
      }
      if (actor != nullptr) {
        PublishActor(*actor);
      } else {
        actor_feed.Remove(id->ToString());
      }
    }
  }
  node_feed.Flush(effects);
  actor_feed.Flush(effects);
}

void Core::State::PublishActor(const base::ActorRecord& actor) {
  if (actor.name.empty() && !actor.detached) return;
  base::ActorRecord record = actor;
  record.spec.reset();
  actor_feed.Put(actor.actor.ToString(),
                 base::Bytes::Own(base::EncodeActor(record)));
}

base::ActorRecord WithoutArgs(const base::ActorRecord& actor) {
  base::ActorRecord record = actor;
  if (record.spec.has_value()) record.spec->args.clear();
  return record;
}

Core::Core(const Options& options) : state_(std::make_unique<State>(options)) {}
Core::~Core() = default;

bool Core::Restore(std::string_view key, std::string_view value,
                   std::string* error) {
  return state_->Restore(key, value, error);
}

void Core::Start(base::BootTime now, Effects& effects) {
  state_->Start(now, effects);
}

void Core::Step(const Event& event, base::BootTime now, Effects& effects) {
  state_->Step(event, now, effects);
}

void Core::SetLogNumber(std::uint64_t number) { state_->log_number = number; }

Core::Census Core::Count() const {
  Census census;
  census.nodes_alive = state_->nodes.alive();
  census.jobs_running = state_->jobs.running();
  census.actors_living = state_->actors.living();
  census.actors_dead = state_->actors.dead();
  census.keys = state_->keys.size();
  census.answers = state_->answers.size();
  census.published = state_->published.size();
  census.objects = state_->objects.size();
  census.tokens = state_->tokens.size();
  return census;
}

void Core::CheckInvariants() const {
  state_->nodes.CheckInvariants();
  state_->jobs.CheckInvariants();
  state_->actors.CheckInvariants();
  state_->keys.CheckInvariants();
  state_->answers.CheckInvariants();
  state_->tokens.CheckInvariants();
  state_->published.CheckInvariants();
  state_->objects.CheckInvariants();
  for (const base::NodeId keeper : state_->published.Keepers()) {
    MOBULA_CHECK(state_->nodes.IsAlive(keeper));
  }
  for (const auto& [node, peer] : state_->peer_of_node) {
    MOBULA_CHECK(state_->nodes.IsAlive(node));
    MOBULA_CHECK(state_->node_of_peer.at(peer) == node);
  }
  for (const auto& [id, job] : state_->jobs.all()) {
    MOBULA_CHECK(job.state == base::JobState::kEnded ||
                 state_->nodes.IsAlive(job.node));
  }
  for (const auto& [id, actor] : state_->actors.all()) {
    if (actor.state == base::ActorState::kDead) continue;
    const base::NodeId node = actor.detached ? actor.node : actor.owner_node;
    MOBULA_CHECK(state_->nodes.IsAlive(node) ||
                 (actor.detached && node.IsNil()));
    MOBULA_CHECK(actor.detached || !state_->jobs.HasEnded(actor.job));
  }
}

#ifdef MOBULA_PLANTS
}  // namespace planted
#endif
}  // namespace mobula::gcs
