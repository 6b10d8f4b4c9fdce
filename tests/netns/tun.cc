#include "tests/netns/tun.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/error_text.h"

namespace mobula::test {
namespace {

using base::UniqueFd;
using base::WithErrorText;

constexpr char kName[] = "eth0";
constexpr int kQueue = 2000;  // packets that wait for the switch

// Of <linux/ipv6.h>, which cannot be included beside <netinet/in.h>.
struct Version6Request {
  in6_addr address;
  std::uint32_t bits;
  int interface;
};

ifreq Named() {
  ifreq request{};
  std::copy(std::begin(kName), std::end(kName), request.ifr_name);
  return request;
}

sockaddr Socket4(std::uint32_t address) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = address;
  sockaddr any{};
  static_assert(sizeof in == sizeof any);
  std::memcpy(&any, &in, sizeof in);
  return any;
}

bool Give4(int socket, const Prefixed& prefixed) {
  std::uint32_t address = 0;
  std::memcpy(&address, prefixed.address.bytes.data() + 12, sizeof address);
  ifreq request = Named();
  request.ifr_addr = Socket4(address);
  if (ioctl(socket, SIOCSIFADDR, &request) != 0) return false;
  request.ifr_netmask =
      Socket4(htonl(~std::uint32_t{0} << (32 - prefixed.bits)));
  return ioctl(socket, SIOCSIFNETMASK, &request) == 0;
}

bool Give6(const Prefixed& prefixed) {
  const UniqueFd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = Named();
  if (ioctl(socket.get(), SIOCGIFINDEX, &request) != 0) return false;
  Version6Request version6{};
  std::memcpy(&version6.address, prefixed.address.bytes.data(), 16);
  version6.bits = static_cast<std::uint32_t>(prefixed.bits);
  version6.interface = request.ifr_ifindex;
  return ioctl(socket.get(), SIOCSIFADDR, &version6) == 0;
}

// Length of packets, up, and its addresses.
bool Configure(const std::vector<Prefixed>& addresses) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = Named();
  request.ifr_mtu = kTunBytesMax;
  if (ioctl(socket.get(), SIOCSIFMTU, &request) != 0) return false;
  request = Named();
  request.ifr_qlen = kQueue;
  if (ioctl(socket.get(), SIOCSIFTXQLEN, &request) != 0) return false;
  request = Named();
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) return false;
  for (const Prefixed& address : addresses) {
    const bool given = address.address.IsVersion4()
                           ? Give4(socket.get(), address)
                           : Give6(address);
    if (!given) return false;
  }
  return true;
}

UniqueFd Open(const std::vector<Prefixed>& addresses, std::string* error) {
  UniqueFd tun(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!tun.valid()) {
    *error = WithErrorText("cannot open /dev/net/tun (modprobe tun)");
    return {};
  }
  ifreq request = Named();
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (ioctl(tun.get(), TUNSETIFF, &request) != 0) {
    *error = WithErrorText("cannot make an interface");
    return {};
  }
  if (!Configure(addresses)) {
    *error = WithErrorText("cannot give it its address");
    return {};
  }
  return tun;
}

}  // namespace

UniqueFd OpenTun(const std::string& network_namespace,
                 const std::vector<Prefixed>& addresses, std::string* error) {
  const UniqueFd here(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  const UniqueFd there(open(network_namespace.c_str(), O_RDONLY | O_CLOEXEC));
  if (!here.valid() || !there.valid()) {
    *error = WithErrorText("cannot open " + network_namespace);
    return {};
  }
  if (setns(there.get(), CLONE_NEWNET) != 0) {
    *error = WithErrorText("cannot enter " + network_namespace +
                           ", which needs root");
    return {};
  }
  UniqueFd tun = Open(addresses, error);
  MOBULA_CHECK(setns(here.get(), CLONE_NEWNET) == 0);
  return tun;
}

}  // namespace mobula::test
