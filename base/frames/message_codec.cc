#include "base/frames/message_codec.h"

#include <cstdint>
#include <variant>

#include "base/codec/codec.h"

namespace mobula::base {
namespace {

constexpr std::size_t kShareBytesMin = 4096;
// Of what a message's containers take, for each byte that it is long: a log
// line of one byte becomes a string of 32.
constexpr std::size_t kMemoryPerByte = 64;
constexpr std::size_t kMemoryBase = std::size_t{64} << 10;
// A quantity of 9e14 in units, with room for sums.
constexpr std::int64_t kUnitsMax = std::int64_t{1} << 62;

bool IsRole(Role role) {
  return role == Role::kRaylet || role == Role::kDriver ||
         role == Role::kWorker || role == Role::kTool;
}

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

// What the types allow and no honest peer sends.
struct Plausible {
  bool operator()(const Register& message) const {
    return IsRole(message.role) && message.weight >= 1 &&
           !message.process.IsNil();
  }
  bool operator()(const Registered& message) const {
    return IsAmount(message.total);
  }
  bool operator()(const RequestLease& message) const {
    return IsAmount(message.shape) && !message.lease.IsNil();
  }
  bool operator()(const LeaseRefused& message) const {
    return IsFailure(message.failure);
  }
  bool operator()(const LeaseLost& message) const {
    return IsFailure(message.failure);
  }
  bool operator()(const RunTask& message) const { return message.attempt >= 1; }
  bool operator()(const CreateActor& message) const {
    return message.incarnation >= 1;
  }
  bool operator()(const CallActor& message) const {
    return message.incarnation >= 1 && message.attempt >= 1;
  }
  bool operator()(const TaskDone& message) const {
    const auto* const failure = std::get_if<Failure>(&message.outcome);
    return failure == nullptr || IsFailure(*failure);
  }
  template <class Other>
  bool operator()(const Other&) const {
    return true;
  }
};

}  // namespace

std::string EncodeMessage(const Message& message) { return Encode(message); }

bool DecodeMessage(const Bytes& bytes, Message* message, std::string* error) {
  if (bytes.size() > kMessageBytesMax) {
    *error = "a message of " + std::to_string(bytes.size()) + " bytes";
    return false;
  }
  ReadLimits limits;
  limits.memory_bytes_max = kMemoryBase + kMemoryPerByte * bytes.size();
  const bool decoded = bytes.size() < kShareBytesMin
                           ? Decode(bytes.view(), message, error, limits)
                           : Decode(bytes, message, error, limits);
  if (!decoded) return false;
  if (std::visit(Plausible(), *message)) return true;
  *error = "a message of kind " + std::to_string(message->index()) +
           " that says what cannot be";
  return false;
}

}  // namespace mobula::base
