#include "runtime/transport/node_socket.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>

#include "base/error_text.h"

namespace mobula::runtime {
namespace {

std::string Refusal(const std::string& path, int error) {
  std::string refusal = base::WithErrorText(
      "cannot connect to the node's agent at " + path, error);
  if (error == ENOENT || error == ECONNREFUSED) {
    refusal +=
        "; the node has ended, or is ending: `mobula status` tells, `mobula "
        "start --head` starts one";
  } else if (error == EACCES || error == EPERM) {
    refusal += "; only the user who started the node may use it";
  }
  return refusal;
}

}  // namespace

base::UniqueFd ConnectToNode(const std::string& path, std::string* error) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    *error = Refusal(path, ENAMETOOLONG);
    return base::UniqueFd();
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  base::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int result = socket.valid() ? 0 : -1;
  if (result == 0) {
    do {
      result = ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address),
                         sizeof(address));
    } while (result != 0 && errno == EINTR);
  }
  if (result == 0) return socket;
  *error = Refusal(path, errno);
  return base::UniqueFd();
}

}  // namespace mobula::runtime
