// Control messages and records as bytes, checked after decoding: the same bytes
// ride in gRPC, in frames and in the log.
// Threading: pure functions.
// Failure: false, and why, where bytes are not what is asked for, or say what
// cannot be (a nil id, an unknown state, a bound exceeded).
#ifndef MOBULA_BASE_CONTROL_CONTROL_CODEC_H_
#define MOBULA_BASE_CONTROL_CONTROL_CODEC_H_

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/control/control_message.h"
#include "base/control/object_records.h"
#include "base/control/records.h"

namespace mobula::base {

std::string EncodeControl(const ControlMessage& message);
[[nodiscard]] bool DecodeControl(const Bytes& bytes, ControlMessage* message,
                                 std::string* error);

std::string EncodeNode(const NodeRecord& record);
std::string EncodeLoad(const NodeLoad& load);
std::string EncodeJob(const JobRecord& record);
std::string EncodeActor(const ActorRecord& record);
std::string EncodeKey(const KeyRecord& record);
std::string EncodePublished(const PublishedRecord& record);
[[nodiscard]] bool DecodeNode(std::string_view bytes, NodeRecord* record,
                              std::string* error);
[[nodiscard]] bool DecodeLoad(std::string_view bytes, NodeLoad* load,
                              std::string* error);
[[nodiscard]] bool DecodeJob(std::string_view bytes, JobRecord* record,
                             std::string* error);
[[nodiscard]] bool DecodeActor(std::string_view bytes, ActorRecord* record,
                               std::string* error);
[[nodiscard]] bool DecodeKey(std::string_view bytes, KeyRecord* record,
                             std::string* error);
[[nodiscard]] bool DecodePublished(std::string_view bytes,
                                   PublishedRecord* record, std::string* error);

// The bounds of names that users give: 1 to 256 bytes of printable UTF-8
// without a slash. "" if it is good, else what is wrong.
std::string WrongWithName(std::string_view name);

}  // namespace mobula::base

#endif  // MOBULA_BASE_CONTROL_CONTROL_CODEC_H_
