#include "base/security/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include <ctime>

#include "base/check.h"
#include "base/security/openssl_types.h"

namespace mobula::base {
namespace {

using openssl::Free;

constexpr std::size_t kCertificatesMax = 8;

std::int64_t Seconds(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return ::timegm(&parts);
}

// What OpenSSL says of a chain of two.
CertificateFault CheckChain(const Certificate& shown,
                            const Certificate& authority, bool is_store,
                            std::int64_t now_s) {
  const std::unique_ptr<X509_STORE, Free<&X509_STORE_free>> store(
      X509_STORE_new());
  const std::unique_ptr<X509_STORE_CTX, Free<&X509_STORE_CTX_free>> context(
      X509_STORE_CTX_new());
  MOBULA_CHECK(store != nullptr && context != nullptr);
  MOBULA_CHECK(X509_STORE_add_cert(store.get(), authority.get()) == 1);
  MOBULA_CHECK(X509_STORE_CTX_init(context.get(), store.get(), shown.get(),
                                   nullptr) == 1);
  X509_VERIFY_PARAM* const rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(rules, now_s);
  X509_VERIFY_PARAM_set_depth(rules, 0);  // nothing stands between the two
  X509_VERIFY_PARAM_set_purpose(
      rules, is_store ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT);
  const bool good = X509_verify_cert(context.get()) == 1;
  const int error = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (good) return CertificateFault::kNone;
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return CertificateFault::kExpired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return CertificateFault::kNotYetValid;
    case X509_V_ERR_INVALID_PURPOSE:
      return CertificateFault::kOtherRole;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return CertificateFault::kOtherAuthority;
    default:
      return CertificateFault::kDamaged;
  }
}

}  // namespace

Certificate::Certificate(X509* certificate)
    : certificate_(certificate, X509_free) {
  MOBULA_CHECK(certificate != nullptr);
}

Certificate Certificate::Share(X509* certificate) {
  X509_up_ref(certificate);
  return Certificate(certificate);
}

std::vector<Certificate> Certificate::AllFromPem(std::string_view pem) {
  std::vector<Certificate> all;
  const openssl::Bio bio = openssl::Reading(pem);
  while (all.size() < kCertificatesMax) {
    X509* const one = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr);
    if (one == nullptr) break;
    all.push_back(Certificate(one));
  }
  ERR_clear_error();  // the end of the text is one
  return all;
}

std::optional<Certificate> Certificate::FromPem(std::string_view pem) {
  const std::vector<Certificate> all = AllFromPem(pem);
  if (all.empty()) return std::nullopt;
  return all.front();
}

std::string Certificate::ToPem() const {
  const openssl::Bio bio = openssl::Writing();
  MOBULA_CHECK(PEM_write_bio_X509(bio.get(), certificate_.get()) == 1);
  return openssl::Written(bio);
}

std::string Certificate::Fingerprint() const {
  return openssl::Sha256Hex(openssl::Der<X509>(i2d_X509, certificate_.get()));
}

std::string Certificate::KeyFingerprint() const {
  const EVP_PKEY* const key = X509_get0_pubkey(certificate_.get());
  if (key == nullptr) return "";
  return openssl::Sha256Hex(openssl::Der<EVP_PKEY>(i2d_PUBKEY, key));
}

bool Certificate::IsOf(const KeyPair& key) const {
  return KeyFingerprint() == key.Fingerprint();
}

std::int64_t Certificate::begins_s() const {
  return Seconds(X509_get0_notBefore(certificate_.get()));
}

std::int64_t Certificate::ends_s() const {
  return Seconds(X509_get0_notAfter(certificate_.get()));
}

std::optional<NodeIdentity> Certificate::identity() const {
  const std::unique_ptr<GENERAL_NAMES, Free<&GENERAL_NAMES_free>> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(
          certificate_.get(), NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr || sk_GENERAL_NAME_num(names.get()) != 1) {
    return std::nullopt;
  }
  const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), 0);
  if (name->type != GEN_URI) return std::nullopt;
  const ASN1_IA5STRING* const uri = name->d.uniformResourceIdentifier;
  return NodeIdentity::Parse(std::string_view(
      reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
      static_cast<std::size_t>(ASN1_STRING_length(uri))));
}

std::string FaultText(CertificateFault fault) {
  switch (fault) {
    case CertificateFault::kNone:
      return "nothing is wrong with it";
    case CertificateFault::kOtherAuthority:
      return "it is of another cluster";
    case CertificateFault::kExpired:
      return "it has expired";
    case CertificateFault::kNotYetValid:
      return "it is not valid yet: the clocks of the two machines differ";
    case CertificateFault::kOtherRole:
      return "it is for another role in the cluster";
    case CertificateFault::kOtherNode:
      return "it is of another node";
    case CertificateFault::kDamaged:
      return "it is damaged, or none that a cluster makes";
  }
  MOBULA_CHECK(false, "a fault that is none");
}

CertificateFault VerifyCertificate(const Certificate& shown,
                                   const Certificate& authority,
                                   const NodeIdentity& wanted,
                                   std::int64_t now_s) {
  const CertificateFault fault =
      CheckChain(shown, authority, wanted.role == ClusterRole::kStore, now_s);
  if (fault != CertificateFault::kNone) return fault;
  const auto identity = shown.identity();
  if (!identity) return CertificateFault::kDamaged;
  if (identity->role != wanted.role) return CertificateFault::kOtherRole;
  if (identity->cluster != wanted.cluster) {
    return CertificateFault::kOtherAuthority;
  }
  const bool any = wanted.maker == 0;
  return any || identity->maker == wanted.maker ? CertificateFault::kNone
                                                : CertificateFault::kOtherNode;
}

}  // namespace mobula::base
