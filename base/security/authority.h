// Authority signs the certificates of one cluster: of its control store and of
// its nodes.
//
//   auto authority = Authority::Open(DIR + "/ca", cluster, now_s, &error);
//   const auto certificate = authority->Sign(request, whom, {now_s, 24 * 3600},
//                                            &error);
//
//   FOLDER/ca.key (0600)   who has it can make anybody a node of the cluster
//   FOLDER/ca.pem          its certificate: whoever trusts it trusts the
//   cluster
// Owner: the control store's process.   Threading: immutable, any thread.
// Failure: nothing, and a sentence: files of others, of another cluster, or
// that do not belong together are refused, never replaced.
#ifndef MOBULA_BASE_SECURITY_AUTHORITY_H_
#define MOBULA_BASE_SECURITY_AUTHORITY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/security/certificate.h"
#include "base/security/key_pair.h"
#include "base/security/node_identity.h"

namespace mobula::base {

// From when, and for how many seconds of the wall clock.
struct Validity {
  std::int64_t now_s = 0;
  std::int64_t lives_s = 0;
};

class Authority {
 public:
  // Of clocks that differ: certificates begin so much earlier.
  static constexpr std::int64_t kClockSkewS = 300;
  static constexpr std::int64_t kLivesS = std::int64_t{3650} * 24 * 3600;

  static Authority Make(ClusterId cluster, std::int64_t now_s);
  // Makes it, with its folder (0700), where nothing is.
  static std::optional<Authority> Open(const std::string& folder,
                                       ClusterId cluster, std::int64_t now_s,
                                       std::string* error);

  [[nodiscard]] const Certificate& certificate() const { return certificate_; }
  [[nodiscard]] ClusterId cluster() const { return cluster_; }
  // Of a key that the caller made.
  [[nodiscard]] Certificate Issue(const KeyPair& key, const NodeIdentity& whom,
                                  Validity validity) const;
  // Of the key of a request from outside (KeyPair::SigningRequest).
  [[nodiscard]] std::optional<Certificate> Sign(std::string_view request,
                                                const NodeIdentity& whom,
                                                Validity validity,
                                                std::string* error) const;

 private:
  Authority(ClusterId cluster, KeyPair key, Certificate certificate)
      : cluster_(cluster),
        key_(std::move(key)),
        certificate_(std::move(certificate)) {}

  ClusterId cluster_;
  KeyPair key_;
  Certificate certificate_;
};

// KeyPair::Fingerprint of the key of such a request; "" if it is none.
std::string RequestFingerprint(std::string_view request);

}  // namespace mobula::base

#endif  // MOBULA_BASE_SECURITY_AUTHORITY_H_
