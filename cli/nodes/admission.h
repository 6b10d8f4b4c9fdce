// Admission makes this machine one of a cluster that is reached by TLS: with a
// join token, or by the credentials that it has already.
//
//   std::string file = Admit(address, token_file, patience, &error);
// They lie where base::CredentialsPath says, for the tools and programs of this
// user, and for the next start. A token is used only where they are missing,
// have ended, or are of another cluster than the token's.
// Threading: blocks the calling thread.
// Failure: "", and a sentence that says what to do.
#ifndef MOBULA_CLI_NODES_ADMISSION_H_
#define MOBULA_CLI_NODES_ADMISSION_H_

#include <string>

#include "base/boot_time.h"
#include "base/control/control_address.h"

namespace mobula::cli {

// `token_file`: of a token, or of credentials; "": MOBULA_TOKEN_FILE, or none.
std::string Admit(const base::ControlAddress& address, std::string token_file,
                  base::Duration patience, std::string* error);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_NODES_ADMISSION_H_
