// Credentials are what one of a cluster proves with who it is: its key, its
// certificate, and the authority's certificate, by which it knows the others.
// They lie in one file, so that they always belong together.
//
//   const auto mine = ReadCredentials(CredentialsPath("10.0.0.1:6380"),
//   &error);
// Threading: a value; functions of any thread.
// Failure: nothing, and a sentence that says what to do.
#ifndef MOBULA_BASE_SECURITY_CREDENTIALS_H_
#define MOBULA_BASE_SECURITY_CREDENTIALS_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/security/certificate.h"
#include "base/security/key_pair.h"
#include "base/security/node_identity.h"

namespace mobula::base {

struct Credentials {
  KeyPair key;
  Certificate own;
  Certificate authority;

  // Of `own`; checked when they were read.
  [[nodiscard]] NodeIdentity identity() const { return *own.identity(); }
};

// As they lie in the file.
std::string EncodeCredentials(const Credentials& credentials);
std::optional<Credentials> ParseCredentials(std::string_view text,
                                            std::string* error);

std::optional<Credentials> ReadCredentials(const std::string& path,
                                           std::string* error);
// Makes the folder (0700).
[[nodiscard]] bool WriteCredentials(const std::string& path,
                                    const Credentials& credentials,
                                    std::string* error);

// Where this user keeps those for the control store at `address` ("HOST:PORT"):
// ${XDG_STATE_HOME:-$HOME/.local/state}/mobula/credentials/HOST:PORT.pem; ""
// without a home.
std::string CredentialsPath(const std::string& address);

// The file to read: `given`, but where that is empty, or holds a join token (as
// MOBULA_TOKEN_FILE may), CredentialsPath.
std::string ChooseCredentials(const std::string& address,
                              const std::string& given);

}  // namespace mobula::base

#endif  // MOBULA_BASE_SECURITY_CREDENTIALS_H_
