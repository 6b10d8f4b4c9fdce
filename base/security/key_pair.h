// KeyPair is a private key with its public half: ECDSA on P-256.
//
//   const KeyPair key = KeyPair::Make();
//   std::string request = key.SigningRequest();     // for an Authority
// Owner: whoever proves with it who it is; copies share one key.
// Threading: immutable, any thread.
// Failure: FromPem gives nothing and says why; no memory is a CHECK.
#ifndef MOBULA_BASE_SECURITY_KEY_PAIR_H_
#define MOBULA_BASE_SECURITY_KEY_PAIR_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace mobula::base {

class KeyPair {
 public:
  static KeyPair Make();
  // Only what ToPem wrote: P-256, not encrypted.
  static std::optional<KeyPair> FromPem(std::string_view pem,
                                        std::string* error);

  // A secret.
  [[nodiscard]] std::string ToPem() const;
  // SHA-256 of the public half, 64 hex digits.
  [[nodiscard]] std::string Fingerprint() const;
  // A certificate signing request (DER), which proves that who sends it has the
  // private half. It names nobody: who signs decides that.
  [[nodiscard]] std::string SigningRequest() const;

  [[nodiscard]] evp_pkey_st* get() const { return key_.get(); }

 private:
  explicit KeyPair(evp_pkey_st* key);

  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SECURITY_KEY_PAIR_H_
