// TlsContext is one end's rules for connections between machines: TLS 1.3, its
// own certificate, and whom it talks to.
//
//   auto context = TlsContext::ForStore(credentials, WallNowS);
//   TlsEnd end(*context, /*accepts=*/true);
// Who is meant is said by the certificate's URI, never by a host's name. There
// are no session tickets: each connection proves itself anew.
// Owner: shared by the connections made by it.   Threading: immutable, any.
#ifndef MOBULA_BASE_TLS_TLS_CONTEXT_H_
#define MOBULA_BASE_TLS_TLS_CONTEXT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/security/certificate.h"
#include "base/security/credentials.h"
#include "base/security/node_identity.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace mobula::base {

// Seconds of the wall clock since 1970.
using WallClock = std::function<std::int64_t()>;
std::int64_t WallNowS();

class TlsContext {
 public:
  // What a peer has shown.
  struct Seen {
    std::optional<Certificate> peer;
    std::optional<Certificate> above;  // what that stands on
    CertificateFault fault = CertificateFault::kNone;
  };

  // The control store's end. Who shows a certificate must be a node of the
  // cluster; who shows none is let through the handshake, to join.
  static std::shared_ptr<const TlsContext> ForStore(
      const Credentials& credentials, WallClock clock = WallNowS);
  // A node's, towards the control store of its cluster.
  static std::shared_ptr<const TlsContext> ForNode(
      const Credentials& credentials, WallClock clock = WallNowS);
  // Between nodes of the cluster: of one that is called by any of them, and of
  // one that calls whose certificate names that maker. Both show theirs.
  static std::shared_ptr<const TlsContext> ForNodes(
      const Credentials& credentials, WallClock clock = WallNowS);
  static std::shared_ptr<const TlsContext> ForPeer(
      const Credentials& credentials, std::uint64_t maker,
      WallClock clock = WallNowS);
  // Of one that has no certificate yet, and knows the cluster by the
  // fingerprint of its authority.
  static std::shared_ptr<const TlsContext> ForJoiner(
      ClusterId cluster, std::string authority, WallClock clock = WallNowS);

  [[nodiscard]] ssl_ctx_st* get() const { return context_.get(); }

  // What is wrong with a peer that shows `shown`, and what it stands on.
  [[nodiscard]] CertificateFault Judge(
      const Certificate& shown, const std::optional<Certificate>& above) const;

 private:
  TlsContext(NodeIdentity wanted, WallClock clock);
  void Show(const Credentials& credentials);

  const NodeIdentity wanted_;  // of the peer
  const WallClock clock_;
  std::optional<Certificate> authority_;  // or its fingerprint
  std::string fingerprint_;
  std::shared_ptr<ssl_ctx_st> context_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_TLS_TLS_CONTEXT_H_
