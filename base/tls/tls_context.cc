#include "base/tls/tls_context.h"

#include <openssl/ssl.h>

#include <ctime>
#include <utility>

#include "base/check.h"
#include "base/security/openssl_types.h"

namespace mobula::base {
namespace {

// By which the other end learns, as an alert, what is wrong.
int VerifyError(CertificateFault fault) {
  switch (fault) {
    case CertificateFault::kNone:
      return X509_V_OK;
    case CertificateFault::kOtherAuthority:
      return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
    case CertificateFault::kExpired:
      return X509_V_ERR_CERT_HAS_EXPIRED;
    case CertificateFault::kNotYetValid:
      return X509_V_ERR_CERT_NOT_YET_VALID;
    case CertificateFault::kOtherRole:
    case CertificateFault::kOtherNode:
      return X509_V_ERR_INVALID_PURPOSE;
    case CertificateFault::kDamaged:
      return X509_V_ERR_CERT_REJECTED;
  }
  return X509_V_ERR_UNSPECIFIED;
}

// Called within the handshake, in place of OpenSSL's own check.
int JudgePeer(X509_STORE_CTX* store, void* context) {
  SSL* const ssl = static_cast<SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* const seen = static_cast<TlsContext::Seen*>(SSL_get_app_data(ssl));
  X509* const shown = X509_STORE_CTX_get0_cert(store);
  MOBULA_CHECK(seen != nullptr && shown != nullptr);
  seen->peer = Certificate::Share(shown);
  STACK_OF(X509)* const chain = X509_STORE_CTX_get0_untrusted(store);
  constexpr int kChainMax = 4;
  for (int i = 1; chain != nullptr && i < sk_X509_num(chain); ++i) {
    if (i >= kChainMax) break;
    seen->above = Certificate::Share(sk_X509_value(chain, i));
  }
  seen->fault =
      static_cast<const TlsContext*>(context)->Judge(*seen->peer, seen->above);
  X509_STORE_CTX_set_error(store, VerifyError(seen->fault));
  return seen->fault == CertificateFault::kNone ? 1 : 0;
}

std::shared_ptr<SSL_CTX> NewContext() {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_method()), SSL_CTX_free);
  SSL_CTX* const raw = context.get();
  MOBULA_CHECK(raw != nullptr, "OpenSSL has no TLS");
  MOBULA_CHECK(SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION) == 1);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_options(
      raw, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  return context;
}

}  // namespace

std::int64_t WallNowS() { return ::time(nullptr); }

TlsContext::TlsContext(NodeIdentity wanted, WallClock clock)
    : wanted_(wanted), clock_(std::move(clock)), context_(NewContext()) {
  SSL_CTX_set_cert_verify_callback(context_.get(), JudgePeer, this);
}

void TlsContext::Show(const Credentials& credentials) {
  SSL_CTX* const raw = context_.get();
  MOBULA_CHECK(SSL_CTX_use_certificate(raw, credentials.own.get()) == 1);
  MOBULA_CHECK(SSL_CTX_use_PrivateKey(raw, credentials.key.get()) == 1);
  // For those who know its fingerprint alone.
  MOBULA_CHECK(SSL_CTX_add1_chain_cert(raw, credentials.authority.get()) == 1);
  authority_ = credentials.authority;
}

std::shared_ptr<const TlsContext> TlsContext::ForStore(
    const Credentials& credentials, WallClock clock) {
  const NodeIdentity any{credentials.identity().cluster, ClusterRole::kNode, 0};
  std::shared_ptr<TlsContext> context(new TlsContext(any, std::move(clock)));
  context->Show(credentials);
  SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

std::shared_ptr<const TlsContext> TlsContext::ForNode(
    const Credentials& credentials, WallClock clock) {
  const NodeIdentity store{credentials.identity().cluster, ClusterRole::kStore,
                           0};
  std::shared_ptr<TlsContext> context(new TlsContext(store, std::move(clock)));
  context->Show(credentials);
  SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

std::shared_ptr<const TlsContext> TlsContext::ForNodes(
    const Credentials& credentials, WallClock clock) {
  const NodeIdentity any{credentials.identity().cluster, ClusterRole::kNode, 0};
  std::shared_ptr<TlsContext> context(new TlsContext(any, std::move(clock)));
  context->Show(credentials);
  SSL_CTX_set_verify(context->get(),
                     SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     nullptr);
  return context;
}

std::shared_ptr<const TlsContext> TlsContext::ForPeer(
    const Credentials& credentials, std::uint64_t maker, WallClock clock) {
  MOBULA_CHECK(maker != 0, "0 stands for any node");
  const NodeIdentity one{credentials.identity().cluster, ClusterRole::kNode,
                         maker};
  std::shared_ptr<TlsContext> context(new TlsContext(one, std::move(clock)));
  context->Show(credentials);
  SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

std::shared_ptr<const TlsContext> TlsContext::ForJoiner(ClusterId cluster,
                                                        std::string authority,
                                                        WallClock clock) {
  const NodeIdentity store{cluster, ClusterRole::kStore, 0};
  std::shared_ptr<TlsContext> context(new TlsContext(store, std::move(clock)));
  context->fingerprint_ = std::move(authority);
  SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

CertificateFault TlsContext::Judge(
    const Certificate& shown, const std::optional<Certificate>& above) const {
  if (authority_) {
    return VerifyCertificate(shown, *authority_, wanted_, clock_());
  }
  if (!above || above->Fingerprint() != fingerprint_) {
    return CertificateFault::kOtherAuthority;
  }
  return VerifyCertificate(shown, *above, wanted_, clock_());
}

}  // namespace mobula::base
