#include "gcs/tokens/token_table.h"

#include <algorithm>

#include "base/check.h"
#include "base/codec/codec.h"
#include "gcs/core/record.h"

namespace mobula::gcs {
namespace {

constexpr std::size_t kHashDigits = 64;
// As many as any table ever allowed.
constexpr std::uint32_t kUsesMax = 1'000;

bool IsHash(std::string_view text) {
  return text.size() == kHashDigits &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// Takes as long whatever differs.
bool SameHash(std::string_view a, std::string_view b) {
  MOBULA_CHECK(a.size() == b.size());
  unsigned differs = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    differs |=
        static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  }
  return differs == 0;
}

void Save(base::TokenId id, const TokenRecord& token, Effects& effects) {
  PutRecord(RecordKey(RecordTable::kToken, id), EncodeToken(token), effects);
}

}  // namespace

std::string EncodeToken(const TokenRecord& token) {
  return base::Encode(token);
}

bool DecodeToken(std::string_view bytes, TokenRecord* token,
                 std::string* error) {
  const auto limits = base::ReadLimits::ForMessage(bytes.size());
  if (!base::Decode(bytes, token, error, limits)) return false;
  const bool can_be =
      IsHash(token->secret_hash) && token->made_ms >= 0 &&
      token->ends_ms >= token->made_ms && token->ends_ms <= kCountMax &&
      token->uses_max >= 1 && token->uses_max <= kUsesMax &&
      token->holders.size() <= token->uses_max &&
      std::all_of(token->holders.begin(), token->holders.end(), IsHash);
  if (!can_be) *error = "a token that says what cannot be";
  return can_be;
}

bool TokenTable::Restore(base::TokenId id, const TokenRecord& token,
                         std::string* error) {
  if (!tokens_.emplace(id, token).second) {
    *error = "token " + id.ToString() + " is there twice";
    return false;
  }
  by_end_.emplace(token.ends_ms, id);
  return true;
}

bool TokenTable::IsOver(const TokenRecord& token, std::int64_t wall_ms) {
  return token.holders.size() >= token.uses_max || wall_ms >= token.ends_ms;
}

TokenVerdict TokenTable::Make(const MakeToken& asked, std::int64_t wall_ms,
                              Effects& effects) {
  const bool makes_sense = !asked.id.IsNil() && IsHash(asked.secret_hash) &&
                           asked.uses >= 1 && asked.uses <= options_.uses_max &&
                           asked.lives_ms >= 1 &&
                           asked.lives_ms <= options_.lives_ms_max;
  if (!makes_sense || tokens_.contains(asked.id)) {
    return TokenVerdict::kMalformed;
  }
  const auto open = std::count_if(
      tokens_.begin(), tokens_.end(),
      [&](const auto& one) { return !IsOver(one.second, wall_ms); });
  if (static_cast<std::size_t>(open) >= options_.open_max) {
    return TokenVerdict::kTooMany;
  }
  TokenRecord& token = tokens_[asked.id];
  token.secret_hash = asked.secret_hash;
  token.made_ms = wall_ms;
  token.ends_ms = wall_ms + asked.lives_ms;
  token.uses_max = asked.uses;
  by_end_.emplace(token.ends_ms, asked.id);
  Save(asked.id, token, effects);
  Forget(wall_ms, effects);
  return TokenVerdict::kDone;
}

TokenVerdict TokenTable::Show(const ShowToken& shown, std::int64_t wall_ms,
                              Effects& effects) {
  if (!IsHash(shown.secret_hash) || !IsHash(shown.holder)) {
    return TokenVerdict::kMalformed;
  }
  const auto known = tokens_.find(shown.id);
  if (known == tokens_.end() ||
      !SameHash(known->second.secret_hash, shown.secret_hash)) {
    return TokenVerdict::kUnknown;
  }
  TokenRecord& token = known->second;
  if (wall_ms >= token.ends_ms) return TokenVerdict::kExpired;
  const bool again = std::find(token.holders.begin(), token.holders.end(),
                               shown.holder) != token.holders.end();
  if (again) return TokenVerdict::kDone;
  if (IsOver(token, wall_ms)) return TokenVerdict::kUsedUp;
  token.holders.push_back(shown.holder);
  Save(shown.id, token, effects);
  return TokenVerdict::kDone;
}

void TokenTable::Forget(std::int64_t wall_ms, Effects& effects) {
  std::vector<base::TokenId> over;  // the first to end first
  for (const auto& [end, id] : by_end_) {
    if (IsOver(tokens_.at(id), wall_ms)) over.push_back(id);
  }
  for (std::size_t i = 0; i + options_.over_max < over.size(); ++i) {
    by_end_.erase({tokens_.at(over[i]).ends_ms, over[i]});
    tokens_.erase(over[i]);
    EraseRecord(RecordKey(RecordTable::kToken, over[i]), effects);
  }
}

void TokenTable::CheckInvariants() const {
  MOBULA_CHECK(by_end_.size() == tokens_.size());
  for (const auto& [id, token] : tokens_) {
    MOBULA_CHECK(by_end_.contains({token.ends_ms, id}));
    MOBULA_CHECK(token.holders.size() <= token.uses_max);
  }
}

}  // namespace mobula::gcs
