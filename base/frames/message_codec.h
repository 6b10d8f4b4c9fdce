// Messages as bytes: [alternative, payload] in the codec's format, checked
// after decoding, since they come from another process.
// Threading: pure functions.
#ifndef MOBULA_BASE_FRAMES_MESSAGE_CODEC_H_
#define MOBULA_BASE_FRAMES_MESSAGE_CODEC_H_

#include <string>

#include "base/bytes.h"
#include "base/frames/message.h"

namespace mobula::base {

std::string EncodeMessage(const Message& message);

// Values inside a large message share its storage; those of a small one are
// copied, so that a small value never keeps a whole receive buffer alive.
// False, and why, if the bytes are no message or say what cannot be.
[[nodiscard]] bool DecodeMessage(const Bytes& bytes, Message* message,
                                 std::string* error);

// Whether an honest process says that: what DecodeMessage looks at.
[[nodiscard]] bool IsPlausible(const Message& message);

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_MESSAGE_CODEC_H_
