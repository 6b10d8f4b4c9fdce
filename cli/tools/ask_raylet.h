// AskRaylet asks a raylet of this machine what runs on its node.
//
//   auto listing = AskRaylet(node.raylet, std::chrono::seconds(5), &error);
// Threading: blocks the calling thread.
// Failure: a sentence.
#ifndef MOBULA_CLI_TOOLS_ASK_RAYLET_H_
#define MOBULA_CLI_TOOLS_ASK_RAYLET_H_

#include <optional>
#include <string>

#include "base/boot_time.h"
#include "base/frames/message.h"

namespace mobula::cli {

// `socket` is the path as of NodeFile::raylet.
std::optional<base::LocalListing> AskRaylet(const std::string& socket,
                                            base::Duration timeout,
                                            std::string* error);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TOOLS_ASK_RAYLET_H_
