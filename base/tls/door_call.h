// Asking at a cluster's door: to become one of it, to have a certificate made
// anew, to have a token made (door_message.h).
//
//   auto mine = JoinCluster(address, token, seconds(5), &error);
//   if (mine) WriteCredentials(path, *mine, &error);
// Where the store is away or full, or its answer is lost, JoinCluster asks
// again until its time is over, with the same key, so that the token is spent
// once. Threading: blocks the calling thread, `timeout` at the most. Failure:
// nothing, and a sentence that says what to do; TLS is looked at by this end
// itself, so that it can say whose certificate is wrong, and how.
#ifndef MOBULA_BASE_TLS_DOOR_CALL_H_
#define MOBULA_BASE_TLS_DOOR_CALL_H_

#include <memory>
#include <optional>
#include <string>

#include "base/boot_time.h"
#include "base/control/control_address.h"
#include "base/security/credentials.h"
#include "base/security/join_token.h"
#include "base/security/key_pair.h"
#include "base/tls/door_message.h"
#include "base/tls/tls_context.h"

namespace mobula::base {

std::optional<Credentials> JoinCluster(const ControlAddress& address,
                                       const JoinToken& token,
                                       const KeyPair& key, Duration timeout,
                                       std::string* error);

// With a new key; of the same node.
std::optional<Credentials> RenewCredentials(const ControlAddress& address,
                                            const Credentials& credentials,
                                            Duration timeout,
                                            std::string* error,
                                            WallClock clock = WallNowS);

// Over the store's Unix socket; JoinToken::ToText, a secret.
std::optional<std::string> AskForToken(const ControlAddress& address,
                                       const TokenAsked& asked,
                                       Duration timeout, std::string* error);

// One question over a Unix socket, or over TLS by `context`. `for_good`, where
// it is given: asking again would meet the same.
std::optional<DoorAnswer> AskAtDoor(const ControlAddress& address,
                                    std::shared_ptr<const TlsContext> context,
                                    const DoorQuestion& question,
                                    Duration timeout, std::string* error,
                                    bool* for_good = nullptr);

}  // namespace mobula::base

#endif  // MOBULA_BASE_TLS_DOOR_CALL_H_
