// What the API's own sources know about the function that runs on this thread.
// Not for users.
// Threading: thread-local.
#ifndef MOBULA_API_MOBULA_DETAIL_RUNNING_H_
#define MOBULA_API_MOBULA_DETAIL_RUNNING_H_

#include <cstdint>

#include "base/frames/message.h"
#include "base/function_table.h"

namespace mobula::detail {

// Null where no function of ours runs on this thread.
base::Invocation* RunningInvocation();

// A value, or the arguments of a call together: what a message holds, less room
// for all that goes with them.
inline constexpr std::uint64_t kValueBytesMax =
    base::kMessageBytesMax - (std::uint64_t{1} << 20);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_DETAIL_RUNNING_H_
