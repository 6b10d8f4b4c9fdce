// NodeMessages as bytes: [alternative, payload] in the codec's format, checked
// after decoding, since they come from another machine.
// Threading: pure functions.
#ifndef MOBULA_BASE_FRAMES_NODE_MESSAGE_CODEC_H_
#define MOBULA_BASE_FRAMES_NODE_MESSAGE_CODEC_H_

#include <string>

#include "base/bytes.h"
#include "base/frames/node_message.h"

namespace mobula::base {

// Of one, encoded: the largest message of a process fits into a Pass.
inline constexpr std::uint64_t kNodeMessageBytesMax = kMessageBytesMax + 4096;

std::string EncodeNodeMessage(const NodeMessage& message);

// Bytes inside share the storage of `bytes` where they are many. False, and
// why, if they are no message or say what no raylet says.
[[nodiscard]] bool DecodeNodeMessage(const Bytes& bytes, NodeMessage* message,
                                     std::string* error);

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_NODE_MESSAGE_CODEC_H_
