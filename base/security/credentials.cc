#include "base/security/credentials.h"

#include <cstdlib>
#include <utility>
#include <vector>

#include "base/security/join_token.h"
#include "base/security/secret_file.h"

namespace mobula::base {
namespace {

constexpr std::size_t kFileBytesMax = 65536;

}  // namespace

std::string EncodeCredentials(const Credentials& credentials) {
  return credentials.key.ToPem() + credentials.own.ToPem() +
         credentials.authority.ToPem();
}

std::optional<Credentials> ParseCredentials(std::string_view text,
                                            std::string* error) {
  auto key = KeyPair::FromPem(text, error);
  if (!key) return std::nullopt;
  const std::vector<Certificate> all = Certificate::AllFromPem(text);
  if (all.size() != 2) {
    *error = "there are not two certificates in it";
    return std::nullopt;
  }
  Credentials credentials{*std::move(key), all[0], all[1]};
  const auto own = credentials.own.identity();
  const auto above = credentials.authority.identity();
  if (!credentials.own.IsOf(credentials.key) || !own || !above ||
      above->role != ClusterRole::kAuthority ||
      own->cluster != above->cluster) {
    *error = "its key and its certificates do not belong together";
    return std::nullopt;
  }
  return credentials;
}

std::optional<Credentials> ReadCredentials(const std::string& path,
                                           std::string* error) {
  const auto text = ReadSecretFile(path, kFileBytesMax, error);
  if (!text) return std::nullopt;
  std::string why;
  auto credentials = ParseCredentials(*text, &why);
  if (!credentials) {
    *error = path + " holds no credentials of a node: " + why +
             "; join again with a new token";
  }
  return credentials;
}

bool WriteCredentials(const std::string& path, const Credentials& credentials,
                      std::string* error) {
  return MakeSecretFolder(path.substr(0, path.rfind('/')), error) &&
         WriteSecretFile(path, EncodeCredentials(credentials), error);
}

std::string CredentialsPath(const std::string& address) {
  const char* const state = std::getenv("XDG_STATE_HOME");
  const char* const home = std::getenv("HOME");
  std::string folder;
  if (state != nullptr && state[0] == '/') {
    folder = state;
  } else if (home != nullptr && home[0] == '/') {
    folder = std::string(home) + "/.local/state";
  } else {
    return "";
  }
  return folder + "/mobula/credentials/" + address + ".pem";
}

std::string ChooseCredentials(const std::string& address,
                              const std::string& given) {
  std::string ignored;  // whoever reads it will say so
  const bool is_token =
      !given.empty() &&
      JoinToken::IsOne(
          ReadSecretFile(given, kFileBytesMax, &ignored).value_or(""));
  return given.empty() || is_token ? CredentialsPath(address) : given;
}

}  // namespace mobula::base
