// ConnectToNode opens the socket on which the raylet of a started node waits
// for drivers of its machine.
//
// Threading: from any thread.
// Failure: none is valid, and `error` names the path and says what to do.
#ifndef MOBULA_RUNTIME_TRANSPORT_NODE_SOCKET_H_
#define MOBULA_RUNTIME_TRANSPORT_NODE_SOCKET_H_

#include <string>

#include "base/unique_fd.h"

namespace mobula::runtime {

base::UniqueFd ConnectToNode(const std::string& path, std::string* error);

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_TRANSPORT_NODE_SOCKET_H_
