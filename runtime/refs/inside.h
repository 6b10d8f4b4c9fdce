// What values refer to: each holder of a value holds one reference to each
// object that is named here, and each message that carries it mentions them.
//
//   ForEachMention(value, [](const ObjectName& name, bool as_ref) { ... });
//   std::vector<ObjectName> held = Inside(object, outcome);
// Threading: pure functions.
#ifndef MOBULA_RUNTIME_REFS_INSIDE_H_
#define MOBULA_RUNTIME_REFS_INSIDE_H_

#include <variant>
#include <vector>

#include "base/failure.h"
#include "base/ids.h"
#include "base/value.h"

namespace mobula::runtime {

// The refs inside, and the object whose bytes these are (`as_ref` is false).
// Names that name nothing are left out.
template <class F>
void ForEachMention(const base::Value& value, F&& each) {
  if (value.is_stored()) each(value.name(), false);
  for (const base::ObjectName& name : value.refs()) {
    if (!name.object.IsNil() && !name.owner.IsNil()) each(name, true);
  }
}

[[nodiscard]] inline std::vector<base::ObjectName> Mentions(
    const std::vector<base::Value>& values) {
  std::vector<base::ObjectName> names;
  for (const base::Value& value : values) {
    ForEachMention(value, [&names](const base::ObjectName& name, bool) {
      names.push_back(name);
    });
  }
  return names;
}

// What the outcome of `object` refers to: not itself, under whose name its
// bytes are stored.
[[nodiscard]] inline std::vector<base::ObjectName> Inside(
    base::ObjectId object, const base::Outcome& outcome) {
  std::vector<base::ObjectName> names;
  const auto* value = std::get_if<base::Value>(&outcome);
  if (value == nullptr) return names;
  ForEachMention(*value, [&](const base::ObjectName& name, bool as_ref) {
    if (as_ref || name.object != object) names.push_back(name);
  });
  return names;
}

[[nodiscard]] inline bool HasRefs(const base::Outcome& outcome) {
  const auto* value = std::get_if<base::Value>(&outcome);
  return value != nullptr && !value->refs().empty();
}

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_REFS_INSIDE_H_
