#include <string>
#include <string_view>

#include "gcs/core/core_state.h"
#include "gcs/core/record.h"

namespace mobula::gcs {
#ifdef MOBULA_PLANTS
inline namespace planted {
#endif

bool Core::State::RestoreToken(std::string_view key, std::string_view value,
                               std::string* error) {
  const auto id = ParseRecordKey<base::TokenId>(key);
  TokenRecord token;
  *error = "a key that none of ours writes";
  return id.has_value() && DecodeToken(value, &token, error) &&
         tokens.Restore(*id, token, error);
}

void Core::State::OnMakeToken(const MakeToken& asked, Turn& turn) {
  const TokenVerdict verdict =
      is_disk_full ? TokenVerdict::kDiskFull
                   : tokens.Make(asked, turn.wall_ms, turn.effects);
  turn.answers.emplace_back(TokenAnswer{asked.call, verdict});
}

// A use is small and counts: it is written into the log's reserve, too.
void Core::State::OnShowToken(const ShowToken& shown, Turn& turn) {
  const TokenVerdict verdict =
      shown.cluster != options.cluster
          ? TokenVerdict::kOtherCluster
          : tokens.Show(shown, turn.wall_ms, turn.effects);
  turn.answers.emplace_back(TokenAnswer{shown.call, verdict});
}

#ifdef MOBULA_PLANTS
}  // namespace planted
#endif
}  // namespace mobula::gcs
