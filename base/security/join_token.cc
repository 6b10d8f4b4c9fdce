#include "base/security/join_token.h"

#include <algorithm>
#include <array>

namespace mobula::base {
namespace {

constexpr std::string_view kName = "mobula-join";
constexpr std::string_view kVersion = "1";
constexpr std::size_t kFields = 6;
constexpr std::size_t kHashDigits = 64;

bool IsHash(std::string_view text) {
  return text.size() == kHashDigits &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

std::string JoinToken::ToText() const {
  std::string text(kName);
  for (const std::string& field : {std::string(kVersion), cluster.ToString(),
                                   authority, id.ToString(), secret}) {
    text += ":" + field;
  }
  return text;
}

bool JoinToken::IsOne(std::string_view text) { return text.starts_with(kName); }

std::optional<JoinToken> JoinToken::Parse(std::string_view text,
                                          std::string* error) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  *error = "it is no join token: `mobula token create` on the head makes one";
  if (!IsOne(text) || text.size() > kJoinTokenBytesMax) return std::nullopt;
  std::array<std::string_view, kFields> fields;
  for (std::size_t i = 0; i < kFields; ++i) {
    const std::size_t end = std::min(text.find(':'), text.size());
    fields[i] = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (fields[1] != kVersion) {
    *error = "it is a join token of another version of Mobula";
    return std::nullopt;
  }
  const auto cluster = ClusterId::Parse(fields[2]);
  const auto id = TokenId::Parse(fields[4]);
  if (!text.empty() || !cluster || cluster->IsNil() || !IsHash(fields[3]) ||
      !id || id->IsNil() || !IsHash(fields[5])) {
    *error = "the join token is damaged: copy its file whole";
    return std::nullopt;
  }
  error->clear();
  return JoinToken{*cluster, std::string(fields[3]), *id,
                   std::string(fields[5])};
}

}  // namespace mobula::base
