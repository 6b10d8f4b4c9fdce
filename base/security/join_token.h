// JoinToken is what a node shows to become one of a cluster: which cluster that
// is, the authority by whose certificate it knows the right door, and a secret.
//
//   mobula-join:1:CLUSTER:AUTHORITY:ID:SECRET        (one line of a file)
// The store keeps a hash of the secret alone, under the id.
// Threading: a value and pure functions.
// Failure: Parse gives nothing and says why, without the token's own words.
#ifndef MOBULA_BASE_SECURITY_JOIN_TOKEN_H_
#define MOBULA_BASE_SECURITY_JOIN_TOKEN_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace mobula::base {

using TokenId = Id<struct TokenTag>;

inline constexpr std::size_t kJoinTokenBytesMax = 512;

struct JoinToken {
  ClusterId cluster;
  std::string authority;  // Certificate::Fingerprint
  TokenId id;
  std::string secret;  // 64 hex digits

  [[nodiscard]] std::string ToText() const;  // a secret
  static std::optional<JoinToken> Parse(std::string_view text,
                                        std::string* error);
  // Whether a file begins as a token does.
  static bool IsOne(std::string_view text);
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SECURITY_JOIN_TOKEN_H_
