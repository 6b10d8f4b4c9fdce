#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/codec/codec.h"
#include "base/control/control_codec.h"
#include "base/control/plausible.h"
#include "gcs/core/core_state.h"
#include "gcs/core/record.h"

namespace mobula::gcs {
#ifdef MOBULA_PLANTS
inline namespace planted {
#endif
namespace {

constexpr const char* kBadKey = "a key that none of ours writes";

// Reads a record with an id for a key, which the record must repeat.
template <class Record, class AnId, class DecodeFn>
bool ReadRecord(std::string_view key, std::string_view value, DecodeFn decode,
                AnId Record::* id_of, Record* record, std::string* error) {
  const auto id = ParseRecordKey<AnId>(key);
  if (!id.has_value()) {
    *error = kBadKey;
    return false;
  }
  if (!decode(value, record, error)) return false;
  if (record->*id_of == *id) return true;
  *error = "a record of " + (record->*id_of).ToString() + " under the key of " +
           id->ToString();
  return false;
}

// Before calls of an actor could run at the same time.
struct SpecOfVersion1 {
  base::FunctionId constructor;
  std::vector<base::Bytes> args;
  base::ResourceVector resources;
  std::string program;
};

bool DecodeSpec(char version, std::string_view value, base::ActorSpec* spec,
                std::string* error) {
  const auto limits = base::ReadLimits::ForMessage(value.size());
  if (version == 1) {
    SpecOfVersion1 old;
    if (!base::Decode(value, &old, error, limits)) return false;
    spec->constructor = old.constructor;
    spec->args = std::move(old.args);
    spec->resources = std::move(old.resources);
    spec->program = std::move(old.program);
  } else if (!base::Decode(value, spec, error, limits)) {
    return false;
  }
  if (base::Plausible()(*spec)) return true;
  *error = "a spec that says what cannot be";
  return false;
}

}  // namespace

bool Core::State::Restore(std::string_view key, std::string_view value,
                          std::string* error) {
  const auto table = ParseTable(key);
  if (!table.has_value()) {
    *error = kBadKey;
    return false;
  }
  char version = 0;
  if (!TakeVersion(&value, VersionOf(*table), &version, error)) return false;
  switch (*table) {
    case RecordTable::kSpec: {
      const auto id = ParseRecordKey<base::ActorId>(key);
      base::ActorSpec spec;
      *error = kBadKey;
      return id.has_value() && DecodeSpec(version, value, &spec, error) &&
             actors.RestoreSpec(*id, std::move(spec), error);
    }
    case RecordTable::kActor: {
      base::ActorRecord actor;
      return ReadRecord(key, value, base::DecodeActor,
                        &base::ActorRecord::actor, &actor, error) &&
             actors.Restore(std::move(actor), error);
    }
    case RecordTable::kCounter:
      return RestoreCounter(key, value, error);
    case RecordTable::kJob: {
      base::JobRecord job;
      return ReadRecord(key, value, base::DecodeJob, &base::JobRecord::job,
                        &job, error) &&
             jobs.Restore(job, error);
    }
    case RecordTable::kKey: {
      const auto name = ParseKeyRecordKey(key);
      base::KeyRecord record;
      *error = kBadKey;
      return name.has_value() && base::DecodeKey(value, &record, error) &&
             keys.Restore(name->ns, name->key, record, error);
    }
    case RecordTable::kNode: {
      base::NodeRecord node;
      return ReadRecord(key, value, base::DecodeNode, &base::NodeRecord::node,
                        &node, error) &&
             nodes.Restore(node, error);
    }
    case RecordTable::kPublished: {
      const auto name = ParseKeyRecordKey(key);
      base::PublishedRecord record;
      *error = kBadKey;
      if (!name.has_value() || !base::DecodePublished(value, &record, error)) {
        return false;
      }
      *error = "a published value under another one's key";
      return record.ns == name->ns && record.name == name->key &&
             published.Restore(record, error);
    }
    case RecordTable::kAnswer: {
      const auto ids = ParseAnswerRecordKey(key);
      AnswerRecord answer;
      *error = kBadKey;
      return ids.has_value() && DecodeAnswer(value, &answer, error) &&
             answers.Restore(ids->first, ids->second, answer, error);
    }
    case RecordTable::kToken:
      return RestoreToken(key, value, error);
  }
  *error = kBadKey;
  return false;
}

bool Core::State::RestoreCounter(std::string_view key, std::string_view value,
                                 std::string* error) {
  std::int64_t count = 0;
  if (!base::Decode(value, &count, error)) return false;
  if (count < 0 || count > kCountMax) {
    *error = "a counter that nothing counted";
    return false;
  }
  if (key == CounterRecordKey(NodeTable::kIncarnationCounter)) {
    nodes.RestoreIncarnation(count);
  } else if (key == CounterRecordKey(KeyTable::kDeletedCounter)) {
    keys.RestoreDeleted(static_cast<std::uint64_t>(count));
  } else {
    *error = kBadKey;
    return false;
  }
  return true;
}

void Core::State::Start(base::BootTime now, Effects& effects) {
  started = now;
  nodes.Start(now, effects);
  jobs.Start(effects);
  actors.Start(effects);
  answers.Start(effects);
  published.Start(effects);
  Turn turn = BeginTurn(now, effects);
  EndStrays(turn);
  PlaceWaiting(turn);
  for (const auto& [id, node] : nodes.all()) {
    node_feed.Put(id.ToString(), base::Bytes::Own(base::EncodeNode(node)));
  }
  for (const auto& [id, actor] : actors.all()) PublishActor(actor);
  ArmTimer(now, effects);
}

void Core::State::EndStrays(Turn& turn) {
  std::vector<base::JobId> stray_jobs;
  for (const auto& [id, job] : jobs.all()) {
    if (job.state == base::JobState::kRunning && !nodes.IsAlive(job.node)) {
      stray_jobs.push_back(id);
    }
  }
  std::vector<base::ActorId> stray_actors;
  for (const auto& [id, actor] : actors.all()) {
    if (actor.state == base::ActorState::kDead) continue;
    const base::NodeId node = actor.detached ? actor.node : actor.owner_node;
    const bool waits = actor.detached && node.IsNil();
    const bool is_of_ended = !actor.detached && jobs.HasEnded(actor.job);
    if ((!waits && !nodes.IsAlive(node)) || is_of_ended) {
      stray_actors.push_back(id);
    }
  }
  LoseStrayObjects(turn);
  for (const base::JobId job : stray_jobs) {
    EndJob(job, "its node is not known", turn);
  }
  for (const base::ActorId actor : stray_actors) {
    if (actors.Find(actor)->state == base::ActorState::kDead) continue;
    LoseActor(actor, turn);
  }
}

#ifdef MOBULA_PLANTS
}  // namespace planted
#endif
}  // namespace mobula::gcs
