// The io loop of this process, which its first socket starts. Not for users.
//
// Owner: the process, as of its executor; the thread of the loop ends with
// Runtime::Shutdown if nothing is open then, and starts again when something
// is. A forked child has one of its own, for what it opens itself.
// Threading: any thread.
#ifndef MOBULA_API_MOBULA_CORO_DETAIL_PROCESS_IO_H_
#define MOBULA_API_MOBULA_CORO_DETAIL_PROCESS_IO_H_

#include <memory>

#include "base/unique_fd.h"

namespace mobula::runtime {
class IoDescriptor;
}  // namespace mobula::runtime

namespace mobula::detail {

// Makes it non-blocking. Throws SystemError if it cannot be waited for, saying
// of what: "a connection to 10.0.0.1:80".
std::shared_ptr<runtime::IoDescriptor> WatchFd(base::UniqueFd fd,
                                               const char* what);

// Whether the loop has a thread now.
[[nodiscard]] bool HasIoThread();

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_CORO_DETAIL_PROCESS_IO_H_
