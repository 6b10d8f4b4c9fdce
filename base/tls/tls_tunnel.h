// TlsTunnel is a node's end of connections to its control store, or to another
// node, by TLS: what it wraps looks like a plain socket, and what goes through
// it is secret.
//
//   TlsTunnel tunnel({.credentials_file = path});
//   UniqueFd plain = tunnel.Wrap(std::move(tcp), &error);
// Whatever is wrong with the connection is said over the plain socket as the
// control store's answer to a greeting (base/rpc/greeting.h): gRPC alone would
// say "Socket closed".
// The credentials are read for each connection, so that renewed ones are used.
// Owner: what asks or follows a control store; raylet::NodeLines.   Threading:
// Wrap from any thread; a thread of its own carries the bytes. Failure: Wrap
// gives nothing and says why where the credentials are of no use.
#ifndef MOBULA_BASE_TLS_TLS_TUNNEL_H_
#define MOBULA_BASE_TLS_TLS_TUNNEL_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/tls/tls_context.h"
#include "base/unique_fd.h"

namespace mobula::base {

class TlsTunnel {
 public:
  struct Options {
    std::string credentials_file;
    WallClock clock = WallNowS;
  };

  explicit TlsTunnel(Options options);
  ~TlsTunnel();  // ends all that goes through it
  TlsTunnel(const TlsTunnel&) = delete;
  TlsTunnel& operator=(const TlsTunnel&) = delete;

  // `tcp` is connected or about to be. The result is non-blocking.
  UniqueFd Wrap(UniqueFd tcp, std::string* error);
  // The same, to the door of the node whose certificate names `maker`.
  UniqueFd WrapTo(std::uint64_t maker, UniqueFd tcp, std::string* error);

 private:
  struct Thread;

  // maker 0: the control store.
  UniqueFd Begin(std::uint64_t maker, UniqueFd tcp, std::string* error);

  std::shared_ptr<Thread> thread_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_TLS_TLS_TUNNEL_H_
