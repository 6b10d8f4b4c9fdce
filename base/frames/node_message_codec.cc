#include "base/frames/node_message_codec.h"

#include <algorithm>
#include <string>
#include <variant>

#include "base/codec/codec.h"
#include "base/frames/message_codec.h"

namespace mobula::base {
namespace {

constexpr std::size_t kShareBytesMin = 4096;
constexpr std::size_t kHashDigitsMax = 128;

// Of a file: it becomes part of a name in a folder.
bool IsHash(const std::string& text) {
  return !text.empty() && text.size() <= kHashDigitsMax &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool IsPair(ProcessId from, ProcessId to) {
  return !from.IsNil() && !to.IsNil() && from != to;
}

// What no raylet of ours says although the types allow it.
struct PlausibleNodeMessage {
  bool operator()(const Introduce& message) const {
    const bool is_user =
        message.role == Role::kDriver || message.role == Role::kWorker;
    return is_user && !message.process.IsNil() && !message.job.IsNil() &&
           !message.home.IsNil() && message.weight >= 1 &&
           (message.program.empty() || IsHash(message.program));
  }
  bool operator()(const ProcessLeft& message) const {
    return !message.process.IsNil();
  }
  bool operator()(const Pass& message) const {
    // From a raylet to the other one: that it has no room after all.
    const bool is_between_raylets = message.from.IsNil() && message.to.IsNil();
    return (!is_between_raylets ||
            std::holds_alternative<LeaseRefused>(message.message)) &&
           IsPlausible(message.message);
  }
  bool operator()(const HostsJob& message) const {
    return !message.job.IsNil();
  }
  bool operator()(const EndJobThere& message) const {
    return !message.job.IsNil();
  }
  bool operator()(const JobLeft& message) const { return !message.job.IsNil(); }
  bool operator()(const OpenChannel& message) const {
    return IsPair(message.from, message.to);
  }
  bool operator()(const ChannelBytes& message) const {
    return IsPair(message.from, message.to);
  }
  bool operator()(const ChannelCredit& message) const {
    return IsPair(message.from, message.to) &&
           message.byte_count <= kChannelCredit;
  }
  bool operator()(const CloseChannel& message) const {
    return IsPair(message.from, message.to);
  }
  bool operator()(const WantProgram& message) const {
    return IsHash(message.program);
  }
  bool operator()(const ProgramPart& message) const {
    return IsHash(message.program) && message.bytes.size() <= kPartBytesMax &&
           message.offset <= message.byte_count &&
           message.bytes.size() <= message.byte_count - message.offset;
  }
  bool operator()(const ProgramLacking& message) const {
    return IsHash(message.program);
  }
  bool operator()(const WantExtent& message) const {
    return !message.object.object.IsNil() && !message.extent.arena.IsNil();
  }
  bool operator()(const ExtentPart& message) const {
    return message.bytes.size() <= kPartBytesMax;
  }
  template <class Other>
  bool operator()(const Other&) const {
    return true;
  }
};

}  // namespace

std::string EncodeNodeMessage(const NodeMessage& message) {
  return Encode(message);
}

bool DecodeNodeMessage(const Bytes& bytes, NodeMessage* message,
                       std::string* error) {
  if (bytes.size() > kNodeMessageBytesMax) {
    *error = "a message of " + std::to_string(bytes.size()) + " bytes";
    return false;
  }
  const ReadLimits limits = ReadLimits::ForMessage(bytes.size());
  const bool decoded = bytes.size() < kShareBytesMin
                           ? Decode(bytes.view(), message, error, limits)
                           : Decode(bytes, message, error, limits);
  if (!decoded) return false;
  if (std::visit(PlausibleNodeMessage(), *message)) return true;
  *error = "a message between nodes of kind " +
           std::to_string(message->index()) + " that says what cannot be";
  return false;
}

}  // namespace mobula::base
