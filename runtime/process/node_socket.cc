#include "runtime/process/node_socket.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace mobula::runtime {
namespace {

StartError Refused(const std::string& path, int error) {
  StartError refused;
  refused.code = StartError::Code::kSystem;
  refused.message = "cannot connect to the node's agent at " + path + ": " +
                    std::generic_category().message(error);
  if (error == ENOENT || error == ECONNREFUSED) {
    refused.message +=
        "; the node has ended, or is ending: `mobula status` tells, `mobula "
        "start --head` starts one";
  } else if (error == EACCES || error == EPERM) {
    refused.message += "; only the user who started the node may use it";
  }
  return refused;
}

}  // namespace

std::variant<base::UniqueFd, StartError> ConnectToNode(
    const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return Refused(path, ENAMETOOLONG);
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  base::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return Refused(path, errno);
  int result = 0;
  do {
    result = ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address),
                       sizeof(address));
  } while (result != 0 && errno == EINTR);
  if (result != 0) return Refused(path, errno);
  return socket;
}

}  // namespace mobula::runtime
