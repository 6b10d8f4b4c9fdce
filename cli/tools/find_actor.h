// Actors that the control store knows, as people name them.
//
//   auto actor = FindActor(store, "default", "counter", &error);
// Threading: blocks the calling thread.
// Failure: a sentence, which names the candidates where there are several.
#ifndef MOBULA_CLI_TOOLS_FIND_ACTOR_H_
#define MOBULA_CLI_TOOLS_FIND_ACTOR_H_

#include <optional>
#include <string>
#include <vector>

#include "base/control/records.h"
#include "cli/tools/store.h"

namespace mobula::cli {

inline constexpr char kActorPrefix[] = "actor:";

// "actor counter of class Counter".
std::string DescribeActor(const base::ActorRecord& actor);

// Every one that is not dead.
std::optional<std::vector<base::ActorRecord>> LivingActors(const Store& store,
                                                           std::string* error);

// By its name ("counter", "actor:counter"), else by its id or the beginning of
// it.
std::optional<base::ActorRecord> FindActor(const Store& store,
                                           const std::string& ns,
                                           const std::string& which,
                                           std::string* error);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TOOLS_FIND_ACTOR_H_
