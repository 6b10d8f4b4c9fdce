// PlanLines says where a node's raylet waits for those of other nodes; and
// CertifyHead has the head's own raylet get what it shows them.
//
//   no TLS in the cluster       unix:FOLDER/peers.sock
//   joined by TLS               tls:HOST:0, HOST the address of this machine by
//                               which the control store is reached
//   the head itself             the host of its --listen; where that stands for
//                               each address, the first that is not loopback
//   --node-listen tls:HOST:PORT just that
// Threading: any; CertifyHead blocks.
// Failure: nothing, and a sentence that says what to do.
#ifndef MOBULA_RAYLET_SERVER_LINE_PLAN_H_
#define MOBULA_RAYLET_SERVER_LINE_PLAN_H_

#include <functional>
#include <optional>
#include <string>

#include "base/boot_time.h"
#include "base/control/control_address.h"
#include "base/security/credentials.h"

namespace mobula::raylet {

struct LineRequest {
  std::string folder;  // of the session
  std::string asked;   // --node-listen, "" if it was not
  // Of the control store by TLS, as it is reached or, on the head, as it
  // listens; nothing in a cluster of one machine.
  std::optional<base::ControlAddress> store;
  bool is_head = false;
};

struct LinePlan {
  std::string door;       // NodeLines::Options::door; "": it has no address
  std::string door_host;  // the same
};

std::optional<LinePlan> PlanLines(const LineRequest& request,
                                  std::string* error);

// What `file` has, if that lasts for a while; else what the store signs, which
// is asked over its Unix socket for a token and by TLS for the rest. Until
// `deadline`, and as long as `pause` says true, it is tried again.
std::optional<base::Credentials> CertifyHead(
    const base::ControlAddress& control, const base::ControlAddress& listen,
    const std::string& file, base::BootTime deadline,
    const std::function<bool()>& pause, std::string* error);

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SERVER_LINE_PLAN_H_
