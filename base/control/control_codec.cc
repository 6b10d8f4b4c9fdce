#include "base/control/control_codec.h"

#include <cstdint>
#include <variant>

#include "base/codec/codec.h"

namespace mobula::base {
namespace {

constexpr std::size_t kMemoryPerByte = 64;
constexpr std::size_t kMemoryBase = std::size_t{64} << 10;
constexpr std::int64_t kUnitsMax = std::int64_t{1} << 62;
constexpr std::size_t kNameBytesMax = 256;
constexpr std::uint32_t kCountMax = 10'000;

bool IsAmount(const ResourceVector& amount) {
  for (const auto& [name, units] : amount.units) {
    if (name.empty() || units <= 0 || units > kUnitsMax) return false;
  }
  return true;
}

bool IsFailure(const Failure& failure) {
  return failure.executed >= Executed::kNo &&
         failure.executed <= Executed::kYes;
}

bool IsState(ActorState state) {
  return state >= ActorState::kPending && state <= ActorState::kDead;
}

// What the types allow and no honest peer sends or writes.
struct Plausible {
  bool operator()(const NodeRecord& node) const {
    return !node.node.IsNil() && !node.raylet.IsNil() &&
           node.state >= NodeState::kAlive && node.state <= NodeState::kDead &&
           node.incarnation >= 0 && IsAmount(node.total);
  }
  bool operator()(const JobRecord& job) const {
    return !job.job.IsNil() && job.state >= JobState::kRunning &&
           job.state <= JobState::kEnded && job.weight >= 1;
  }
  bool operator()(const ActorRecord& actor) const {
    return !actor.actor.IsNil() && IsState(actor.state) &&
           actor.incarnation >= 1 && actor.restarts >= 0 &&
           actor.restarts_max >= -1 && IsFailure(actor.cause) &&
           (!actor.spec || IsAmount(actor.spec->resources));
  }
  bool operator()(const KeyRecord& key) const { return key.version >= 1; }
  bool operator()(const ActorReport& report) const {
    return !report.actor.IsNil() && IsState(report.state) &&
           report.incarnation >= 1 && report.restarts >= 0 &&
           report.restarts_max >= -1 && IsFailure(report.cause);
  }
  bool operator()(const JoinNode& join) const {
    if (!(*this)(join.node)) return false;
    for (const JobRecord& job : join.jobs) {
      if (!(*this)(job)) return false;
    }
    for (const ActorReport& actor : join.actors) {
      if (!(*this)(actor)) return false;
    }
    return true;
  }
  bool operator()(const JobBegan& began) const { return (*this)(began.job); }
  bool operator()(const HostActor& host) const {
    return (*this)(host.actor) && host.actor.spec.has_value();
  }
  bool operator()(const ControlCall& call) const {
    if (call.request.IsNil() || call.from.IsNil()) return false;
    return std::visit(*this, call.body);
  }
  bool operator()(const RegisterActor& request) const {
    return (*this)(request.actor) &&
           request.actor.detached == request.actor.spec.has_value();
  }
  bool operator()(const ListKeys& request) const {
    return request.count_max >= 1 && request.count_max <= kCountMax;
  }
  bool operator()(const ListActors& request) const {
    return request.count_max >= 1 && request.count_max <= kCountMax;
  }
  bool operator()(const ControlAnswer& answer) const {
    const auto* const failure = std::get_if<Failure>(&answer.body);
    return failure == nullptr || IsFailure(*failure);
  }
  template <class Other>
  bool operator()(const Other&) const {
    return true;
  }
};

template <class T>
bool DecodeChecked(std::string_view bytes, const char* what, T* value,
                   std::string* error) {
  ReadLimits limits;
  limits.memory_bytes_max = kMemoryBase + kMemoryPerByte * bytes.size();
  if (!Decode(bytes, value, error, limits)) return false;
  if (Plausible()(*value)) return true;
  *error = std::string(what) + " that says what cannot be";
  return false;
}

}  // namespace

std::string EncodeControl(const ControlMessage& message) {
  return Encode(message);
}

bool DecodeControl(const Bytes& bytes, ControlMessage* message,
                   std::string* error) {
  if (bytes.size() > kControlMessageBytesMax) {
    *error = "a control message of " + std::to_string(bytes.size()) + " bytes";
    return false;
  }
  ReadLimits limits;
  limits.memory_bytes_max = kMemoryBase + kMemoryPerByte * bytes.size();
  if (!Decode(bytes.view(), message, error, limits)) return false;
  if (std::visit(Plausible(), *message)) return true;
  *error = "a control message of kind " + std::to_string(message->index()) +
           " that says what cannot be";
  return false;
}

std::string EncodeNode(const NodeRecord& record) { return Encode(record); }
std::string EncodeJob(const JobRecord& record) { return Encode(record); }
std::string EncodeActor(const ActorRecord& record) { return Encode(record); }
std::string EncodeKey(const KeyRecord& record) { return Encode(record); }

bool DecodeNode(std::string_view bytes, NodeRecord* record,
                std::string* error) {
  return DecodeChecked(bytes, "a node", record, error);
}
bool DecodeJob(std::string_view bytes, JobRecord* record, std::string* error) {
  return DecodeChecked(bytes, "a job", record, error);
}
bool DecodeActor(std::string_view bytes, ActorRecord* record,
                 std::string* error) {
  return DecodeChecked(bytes, "an actor", record, error);
}
bool DecodeKey(std::string_view bytes, KeyRecord* record, std::string* error) {
  return DecodeChecked(bytes, "a key", record, error);
}

std::string WrongWithName(std::string_view name) {
  if (name.empty()) return "it is empty";
  if (name.size() > kNameBytesMax) {
    return "it has " + std::to_string(name.size()) + " bytes; at most " +
           std::to_string(kNameBytesMax) + " are allowed";
  }
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '/') return "it holds a slash";
    if (byte < 0x20 || byte == 0x7f) return "it holds a control character";
  }
  return "";
}

}  // namespace mobula::base
