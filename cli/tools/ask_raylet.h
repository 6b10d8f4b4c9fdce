// AskRaylet asks a raylet of this machine something: what runs on its node, or
// a question of one's own.
//
//   for (const base::NodeFile& node : LocalNodes(flags)) {
//     auto listing = AskRaylet(node.raylet, std::chrono::seconds(5), &error);
// Threading: blocks the calling thread.
// Failure: a sentence.
#ifndef MOBULA_CLI_TOOLS_ASK_RAYLET_H_
#define MOBULA_CLI_TOOLS_ASK_RAYLET_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/boot_time.h"
#include "base/control/node_file.h"
#include "base/frames/message.h"
#include "cli/tools/store.h"

namespace mobula::cli {

// The nodes of this machine, of the cluster that is meant.
std::vector<base::NodeFile> LocalNodes(const StoreFlags& flags);

// `take` is called with each message that comes, and says which is the last.
// False, and why, if that did not come.
bool AskRaylet(const std::string& socket, base::Message question,
               std::function<bool(base::Message)> take, base::Duration timeout,
               std::string* error);

// `socket` is the path as of NodeFile::raylet.
std::optional<base::LocalListing> AskRaylet(const std::string& socket,
                                            base::Duration timeout,
                                            std::string* error);

// Whether that process is a worker of the node; false, and why, also where the
// raylet does not say so.
bool HasWorker(const std::string& socket, std::int32_t pid, std::string* error);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TOOLS_ASK_RAYLET_H_
