// RunToken is `mobula token create`: a token by which a machine joins the
// cluster, once, within an hour, or as is said.
//
//   mobula token create [--ttl 1h] [--uses N] [--out FILE] [--show]
// It prints the path of the file (0600) in which the token lies, never the
// token, unless asked to (--show). On the head's machine, by its user.
// Threading: called by main.
// Failure: a sentence on stderr and exit code 1.
#ifndef MOBULA_CLI_TOOLS_TOKEN_H_
#define MOBULA_CLI_TOOLS_TOKEN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/tools/store.h"

namespace mobula::cli {

struct TokenCommand {
  StoreFlags store;
  std::string what;  // "create"
  std::int64_t lives_s = 3600;
  std::uint32_t uses = 1;
  std::string out;  // "": beside the credentials of this user
  bool show = false;
};

int RunToken(const TokenCommand& command);

// "90s", "30m", "1h"; nothing if it is none of these.
std::optional<std::int64_t> ParseSeconds(std::string_view text);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TOOLS_TOKEN_H_
