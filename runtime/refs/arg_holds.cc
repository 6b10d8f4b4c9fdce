#include "runtime/refs/arg_holds.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "runtime/refs/inside.h"

namespace mobula::runtime {

ArgHolds::Names ArgHolds::NamesIn(const std::vector<Arg>& args) const {
  Names names;
  for (const Arg& arg : args) {
    if (arg.ref.IsNil()) {
      ForEachMention(arg.value, [&names](const base::ObjectName& name, bool) {
        names.push_back(name);
      });
    } else if (const std::optional<base::ObjectName> name =
                   refs_.NameOf(arg.ref)) {
      names.push_back(*name);
    }
  }
  return names;
}

template <class Map, class Key>
void ArgHolds::HoldFor(Map& map, Key key, const std::vector<Arg>& args) {
  Names names = NamesIn(args);
  if (names.empty()) return;
  for (const base::ObjectName& name : names) refs_.Hold(name);
  const bool is_new = map.emplace(key, std::move(names)).second;
  MOBULA_CHECK(is_new) << "the arguments for " << key << " are held already";
}

template <class Map, class Key>
void ArgHolds::ReleaseFor(Map& map, Key key) {
  const auto found = map.find(key);
  if (found == map.end()) return;
  const Names names = std::move(found->second);
  map.erase(found);
  for (const base::ObjectName& name : names) refs_.Release(name);
}

template <class Map>
ArgHolds::Names ArgHolds::AllIn(const Map& map) {
  std::vector<typename Map::key_type> keys;
  for (const auto& [key, names] : map) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  Names all;
  for (const auto& key : keys) {
    const Names& names = map.at(key);
    all.insert(all.end(), names.begin(), names.end());
  }
  return all;
}

ArgHolds::Names ArgHolds::NamesForCalls() const { return AllIn(of_result_); }

ArgHolds::Names ArgHolds::NamesForActors() const { return AllIn(of_actor_); }

void ArgHolds::Hold(base::ObjectId result, const std::vector<Arg>& args) {
  HoldFor(of_result_, result, args);
}

void ArgHolds::Hold(base::ActorId actor, const std::vector<Arg>& args) {
  HoldFor(of_actor_, actor, args);
}

void ArgHolds::Release(base::ObjectId result) {
  ReleaseFor(of_result_, result);
}

void ArgHolds::Release(base::ActorId actor) { ReleaseFor(of_actor_, actor); }

}  // namespace mobula::runtime
