// How much a value, or a call, may hold. Not for users.
// Threading: constants.
#ifndef MOBULA_API_MOBULA_DETAIL_RUNNING_H_
#define MOBULA_API_MOBULA_DETAIL_RUNNING_H_

#include <cstdint>

#include "base/frames/message.h"

namespace mobula::detail {

// A value, or the arguments of a call together: what a message holds, less room
// for all that goes with them.
inline constexpr std::uint64_t kValueBytesMax =
    base::kMessageBytesMax - (std::uint64_t{1} << 20);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_DETAIL_RUNNING_H_
