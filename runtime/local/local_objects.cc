#include "runtime/local/local_objects.h"

#include <utility>
#include <variant>

#include "base/check.h"
#include "base/value.h"

namespace mobula::runtime {
namespace {

using base::ObjectId;

// What the value mentions.
void Append(const base::Value& value, std::vector<ObjectId>* mentioned) {
  for (const base::ObjectName& ref : value.refs()) {
    mentioned->push_back(ref.object);
  }
}

std::vector<ObjectId> MentionedBy(const LocalObjects::Settled& settled) {
  std::vector<ObjectId> mentioned;
  const auto* const value = std::get_if<base::Value>(&settled.outcome);
  if (value != nullptr) Append(*value, &mentioned);
  return mentioned;
}

std::vector<ObjectId> MentionedBy(const std::vector<Arg>& args) {
  std::vector<ObjectId> mentioned;
  for (const Arg& arg : args) {
    if (!arg.ref.IsNil()) mentioned.push_back(arg.ref);
    Append(arg.value, &mentioned);
  }
  return mentioned;
}

}  // namespace

void LocalObjects::Expect(ObjectId object) {
  const auto [found, is_new] = objects_.try_emplace(object);
  MOBULA_CHECK(is_new) << "object " << object << " exists";
  found->second.references = 1;
}

void LocalObjects::Add(ObjectId object, Settled settled) {
  Expect(object);
  Settle(object, std::move(settled));
}

void LocalObjects::Put(base::ObjectId object, Settled settled) {
  Add(object, std::move(settled));
  objects_.at(object).put = true;
}

bool LocalObjects::WasPut(base::ObjectId object) const {
  const auto found = objects_.find(object);
  return found != objects_.end() && found->second.put;
}

bool LocalObjects::Hold(ObjectId object) {
  const auto found = objects_.find(object);
  if (found == objects_.end()) return false;
  ++found->second.references;
  return true;
}

void LocalObjects::Release(ObjectId object) { ReleaseAll({object}); }

void LocalObjects::ReleaseAll(std::vector<ObjectId> objects) {
  while (!objects.empty()) {
    const auto found = objects_.find(objects.back());
    objects.pop_back();
    if (found == objects_.end()) continue;
    Object& object = found->second;
    MOBULA_CHECK(object.references > 0);
    if (--object.references > 0) continue;
    if (object.settled.has_value()) {
      const std::vector<ObjectId> inside = MentionedBy(*object.settled);
      objects.insert(objects.end(), inside.begin(), inside.end());
    }
    objects_.erase(found);
  }
}

void LocalObjects::Settle(ObjectId object, Settled settled) {
  const auto found = objects_.find(object);
  if (found == objects_.end()) return;
  MOBULA_CHECK(!found->second.settled.has_value())
      << "object " << object << " has its outcome already";
  for (const ObjectId inside : MentionedBy(settled)) Hold(inside);
  found->second.settled = std::move(settled);
}

void LocalObjects::HoldArgs(const std::vector<Arg>& args) {
  for (const ObjectId object : MentionedBy(args)) Hold(object);
}

void LocalObjects::ReleaseArgs(const std::vector<Arg>& args) {
  ReleaseAll(MentionedBy(args));
}

const LocalObjects::Settled* LocalObjects::Find(ObjectId object) const {
  const auto found = objects_.find(object);
  if (found == objects_.end() || !found->second.settled) return nullptr;
  return &*found->second.settled;
}

bool LocalObjects::IsPending(ObjectId object) const {
  const auto found = objects_.find(object);
  return found != objects_.end() && !found->second.settled;
}

}  // namespace mobula::runtime
