// Certificate is what an Authority says of somebody's public key: whom it is of
// (NodeIdentity), and from when to when. It may be known to everybody.
//
//   const CertificateFault fault = VerifyCertificate(shown, authority, wanted,
//                                                    now_s);
//   if (fault != CertificateFault::kNone) log << FaultText(fault);
// Threading: immutable, any thread; copies share one.
// Failure: FromPem and FromDer give nothing for bytes that are none; whatever
// else is wrong with one is what VerifyCertificate is for.
#ifndef MOBULA_BASE_SECURITY_CERTIFICATE_H_
#define MOBULA_BASE_SECURITY_CERTIFICATE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/security/key_pair.h"
#include "base/security/node_identity.h"

struct x509_st;  // OpenSSL's X509

namespace mobula::base {

class Certificate {
 public:
  // The first, or all, in the text; nothing if there is none.
  static std::optional<Certificate> FromPem(std::string_view pem);
  static std::vector<Certificate> AllFromPem(std::string_view pem);
  // Takes part in what OpenSSL counts.
  static Certificate Share(x509_st* certificate);

  [[nodiscard]] std::string ToPem() const;
  // SHA-256 of all of it, 64 hex digits.
  [[nodiscard]] std::string Fingerprint() const;
  // As KeyPair::Fingerprint, of the key that it is about.
  [[nodiscard]] std::string KeyFingerprint() const;
  [[nodiscard]] bool IsOf(const KeyPair& key) const;
  // Seconds of the wall clock since 1970.
  [[nodiscard]] std::int64_t begins_s() const;
  [[nodiscard]] std::int64_t ends_s() const;
  // Nothing unless it names one, in one URI.
  [[nodiscard]] std::optional<NodeIdentity> identity() const;

  [[nodiscard]] x509_st* get() const { return certificate_.get(); }

 private:
  explicit Certificate(x509_st* certificate);

  std::shared_ptr<x509_st> certificate_;
};

enum class CertificateFault : std::uint8_t {
  kNone = 0,
  kOtherAuthority,  // of another cluster, most often
  kExpired,
  kNotYetValid,
  kOtherRole,
  kOtherNode,
  kDamaged,  // changed, or made for something else
};

// For people: "it has expired".
std::string FaultText(CertificateFault fault);

// What is wrong with a certificate that is shown for `wanted`, at the time
// `now_s`. `wanted.maker` 0 stands for any node.
CertificateFault VerifyCertificate(const Certificate& shown,
                                   const Certificate& authority,
                                   const NodeIdentity& wanted,
                                   std::int64_t now_s);

}  // namespace mobula::base

#endif  // MOBULA_BASE_SECURITY_CERTIFICATE_H_
