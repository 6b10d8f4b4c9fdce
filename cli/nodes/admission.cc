#include "cli/nodes/admission.h"

#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "base/security/credentials.h"
#include "base/security/join_token.h"
#include "base/security/key_pair.h"
#include "base/security/secret_file.h"
#include "base/tls/door_call.h"
#include "base/tls/tls_context.h"

namespace mobula::cli {
namespace {

constexpr std::size_t kFileBytesMax = 65536;
constexpr char kHowToJoin[] =
    ": `mobula token create` on the head makes a token; copy its file here, "
    "and name it by --token-file";

}  // namespace

std::string Admit(const base::ControlAddress& address, std::string token_file,
                  base::Duration patience, std::string* error) {
  if (token_file.empty()) {
    const char* const named = std::getenv("MOBULA_TOKEN_FILE");
    if (named != nullptr) token_file = named;
  }
  std::optional<base::JoinToken> token;
  if (!token_file.empty()) {
    const auto text = base::ReadSecretFile(token_file, kFileBytesMax, error);
    if (!text) return "";
    if (base::ParseCredentials(*text, error)) return token_file;
    token = base::JoinToken::Parse(*text, error);
    if (!token) {
      *error = token_file + ": " + *error;
      return "";
    }
  }
  std::string path = base::CredentialsPath(address.HostAndPort());
  if (path.empty()) {
    *error = "there is no HOME in which credentials could be kept";
    return "";
  }
  const bool is_there = ::access(path.c_str(), F_OK) == 0;
  std::optional<base::Credentials> mine;
  if (is_there) {
    mine = base::ReadCredentials(path, error);
    if (!mine && !token) return "";
  }
  const bool has_ended = mine && mine->own.ends_s() <= base::WallNowS();
  const bool is_other =
      mine && token && mine->authority.Fingerprint() != token->authority;
  if (mine && !has_ended && !is_other) return path;
  if (!token) {
    *error = (has_ended ? "the certificate in " + path + " has expired"
                        : "this machine has not joined " + address.ToString()) +
             kHowToJoin;
    return "";
  }
  const auto given = base::JoinCluster(address, *token, base::KeyPair::Make(),
                                       patience, error);
  return given && base::WriteCredentials(path, *given, error) ? path : "";
}

}  // namespace mobula::cli
