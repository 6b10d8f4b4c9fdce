// AskRaylet asks a raylet of this machine what runs on its node.
//
//   auto listing = AskRaylet(node.raylet, std::chrono::seconds(5), &error);
// Threading: blocks the calling thread.
// Failure: a sentence.
#ifndef MOBULA_CLI_TOOLS_ASK_RAYLET_H_
#define MOBULA_CLI_TOOLS_ASK_RAYLET_H_

#include <cstdint>
#include <optional>
#include <string>

#include "base/boot_time.h"
#include "base/frames/message.h"

namespace mobula::cli {

// `socket` is the path as of NodeFile::raylet.
std::optional<base::LocalListing> AskRaylet(const std::string& socket,
                                            base::Duration timeout,
                                            std::string* error);

// Whether that process is a worker of the node; false, and why, also where the
// raylet does not say so.
bool HasWorker(const std::string& socket, std::int32_t pid, std::string* error);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TOOLS_ASK_RAYLET_H_
