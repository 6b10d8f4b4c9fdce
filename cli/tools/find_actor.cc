#include "cli/tools/find_actor.h"

#include <string_view>

#include "base/control/control_request.h"
#include "cli/tools/id_matches.h"

namespace mobula::cli {
namespace {

std::optional<base::ActorRecord> ById(const Store& store,
                                      const std::string& beginning,
                                      std::string* error) {
  const auto actors = LivingActors(store, error);
  if (!actors) return std::nullopt;
  IdMatches matches(beginning);
  const base::ActorRecord* found = nullptr;
  for (const base::ActorRecord& actor : *actors) {
    if (matches.Add(actor.actor.ToString(), DescribeActor(actor))) {
      found = &actor;
    }
  }
  if (matches.found().size() == 1) return *found;
  *error = matches.Complaint();
  return std::nullopt;
}

}  // namespace

std::string DescribeActor(const base::ActorRecord& actor) {
  if (actor.name.empty()) return "actor of class " + actor.class_name;
  return "actor " + actor.name + " of class " + actor.class_name;
}

std::optional<std::vector<base::ActorRecord>> LivingActors(const Store& store,
                                                           std::string* error) {
  std::vector<base::ActorRecord> all;
  base::ListActors list;
  while (true) {
    auto part = AskFor<base::ActorsAnswer>(store, list, error);
    if (!part) return std::nullopt;
    all.insert(all.end(), part->actors.begin(), part->actors.end());
    if (!part->more || part->actors.empty()) return all;
    list.after = part->actors.back().actor;
  }
}

std::optional<base::ActorRecord> FindActor(const Store& store,
                                           const std::string& ns,
                                           const std::string& which,
                                           std::string* error) {
  const bool prefixed = which.starts_with(kActorPrefix);
  base::FindActor find;
  find.ns = ns;
  find.name =
      prefixed ? which.substr(std::string_view(kActorPrefix).size()) : which;
  if (find.name.empty()) {
    *error = "which actor? Say its name, as actor:NAME, or its id";
    return std::nullopt;
  }
  auto found = AskFor<base::ActorAnswer>(store, find, error);
  if (found) return std::move(found->actor);
  if (prefixed || !IdMatches::IsBeginning(which)) return std::nullopt;
  error->clear();
  return ById(store, which, error);
}

}  // namespace mobula::cli
