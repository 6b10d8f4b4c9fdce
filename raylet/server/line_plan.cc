#include "raylet/server/line_plan.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/security/join_token.h"
#include "base/security/key_pair.h"
#include "base/tls/door_call.h"
#include "base/tls/tls_context.h"
#include "base/unique_fd.h"

namespace mobula::raylet {
namespace {

using base::ControlAddress;
using base::Credentials;

constexpr std::int64_t kLastsS = 3600;
constexpr base::Duration kAskPatience = std::chrono::seconds(3);

bool IsEach(const std::string& host) {
  return host == "0.0.0.0" || host == "::";
}

std::string HostOf(const sockaddr* name) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* number = nullptr;
  if (name->sa_family == AF_INET) {
    number = &reinterpret_cast<const sockaddr_in*>(name)->sin_addr;
  } else if (name->sa_family == AF_INET6) {
    const auto* const six = reinterpret_cast<const sockaddr_in6*>(name);
    if (IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr)) return "";
    number = &six->sin6_addr;
  } else {
    return "";
  }
  ::inet_ntop(name->sa_family, number, text.data(), text.size());
  return text.data();
}

// The address of this machine from which packets to there would leave; "" if
// there is no way. Nothing is sent.
std::string HostTowards(const ControlAddress& there) {
  const bool six = there.host.find(':') != std::string::npos;
  sockaddr_storage name{};
  socklen_t size = six ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  if (six) {
    auto& to = reinterpret_cast<sockaddr_in6&>(name);
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(there.port);
    ::inet_pton(AF_INET6, there.host.c_str(), &to.sin6_addr);
  } else {
    auto& to = reinterpret_cast<sockaddr_in&>(name);
    to.sin_family = AF_INET;
    to.sin_port = htons(there.port);
    ::inet_pton(AF_INET, there.host.c_str(), &to.sin_addr);
  }
  auto* const raw = reinterpret_cast<sockaddr*>(&name);
  const base::UniqueFd fd(
      ::socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), raw, size) != 0) return "";
  size = sizeof name;
  if (::getsockname(fd.get(), raw, &size) != 0) return "";
  return HostOf(raw);
}

// The first that is not loopback, of IPv4 if there is one.
std::string FirstHost() {
  ifaddrs* raw = nullptr;
  if (::getifaddrs(&raw) != 0) return "";
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> all(raw, ::freeifaddrs);
  std::string found;
  for (const ifaddrs* at = all.get(); at != nullptr; at = at->ifa_next) {
    const bool is_of_use = at->ifa_addr != nullptr &&
                           (at->ifa_flags & IFF_UP) != 0 &&
                           (at->ifa_flags & IFF_LOOPBACK) == 0;
    if (!is_of_use) continue;
    const std::string host = HostOf(at->ifa_addr);
    if (at->ifa_addr->sa_family == AF_INET) return host;
    if (found.empty()) found = host;
  }
  return found;
}

// By which other machines know this one.
std::string HostFor(const LineRequest& request) {
  if (!request.is_head) return HostTowards(*request.store);
  if (!IsEach(request.store->host)) return request.store->host;
  const std::string host = FirstHost();
  return host.empty() ? "127.0.0.1" : host;
}

}  // namespace

std::optional<LinePlan> PlanLines(const LineRequest& request,
                                  std::string* error) {
  if (!request.store) {
    if (request.asked.empty()) {
      return LinePlan{"unix:" + request.folder + "/peers.sock", ""};
    }
    *error =
        "--node-listen is for clusters of several machines: begin the head "
        "with --listen tls:HOST:PORT, and join by --address tls:HOST:PORT";
    return std::nullopt;
  }
  if (request.asked.empty()) {
    ControlAddress door;
    door.host = HostFor(request);
    door.tls = true;
    return LinePlan{door.host.empty() ? "" : door.ToString(), ""};
  }
  const auto asked = ControlAddress::Parse(request.asked, error);
  if (!asked) return std::nullopt;
  if (!asked->tls) {
    *error = "--node-listen is tls:HOST:PORT, and not " + request.asked;
    return std::nullopt;
  }
  return LinePlan{asked->ToString(),
                  IsEach(asked->host) ? HostFor(request) : ""};
}

std::optional<Credentials> CertifyHead(const ControlAddress& control,
                                       const ControlAddress& listen,
                                       const std::string& file,
                                       base::BootTime deadline,
                                       const std::function<bool()>& pause,
                                       std::string* error) {
  auto before = base::ReadCredentials(file, error);
  if (before && before->own.ends_s() > base::WallNowS() + kLastsS) {
    return before;
  }
  while (base::BootNow() < deadline) {
    base::TokenAsked asked;
    asked.lives_s = 60;
    const auto text = base::AskForToken(control, asked, kAskPatience, error);
    const auto token = text ? base::JoinToken::Parse(*text, error)
                            : std::optional<base::JoinToken>();
    auto mine = token ? base::JoinCluster(listen, *token, base::KeyPair::Make(),
                                          kAskPatience, error)
                      : std::nullopt;
    if (mine) {
      if (!base::WriteCredentials(file, *mine, error)) return std::nullopt;
      return mine;
    }
    if (!pause()) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace mobula::raylet
