// CallControl asks a control store one thing and waits for the answer: for
// tools and the janitor.
//
//   ControlReply reply = CallControl(address, token, GetStatus(),
//                                    std::chrono::seconds(5));
//
// It tries again until its time is over where the store is away, or until
// nobody has listened there for `absence`; a mutation is done once however
// often it was sent.
// Threading: blocks the calling thread; any.
// Failure: a Failure as the reply: kControlAway naming the address and what the
// last attempt met, kTimeout, or what the store says.
#ifndef MOBULA_BASE_RPC_CONTROL_CALL_H_
#define MOBULA_BASE_RPC_CONTROL_CALL_H_

#include <string>

#include "base/boot_time.h"
#include "base/control/control_address.h"
#include "base/control/control_request.h"
#include "base/tls/tls_tunnel.h"
#include "base/unique_fd.h"

namespace mobula::base {

// `tunnel`: of a store by TLS, what carries the question there.
ControlReply CallControl(const ControlAddress& address,
                         const std::string& token, ControlRequest request,
                         Duration timeout, Duration absence = Duration::max(),
                         TlsTunnel* tunnel = nullptr);

// One attempt to connect; non-blocking, close-on-exec. `tunnel`: as above.
UniqueFd ConnectControl(const ControlAddress& address, std::string* error,
                        TlsTunnel* tunnel = nullptr);

}  // namespace mobula::base

#endif  // MOBULA_BASE_RPC_CONTROL_CALL_H_
