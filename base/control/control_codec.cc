#include "base/control/control_codec.h"

#include <variant>

#include "base/codec/codec.h"
#include "base/control/plausible.h"

namespace mobula::base {
namespace {

constexpr std::size_t kNameBytesMax = 256;

template <class T>
bool DecodeChecked(std::string_view bytes, const char* what, T* value,
                   std::string* error) {
  const ReadLimits limits = ReadLimits::ForMessage(bytes.size());
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
  const ReadLimits limits = ReadLimits::ForMessage(bytes.size());
  if (!Decode(bytes.view(), message, error, limits)) return false;
  if (std::visit(Plausible(), *message)) return true;
  *error = "a control message of kind " + std::to_string(message->index()) +
           " that says what cannot be";
  return false;
}

std::string EncodeNode(const NodeRecord& record) { return Encode(record); }
std::string EncodeLoad(const NodeLoad& load) { return Encode(load); }
std::string EncodeJob(const JobRecord& record) { return Encode(record); }
std::string EncodeActor(const ActorRecord& record) { return Encode(record); }
std::string EncodeKey(const KeyRecord& record) { return Encode(record); }
std::string EncodePublished(const PublishedRecord& record) {
  return Encode(record);
}

bool DecodeNode(std::string_view bytes, NodeRecord* record,
                std::string* error) {
  return DecodeChecked(bytes, "a node", record, error);
}
bool DecodeLoad(std::string_view bytes, NodeLoad* load, std::string* error) {
  return DecodeChecked(bytes, "a load", load, error);
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
bool DecodePublished(std::string_view bytes, PublishedRecord* record,
                     std::string* error) {
  return DecodeChecked(bytes, "a published value", record, error);
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
