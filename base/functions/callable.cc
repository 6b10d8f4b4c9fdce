#include "base/functions/callable.h"

#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "base/functions/near_names.h"

namespace mobula::base {
namespace {

Failure NoSuch(std::string message) {
  return NotRun(FailureCode::kNoSuchFunction, std::move(message));
}

Failure NobodyHasTheName(const FunctionTable& table, std::string_view name) {
  const std::vector<std::string> names = table.Names();
  std::string message =
      "the program that was asked has no function with the "
      "name \"" +
      std::string(name) + "\" (MOBULA_REMOTE)";
  const std::vector<std::string> near = NearNames(name, names);
  if (names.empty()) {
    message += "; it gives no names at all";
  } else if (near.empty()) {
    message += "; it has " + std::to_string(names.size()) +
               " names, none of them near";
  } else {
    message += "; near are";
    for (const std::string& each : near) message += " " + each;
  }
  return NoSuch(std::move(message));
}

}  // namespace

std::optional<Failure> FindCallable(const FunctionTable& table,
                                    const CallTarget& target,
                                    const FunctionEntry** entry) {
  *entry = table.Find(target.function);
  if (*entry != nullptr) return std::nullopt;
  if (!target.called.empty()) return NobodyHasTheName(table, target.called);
  return NoSuch("the program that was asked has no function with the key " +
                target.function.ToString() +
                "; it is another program, or another build of it");
}

std::optional<Failure> Misplaced(const FunctionEntry& entry,
                                 const FunctionEntry* constructor) {
  const std::type_info* const wanted = entry.actor_class;
  if (constructor == nullptr) {
    if (wanted == nullptr) return std::nullopt;
    return NoSuch("it is a method: it can be called on an actor only");
  }
  const std::type_info* const given = constructor->actor_class;
  if (wanted == given) return std::nullopt;
  if (wanted == nullptr || given == nullptr) {
    return NoSuch("it is no method: it can be spawned, not called on an actor");
  }
  if (*wanted == *given) return std::nullopt;
  return NoSuch("it is not a method of the actor's own class, " +
                constructor->name);
}

}  // namespace mobula::base
