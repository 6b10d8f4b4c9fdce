#include "base/security/key_pair.h"

#include <openssl/ec.h>
#include <openssl/pem.h>

#include "base/check.h"
#include "base/security/openssl_types.h"

namespace mobula::base {
namespace {

constexpr int kSecurityBits = 128;  // of P-256

// A key in PEM that asks for a password has none of ours.
int NoPassword(char*, int, int, void*) { return -1; }

bool IsP256(EVP_PKEY* key) {
  char group[32] = {};
  std::size_t size = 0;
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
         EVP_PKEY_get_security_bits(key) == kSecurityBits &&
         EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1 &&
         std::string_view(group, size) == SN_X9_62_prime256v1;
}

}  // namespace

KeyPair::KeyPair(EVP_PKEY* key) : key_(key, EVP_PKEY_free) {
  MOBULA_CHECK(key != nullptr);
}

KeyPair KeyPair::Make() {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  MOBULA_CHECK(key != nullptr, "no key could be made");
  return KeyPair(key);
}

std::optional<KeyPair> KeyPair::FromPem(std::string_view pem,
                                        std::string* error) {
  const openssl::Bio bio = openssl::Reading(pem);
  EVP_PKEY* const key =
      PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr);
  ERR_clear_error();
  if (key == nullptr) {
    *error = "there is no private key in it";
    return std::nullopt;
  }
  KeyPair pair(key);
  if (IsP256(key)) return pair;
  *error = "its private key is not of the kind that Mobula makes (P-256)";
  return std::nullopt;
}

std::string KeyPair::ToPem() const {
  const openssl::Bio bio = openssl::Writing();
  MOBULA_CHECK(PEM_write_bio_PrivateKey(bio.get(), key_.get(), nullptr, nullptr,
                                        0, nullptr, nullptr) == 1);
  return openssl::Written(bio);
}

std::string KeyPair::Fingerprint() const {
  return openssl::Sha256Hex(openssl::Der<EVP_PKEY>(i2d_PUBKEY, key_.get()));
}

std::string KeyPair::SigningRequest() const {
  const openssl::Request request(X509_REQ_new());
  MOBULA_CHECK(request != nullptr);
  MOBULA_CHECK(X509_REQ_set_version(request.get(), 0) == 1);
  MOBULA_CHECK(X509_REQ_set_pubkey(request.get(), key_.get()) == 1);
  MOBULA_CHECK(X509_REQ_sign(request.get(), key_.get(), EVP_sha256()) > 0);
  return openssl::Der<X509_REQ>(i2d_X509_REQ, request.get());
}

}  // namespace mobula::base
