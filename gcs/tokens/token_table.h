// TokenTable holds the tokens by which machines join the cluster.
//
//   (none) --Make--> open --Show, right--> open with one use less
//                      \--last use | its time--> over --forgotten
// A token is an id and a secret; of the secret only a hash is kept. Who showed
// it once may show it again, until its time is over: the answer may have been
// lost on its way. `holder` says who that is (the hash of its key).
// Owner: gcs::Core.   Threading: none.
// Invariants: (1) a token makes no more holders than it has uses; (2) a use is
// in Writes of the step that grants it, so that a restart gives none back;
// (3) tokens that are over are remembered, over_max of them, so that who comes
// late learns why.
// Failure: a typed refusal, which changes nothing. That a secret is wrong and
// that there is no such token is one refusal: neither helps who guesses.
#ifndef MOBULA_GCS_TOKENS_TOKEN_TABLE_H_
#define MOBULA_GCS_TOKENS_TOKEN_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/security/join_token.h"
#include "gcs/core/events.h"

namespace mobula::gcs {

struct TokenRecord {
  std::string secret_hash;
  std::int64_t made_ms = 0;  // of the wall clock, as is
  std::int64_t ends_ms = 0;
  std::uint32_t uses_max = 1;
  std::vector<std::string> holders;
};

std::string EncodeToken(const TokenRecord& token);
[[nodiscard]] bool DecodeToken(std::string_view bytes, TokenRecord* token,
                               std::string* error);

class TokenTable {
 public:
  struct Options {
    std::size_t open_max = 1'000;
    std::size_t over_max = 1'000;
    std::uint32_t uses_max = 1'000;  // of one token
    std::int64_t lives_ms_max = std::int64_t{24} * 3600 * 1000;
  };

  explicit TokenTable(Options options) : options_(options) {}

  // False, and why, if it contradicts another.
  [[nodiscard]] bool Restore(base::TokenId id, const TokenRecord& token,
                             std::string* error);

  // kDone or kTooMany; CHECKs nothing of what is asked: it may be nonsense.
  TokenVerdict Make(const MakeToken& asked, std::int64_t wall_ms,
                    Effects& effects);
  TokenVerdict Show(const ShowToken& shown, std::int64_t wall_ms,
                    Effects& effects);

  [[nodiscard]] std::size_t size() const { return tokens_.size(); }
  void CheckInvariants() const;

 private:
  [[nodiscard]] static bool IsOver(const TokenRecord& token,
                                   std::int64_t wall_ms);
  // Of those that are over, all but over_max.
  void Forget(std::int64_t wall_ms, Effects& effects);

  const Options options_;
  std::map<base::TokenId, TokenRecord> tokens_;
  std::set<std::pair<std::int64_t, base::TokenId>> by_end_;
};

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_TOKENS_TOKEN_TABLE_H_
