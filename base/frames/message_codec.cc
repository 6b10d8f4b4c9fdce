#include "base/frames/message_codec.h"

#include <algorithm>
#include <variant>
#include <vector>

#include "base/codec/codec.h"
#include "base/control/plausible.h"

namespace mobula::base {
namespace {

constexpr std::size_t kShareBytesMin = 4096;

bool IsRole(Role role) {
  return role == Role::kRaylet || role == Role::kDriver ||
         role == Role::kWorker || role == Role::kTool;
}

bool IsKind(TaskKind kind) {
  return kind >= TaskKind::kTask && kind <= TaskKind::kCreation;
}

bool IsState(TaskState state) {
  return state >= TaskState::kRunning && state <= TaskState::kQueued;
}

// The same for the kinds that frames alone carry.
struct PlausibleMessage : Plausible {
  using Plausible::operator();
  bool operator()(const Register& message) const {
    return IsRole(message.role) && message.weight >= 1 &&
           !message.process.IsNil();
  }
  bool operator()(const Registered& message) const {
    return (*this)(message.total);
  }
  bool operator()(const RequestLease& message) const {
    return (*this)(message.shape) && !message.lease.IsNil() &&
           (!message.placement || message.placement->IsPlausible());
  }
  bool operator()(const PullValue& message) const {
    return !message.request.IsNil() && !message.object.object.IsNil() &&
           !message.extent.arena.IsNil();
  }
  bool operator()(const PullRefused& message) const {
    return !message.request.IsNil() && (*this)(message.failure);
  }
  bool operator()(const LeaseRefused& message) const {
    return (*this)(message.failure);
  }
  bool operator()(const LeaseLost& message) const {
    return (*this)(message.failure);
  }
  bool operator()(const RunTask& message) const {
    return message.attempt >= 1 && (message.assigned == nullptr ||
                                    (*this)(message.assigned->resources));
  }
  bool operator()(const CreateActor& message) const {
    return message.incarnation >= 1 && (*this)(message.assigned.resources) &&
           message.concurrency.IsPlausible();
  }
  bool operator()(const CallActor& message) const {
    return message.incarnation >= 1 && message.attempt >= 1 &&
           message.group.size() <= kGroupNameBytesMax;
  }
  bool operator()(const Outcome& outcome) const {
    const auto* const failure = std::get_if<Failure>(&outcome);
    return failure == nullptr || (*this)(*failure);
  }
  bool operator()(const LostBytes& lost) const {
    return !lost.object.object.IsNil() && !lost.object.owner.IsNil() &&
           !lost.extent.arena.IsNil();
  }
  bool operator()(const std::vector<LostBytes>& lost) const {
    return std::all_of(lost.begin(), lost.end(), *this);
  }
  bool operator()(const TaskDone& message) const {
    // What has not run for want of arguments has no value.
    const bool is_failure = std::holds_alternative<Failure>(message.outcome);
    return (*this)(message.outcome) && (*this)(message.lost) &&
           (message.lost.empty() || is_failure);
  }
  bool operator()(const StreamOpened& message) const {
    return message.attempt >= 1 && !message.task.IsNil() &&
           !message.stream.IsNil();
  }
  bool operator()(const StreamItem& message) const {
    return message.attempt >= 1 && !message.task.IsNil() &&
           !message.stream.IsNil();
  }
  bool operator()(const StreamCredit& message) const {
    return !message.task.IsNil() && message.skip <= message.limit;
  }
  bool operator()(const CancelObject& message) const {
    return !message.request.IsNil() && !message.object.IsNil();
  }
  bool operator()(const ObjectCancelled& message) const {
    return message.verdict >= CancelVerdict::kCancelled &&
           message.verdict <= CancelVerdict::kActorCall;
  }
  bool operator()(const ObjectsLost& message) const {
    return (*this)(message.objects);
  }
  bool operator()(const LeaseArena& message) const {
    return message.byte_count >= 1 && !message.request.IsNil();
  }
  bool operator()(const ArenaRefused& message) const {
    return (*this)(message.failure);
  }
  bool operator()(const ArenaLost& message) const {
    return (*this)(message.failure);
  }
  bool operator()(const ObjectStored& message) const {
    return !message.object.object.IsNil() && !message.object.owner.IsNil() &&
           !message.extent.arena.IsNil() && message.extent.byte_count >= 1;
  }
  bool operator()(const ReturnObjects& message) const {
    for (const ReturnedObject& returned : message.objects) {
      if (returned.lent_count < 1) return false;
    }
    return true;
  }
  bool operator()(const ObjectIs& message) const {
    return (*this)(message.outcome) && message.incarnation >= 0;
  }
  bool operator()(const ListRefs& message) const {
    return !message.request.IsNil();
  }
  bool operator()(const RefsAre& message) const {
    return message.objects.size() + message.actors.size() <= kRefRowsMax;
  }
  bool operator()(const MemoryPart& message) const {
    return (*this)(message.refs);
  }
  bool operator()(const StorePart& message) const {
    return message.objects.size() <= kRefRowsMax;
  }
  bool operator()(const QuestionRefused& message) const {
    return (*this)(message.failure);
  }
  bool operator()(const ListOwnTasks& message) const {
    return !message.request.IsNil();
  }
  bool operator()(const TaskRow& row) const {
    return IsKind(row.kind) && IsState(row.state) && (*this)(row.shape);
  }
  bool operator()(const TaskCount& count) const {
    return IsKind(count.kind) && IsState(count.state);
  }
  bool operator()(const TasksAre& message) const {
    return message.rows.size() <= kTaskRowsMax &&
           message.counts.size() <= kTaskCountsMax &&
           std::all_of(message.rows.begin(), message.rows.end(), *this) &&
           std::all_of(message.counts.begin(), message.counts.end(), *this);
  }
  bool operator()(const TaskPart& message) const {
    return (*this)(message.tasks);
  }
  bool operator()(const ClaimObjects& message) const {
    for (const ClaimedObject& claimed : message.objects) {
      if (!(*this)(claimed.outcome)) return false;
    }
    return true;
  }
};

}  // namespace

bool IsPlausible(const Message& message) {
  return std::visit(PlausibleMessage(), message);
}

std::string EncodeMessage(const Message& message) { return Encode(message); }

bool DecodeMessage(const Bytes& bytes, Message* message, std::string* error) {
  if (bytes.size() > kMessageBytesMax) {
    *error = "a message of " + std::to_string(bytes.size()) + " bytes";
    return false;
  }
  const ReadLimits limits = ReadLimits::ForMessage(bytes.size());
  const bool decoded = bytes.size() < kShareBytesMin
                           ? Decode(bytes.view(), message, error, limits)
                           : Decode(bytes, message, error, limits);
  if (!decoded) return false;
  if (IsPlausible(*message)) return true;
  *error = "a message of kind " + std::to_string(message->index()) +
           " that says what cannot be";
  return false;
}

}  // namespace mobula::base
