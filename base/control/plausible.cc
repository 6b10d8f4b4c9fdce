#include "base/control/plausible.h"

#include <algorithm>
#include <cstdint>
#include <variant>

namespace mobula::base {
namespace {

// A quantity of 9e14 in units, with room for sums.
constexpr std::int64_t kUnitsMax = std::int64_t{1} << 62;
constexpr std::uint32_t kCountMax = 10'000;
constexpr std::uint64_t kStoreBytesMax = std::uint64_t{1} << 50;

bool IsState(ActorState state) {
  return state >= ActorState::kPending && state <= ActorState::kDead;
}

bool IsCount(std::uint32_t count) { return count >= 1 && count <= kCountMax; }

}  // namespace

bool Plausible::operator()(const ResourceVector& amount) const {
  for (const auto& [name, units] : amount.units) {
    if (name.empty() || units <= 0 || units > kUnitsMax) return false;
  }
  return true;
}

bool Plausible::operator()(const Failure& failure) const {
  return failure.executed >= Executed::kNo &&
         failure.executed <= Executed::kYes;
}

bool Plausible::operator()(const NodeRecord& node) const {
  return !node.node.IsNil() && !node.raylet.IsNil() &&
         node.state >= NodeState::kAlive && node.state <= NodeState::kDead &&
         node.incarnation >= 0 && (*this)(node.total);
}

bool Plausible::operator()(const NodeLoad& load) const {
  return !load.node.IsNil() && (*this)(load.free);
}

bool Plausible::operator()(const JobRecord& job) const {
  return !job.job.IsNil() && job.state >= JobState::kRunning &&
         job.state <= JobState::kEnded && job.weight >= 1;
}

bool Plausible::operator()(const ActorSpec& spec) const {
  return (*this)(spec.resources) && spec.concurrency.IsPlausible();
}

bool Plausible::operator()(const ActorRecord& actor) const {
  return !actor.actor.IsNil() && IsState(actor.state) &&
         actor.incarnation >= 1 && actor.restarts >= 0 &&
         actor.restarts_max >= -1 && (*this)(actor.cause) &&
         (!actor.spec || (*this)(*actor.spec));
}

bool Plausible::operator()(const KeyRecord& key) const {
  return key.version >= 1;
}

bool Plausible::operator()(const ObjectCopies& copies) const {
  return copies.extents >= 1 && copies.spilled <= copies.extents &&
         copies.byte_count <= kStoreBytesMax;
}

bool Plausible::operator()(const ObjectAt& object) const {
  return !object.object.IsNil() && (*this)(object.copies) &&
         object.kept.size() <= kKeptToldMax;
}

bool Plausible::operator()(const ObjectRecord& object) const {
  return !object.object.IsNil() && !object.places.empty();
}

bool Plausible::operator()(const PublishedRecord& value) const {
  const bool is_kept = !value.node.IsNil();
  const bool is_lost = !value.cause.empty();
  if (is_kept != !value.object.IsNil() || (is_kept && is_lost)) return false;
  const bool is_inline = !is_kept && !is_lost;
  if (!is_inline) return value.value.empty();
  return value.value.size() == value.byte_count;
}

bool Plausible::operator()(const ActorReport& report) const {
  return !report.actor.IsNil() && IsState(report.state) &&
         report.incarnation >= 1 && report.restarts >= 0 &&
         report.restarts_max >= -1 && (*this)(report.cause);
}

bool Plausible::operator()(const JoinNode& join) const {
  return (*this)(join.node) &&
         std::all_of(join.jobs.begin(), join.jobs.end(), *this) &&
         std::all_of(join.actors.begin(), join.actors.end(), *this);
}

bool Plausible::operator()(const JoinPart& part) const {
  return !part.node.IsNil() &&
         std::all_of(part.jobs.begin(), part.jobs.end(), *this) &&
         std::all_of(part.actors.begin(), part.actors.end(), *this);
}

bool Plausible::operator()(const JobBegan& began) const {
  return (*this)(began.job);
}

bool Plausible::operator()(const HostActor& host) const {
  return (*this)(host.actor) && host.actor.spec.has_value();
}

bool Plausible::operator()(const NodeObjects& objects) const {
  const bool has_nil =
      std::any_of(objects.gone.begin(), objects.gone.end(),
                  [](const ObjectId& object) { return object.IsNil(); });
  return !objects.node.IsNil() && !has_nil &&
         objects.there.size() + objects.gone.size() <= kObjectsToldMax &&
         objects.byte_count <= kStoreBytesMax &&
         std::all_of(objects.there.begin(), objects.there.end(), *this);
}

bool Plausible::operator()(const ControlCall& call) const {
  return !call.request.IsNil() && !call.from.IsNil() &&
         std::visit(*this, call.body);
}

bool Plausible::operator()(const ControlAnswer& answer) const {
  const auto* const failure = std::get_if<Failure>(&answer.body);
  return failure == nullptr || (*this)(*failure);
}

bool Plausible::operator()(const RegisterActor& request) const {
  return (*this)(request.actor) &&
         request.actor.detached == request.actor.spec.has_value();
}

bool Plausible::operator()(const ListKeys& request) const {
  return IsCount(request.count_max);
}

bool Plausible::operator()(const ListActors& request) const {
  return IsCount(request.count_max);
}

bool Plausible::operator()(const PublishValue& request) const {
  const PublishedRecord& value = request.value;
  if (!value.cause.empty()) return false;
  if (request.extent.arena.IsNil()) return (*this)(value);
  return value.object.IsNil() && value.node.IsNil() && value.value.empty() &&
         value.byte_count == request.extent.byte_count;
}

bool Plausible::operator()(const ListObjects& request) const {
  return IsCount(request.count_max);
}

bool Plausible::operator()(const ListPublished& request) const {
  return IsCount(request.count_max);
}

}  // namespace mobula::base
