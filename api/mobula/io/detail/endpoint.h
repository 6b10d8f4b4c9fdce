// Endpoint is the address of a socket, as the system wants it and as a person
// reads it: "127.0.0.1:80", "[::1]:80", "/run/app.sock". Not for users.
// Threading: values; FindEndpoints from any coroutine. Errors: BadArgument,
// NetworkError (no such host), TimeoutError.
#ifndef MOBULA_API_MOBULA_IO_DETAIL_ENDPOINT_H_
#define MOBULA_API_MOBULA_IO_DETAIL_ENDPOINT_H_

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

#include "api/mobula/coro/coro.h"
#include "api/mobula/timeout.h"
#include "base/unique_fd.h"

namespace mobula::detail {

struct Endpoint {
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
  [[nodiscard]] sockaddr* get() {
    return reinterpret_cast<sockaddr*>(&storage);
  }
  [[nodiscard]] int family() const { return storage.ss_family; }
  // 0 if it has none.
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string ToString() const;

  // Of this end of a socket, and of the other one; "" if it has none.
  static Endpoint LocalOf(int fd);
  static Endpoint PeerOf(int fd);
};

// "host:port", with brackets where the host has colons.
[[nodiscard]] std::string HostAndPort(const std::string& host,
                                      std::uint16_t port);

// Of a path; "@name" is a name outside of the file system.
[[nodiscard]] Endpoint UnixEndpoint(const std::string& path);

// Of a host, to bind to: "" is all addresses. Blocks where it is a name.
[[nodiscard]] std::vector<Endpoint> EndpointsToBind(const std::string& host,
                                                    std::uint16_t port);

// Of a host to connect to. A name is looked up on the blocking pool, which goes
// on with that where the coroutine is stopped.
[[nodiscard]] Coro<std::vector<Endpoint>> FindEndpoints(std::string host,
                                                        std::uint16_t port,
                                                        Timeout timeout);

// Close-on-exec and non-blocking; invalid, and errno, if there is none.
[[nodiscard]] base::UniqueFd MakeSocket(int family, int type);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_IO_DETAIL_ENDPOINT_H_
