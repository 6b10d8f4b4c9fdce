#include "api/mobula/io/detail/endpoint.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "api/mobula/coro/detail/process_executor.h"
#include "api/mobula/error.h"
#include "api/mobula/io/system_error.h"
#include "api/mobula/sync/event.h"
#include "base/threads/executor.h"

namespace mobula::detail {
namespace {

constexpr std::size_t kEndpointsMax = 16;  // of one host

struct Found {
  int error = 0;  // of getaddrinfo
  std::vector<Endpoint> endpoints;
};

Found LookUp(const std::string& host, std::uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* first = nullptr;
  Found found;
  found.error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(),
                              std::to_string(port).c_str(), &hints, &first);
  if (found.error != 0) return found;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> freed(
      first, &::freeaddrinfo);
  for (const addrinfo* at = first; at != nullptr; at = at->ai_next) {
    if (at->ai_addrlen > sizeof(sockaddr_storage)) continue;
    if (found.endpoints.size() == kEndpointsMax) break;
    Endpoint& endpoint = found.endpoints.emplace_back();
    std::memcpy(&endpoint.storage, at->ai_addr, at->ai_addrlen);
    endpoint.size = at->ai_addrlen;
  }
  return found;
}

[[noreturn]] void ThrowNotFound(const std::string& host, std::uint16_t port,
                                int error) {
  const std::string address = HostAndPort(host, port);
  ThrowNetworkError(
      EHOSTUNREACH,
      "cannot find " + address + " (" + ::gai_strerror(error) + ")", address);
}

// A lookup that nobody may wait for any more.
struct Lookup : base::Work {
  std::string host;
  std::uint16_t port = 0;
  Found found;
  Event done;
  std::shared_ptr<Lookup> self;  // until it has run
};

void RunLookup(base::Work* work) noexcept {
  const std::shared_ptr<Lookup> lookup =
      std::move(static_cast<Lookup*>(work)->self);
  lookup->found = LookUp(lookup->host, lookup->port, AI_ADDRCONFIG);
  lookup->done.Set();
}

void RefuseHost(const std::string& host) {
  if (host.find('\0') == std::string::npos) return;
  ThrowBadArgument("the name of a host has no zero byte in it");
}

}  // namespace

std::uint16_t Endpoint::port() const {
  if (family() == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  }
  if (family() == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
  }
  return 0;
}

std::string Endpoint::ToString() const {
  if (family() == AF_UNIX) {
    const auto* const name = reinterpret_cast<const sockaddr_un*>(&storage);
    const std::size_t offset = offsetof(sockaddr_un, sun_path);
    if (size <= offset) return "";
    const std::string_view path(name->sun_path, size - offset);
    if (path.front() == '\0') return "@" + std::string(path.substr(1));
    return std::string(path.substr(0, path.find('\0')));
  }
  char text[INET6_ADDRSTRLEN] = "";
  const void* address = nullptr;
  if (family() == AF_INET) {
    address = &reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr;
  } else if (family() == AF_INET6) {
    address = &reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr;
  } else {
    return "";
  }
  ::inet_ntop(family(), address, text, sizeof text);
  return HostAndPort(text, port());
}

Endpoint Endpoint::LocalOf(int fd) {
  Endpoint endpoint;
  endpoint.size = sizeof endpoint.storage;
  if (::getsockname(fd, endpoint.get(), &endpoint.size) != 0) return {};
  return endpoint;
}

Endpoint Endpoint::PeerOf(int fd) {
  Endpoint endpoint;
  endpoint.size = sizeof endpoint.storage;
  if (::getpeername(fd, endpoint.get(), &endpoint.size) != 0) return {};
  return endpoint;
}

std::string HostAndPort(const std::string& host, std::uint16_t port) {
  const bool has_colons = host.find(':') != std::string::npos;
  return (has_colons ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Endpoint UnixEndpoint(const std::string& path) {
  Endpoint endpoint;
  auto* const name = reinterpret_cast<sockaddr_un*>(&endpoint.storage);
  name->sun_family = AF_UNIX;
  const bool is_abstract = path.starts_with('@');
  if (path.size() < (is_abstract ? 2U : 1U) ||
      path.find('\0') != std::string::npos) {
    ThrowBadArgument(
        "the path of a Unix socket is not empty and has no zero "
        "byte in it");
  }
  if (path.size() >= sizeof name->sun_path) {
    ThrowBadArgument("the path of a Unix socket has " +
                     std::to_string(sizeof name->sun_path - 1) +
                     " bytes at most, this one " + std::to_string(path.size()) +
                     ": " + path);
  }
  std::memcpy(name->sun_path, path.data(), path.size());
  if (is_abstract) name->sun_path[0] = '\0';
  endpoint.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) +
                                         path.size() + (is_abstract ? 0 : 1));
  return endpoint;
}

std::vector<Endpoint> EndpointsToBind(const std::string& host,
                                      std::uint16_t port) {
  RefuseHost(host);
  Found found = LookUp(host, port, AI_PASSIVE);
  if (found.endpoints.empty()) ThrowNotFound(host, port, found.error);
  return std::move(found.endpoints);
}

Coro<std::vector<Endpoint>> FindEndpoints(std::string host, std::uint16_t port,
                                          Timeout timeout) {
  RefuseHost(host);
  if (host.empty()) ThrowBadArgument("the name of a host is empty");
  Found numeric = LookUp(host, port, AI_NUMERICHOST);
  if (numeric.error == 0) co_return std::move(numeric.endpoints);
  auto lookup = std::make_shared<Lookup>();
  lookup->run = &RunLookup;
  lookup->host = host;
  lookup->port = port;
  lookup->self = lookup;
  BlockingExecutor().Post(lookup.get());
  co_await lookup->done.Wait(timeout);
  if (lookup->found.endpoints.empty()) {
    ThrowNotFound(host, port, lookup->found.error);
  }
  co_return std::move(lookup->found.endpoints);
}

base::UniqueFd MakeSocket(int family, int type) {
  return base::UniqueFd(
      ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

}  // namespace mobula::detail
