// ConnectToNode opens the socket on which the raylet of a started node waits
// for drivers of its machine.
//
// Threading: from any thread.
// Failure: a StartError that names the path, and says what to do.
#ifndef MOBULA_RUNTIME_PROCESS_NODE_SOCKET_H_
#define MOBULA_RUNTIME_PROCESS_NODE_SOCKET_H_

#include <string>
#include <variant>

#include "base/unique_fd.h"
#include "runtime/process/start_error.h"

namespace mobula::runtime {

std::variant<base::UniqueFd, StartError> ConnectToNode(const std::string& path);

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_PROCESS_NODE_SOCKET_H_
