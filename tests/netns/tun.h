// OpenTun plugs a cable into a network namespace: an interface `eth0` there,
// whose packets are read and written here.
//
//   base::UniqueFd tun = OpenTun("/proc/1234/ns/net", addresses, &error);
// One read or write is one packet of IP. The interface goes with the
// descriptor, and takes a reference to the namespace: who ends a machine closes
// this too.
// Needs CAP_NET_ADMIN and CAP_SYS_ADMIN.
// Threading: the calling thread is in that namespace for a moment.
#ifndef MOBULA_TESTS_NETNS_TUN_H_
#define MOBULA_TESTS_NETNS_TUN_H_

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "tests/netns/address.h"

namespace mobula::test {

// Of each packet, with its header.
inline constexpr int kTunBytesMax = 9000;

// Non-blocking; invalid, and why, where it cannot be had.
base::UniqueFd OpenTun(const std::string& network_namespace,
                       const std::vector<Prefixed>& addresses,
                       std::string* error);

}  // namespace mobula::test

#endif  // MOBULA_TESTS_NETNS_TUN_H_
