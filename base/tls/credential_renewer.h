// CredentialRenewer has a node's certificate made anew before it ends, and
// writes it into the file from which it is read for each connection.
//
//   CredentialRenewer renewer({.address = store, .file = path});
// It asks by the certificate that it has; where the control store is away,
// again and again (Renewal). One that has ended cannot be renewed: then the
// node joins again, with a token. Owner: what holds a TlsTunnel for long.
// Threading: on a thread of its own, callbacks too. Failure: it is logged, and
// tried again.
#ifndef MOBULA_BASE_TLS_CREDENTIAL_RENEWER_H_
#define MOBULA_BASE_TLS_CREDENTIAL_RENEWER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/boot_time.h"
#include "base/control/control_address.h"
#include "base/security/renewal.h"
#include "base/strand.h"
#include "base/tls/tls_context.h"

namespace mobula::base {

class CredentialRenewer {
 public:
  struct Options {
    ControlAddress address;
    std::string file;
    WallClock clock = WallNowS;
    // The wall clock may be set: it is looked at so often.
    Duration look = std::chrono::seconds(60);
    // For who wants to know: until when there is one now.
    std::function<void(std::int64_t ends_s)> on_renewed = nullptr;
  };

  explicit CredentialRenewer(Options options);
  ~CredentialRenewer();  // after the question that is under way
  CredentialRenewer(const CredentialRenewer&) = delete;
  CredentialRenewer& operator=(const CredentialRenewer&) = delete;

 private:
  void Look();
  void Renew(std::int64_t now_s);

  const Options options_;
  std::optional<Renewal> renewal_;
  std::int64_t ends_s_ = 0;  // of what renewal_ is about
  Strand strand_{"mobula-renew"};
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_TLS_CREDENTIAL_RENEWER_H_
