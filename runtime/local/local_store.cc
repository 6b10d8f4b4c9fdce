#include "runtime/local/local_store.h"

#include <algorithm>
#include <cstddef>
#include <variant>

#include "base/control/control_codec.h"

namespace mobula::runtime {
namespace {

using base::Failure;
using base::FailureCode;

constexpr std::size_t kKeyBytesMax = 1'024;
constexpr std::size_t kValueBytesMax = std::size_t{1} << 20;

std::string InNamespace(const base::ActorRecord& actor) {
  return "'" + actor.name + "' of namespace '" + actor.ns + "'";
}

}  // namespace

base::ControlReply LocalStore::Register(const base::RegisterActor& request) {
  base::ActorRecord actor = request.actor;
  for (const std::string* name : {&actor.ns, &actor.name}) {
    const std::string wrong = base::WrongWithName(*name);
    if (wrong.empty()) continue;
    return base::NotRun(FailureCode::kBadArgument,
                        "\"" + *name + "\" is not a name: " + wrong);
  }
  const auto [holder, is_free] =
      names_.try_emplace(Name(actor.ns, actor.name), actor.actor);
  if (!is_free) {
    const base::ActorRecord& known = actors_.at(holder->second);
    if (request.get_if_exists) return base::ActorAnswer{known, true};
    return base::NotRun(FailureCode::kNameTaken,
                        "the name " + InNamespace(known) +
                            " is held by actor " + known.actor.ToString() +
                            " of class " + known.class_name);
  }
  actor.state = base::ActorState::kPending;
  actor.spec.reset();
  base::ActorAnswer answer{actor, false};
  actors_[actor.actor] = std::move(actor);
  return answer;
}

void LocalStore::Lives(base::ActorId actor, std::int64_t incarnation) {
  const auto found = actors_.find(actor);
  if (found == actors_.end()) return;
  found->second.state = base::ActorState::kAlive;
  found->second.incarnation = incarnation;
}

void LocalStore::Ended(base::ActorId actor) {
  const auto found = actors_.find(actor);
  if (found == actors_.end()) return;
  names_.erase(Name(found->second.ns, found->second.name));
  actors_.erase(found);
}

base::ControlReply LocalStore::Ask(const base::ControlRequest& request) {
  if (const auto* find = std::get_if<base::FindActor>(&request)) {
    return Find(*find);
  }
  if (const auto* put = std::get_if<base::PutKey>(&request)) return Put(*put);
  if (const auto* gone = std::get_if<base::DeleteKey>(&request)) {
    return Delete(*gone);
  }
  if (const auto* get = std::get_if<base::GetKey>(&request)) return Get(*get);
  if (const auto* list = std::get_if<base::ListKeys>(&request)) {
    return List(*list);
  }
  if (const auto* value = std::get_if<base::PublishValue>(&request)) {
    return Publish(*value);
  }
  if (const auto* gone = std::get_if<base::UnpublishValue>(&request)) {
    return Unpublish(*gone);
  }
  if (const auto* find = std::get_if<base::FindPublished>(&request)) {
    return Find(*find);
  }
  return base::NotRun(FailureCode::kBadArgument,
                      "the local mode has names and keys only");
}

base::ControlReply LocalStore::Find(const base::FindActor& request) const {
  base::ActorId id = request.actor;
  if (!request.name.empty()) {
    const auto named = names_.find(Name(request.ns, request.name));
    if (named == names_.end()) {
      return base::NotRun(FailureCode::kNoSuchActor,
                          "no living actor of namespace '" + request.ns +
                              "' has the name '" + request.name + "'");
    }
    id = named->second;
  }
  const auto found = actors_.find(id);
  if (found != actors_.end()) return base::ActorAnswer{found->second, true};
  return base::NotRun(FailureCode::kNoSuchActor,
                      "no actor has the id " + id.ToString());
}

// ---- keys -------------------------------------------------------------------

std::optional<Failure> LocalStore::Conflict(
    const Name& name, std::optional<std::uint64_t> expected) const {
  const auto found = keys_.find(name);
  const std::uint64_t version =
      found == keys_.end() ? 0 : found->second.version;
  if (!expected.has_value() || *expected == version) return std::nullopt;
  return base::NotRun(FailureCode::kConflict,
                      version == 0
                          ? "the key is absent"
                          : "the key is at version " + std::to_string(version) +
                                ", not " + std::to_string(*expected));
}

base::ControlReply LocalStore::Put(const base::PutKey& request) {
  const std::string wrong = base::WrongWithName(request.ns);
  if (!wrong.empty()) {
    return base::NotRun(FailureCode::kBadArgument,
                        "the namespace is not a name: " + wrong);
  }
  if (request.key.empty() || request.key.size() > kKeyBytesMax) {
    return base::NotRun(
        FailureCode::kBadArgument,
        "a key has 1 to " + std::to_string(kKeyBytesMax) + " bytes");
  }
  if (request.value.size() > kValueBytesMax) {
    return base::NotRun(FailureCode::kTooLarge,
                        "the value has " +
                            std::to_string(request.value.size()) +
                            " bytes; at most " +
                            std::to_string(kValueBytesMax) + " are allowed");
  }
  const Name name(request.ns, request.key);
  if (auto conflict = Conflict(name, request.expected)) {
    return *std::move(conflict);
  }
  const auto [found, is_new] = keys_.try_emplace(name);
  base::KeyRecord& record = found->second;
  record.value = request.value;
  record.version = (is_new ? deleted_version_ : record.version) + 1;
  base::KeyAnswer answer;
  answer.version = record.version;
  return answer;
}

base::ControlReply LocalStore::Delete(const base::DeleteKey& request) {
  const Name name(request.ns, request.key);
  if (auto conflict = Conflict(name, request.expected)) {
    return *std::move(conflict);
  }
  base::KeyAnswer answer;
  const auto found = keys_.find(name);
  if (found == keys_.end()) return answer;
  answer.version = found->second.version;
  deleted_version_ = std::max(deleted_version_, answer.version);
  keys_.erase(found);
  return answer;
}

base::ControlReply LocalStore::Get(const base::GetKey& request) const {
  base::KeyAnswer answer;
  const auto found = keys_.find(Name(request.ns, request.key));
  if (found == keys_.end()) return answer;
  answer.value = found->second.value;
  answer.version = found->second.version;
  return answer;
}

base::ControlReply LocalStore::List(const base::ListKeys& request) const {
  base::KeysAnswer answer;
  auto at = keys_.lower_bound(Name(request.ns, request.prefix));
  if (request.after >= request.prefix) {
    at = keys_.upper_bound(Name(request.ns, request.after));
  }
  for (; at != keys_.end(); ++at) {
    const auto& [ns, key] = at->first;
    if (ns != request.ns || !key.starts_with(request.prefix)) break;
    if (answer.keys.size() >= request.count_max) {
      answer.more = true;
      break;
    }
    answer.keys.push_back(key);
  }
  return answer;
}

// ---- published values -------------------------------------------------------

base::ControlReply LocalStore::Publish(const base::PublishValue& request) {
  const base::PublishedRecord& value = request.value;
  for (const std::string* name : {&value.ns, &value.name}) {
    const std::string wrong = base::WrongWithName(*name);
    if (wrong.empty()) continue;
    return base::NotRun(FailureCode::kBadArgument,
                        "\"" + *name + "\" is not a name: " + wrong);
  }
  const Name name(value.ns, value.name);
  if (!request.replace && published_.contains(name)) {
    return base::NotRun(FailureCode::kNameTaken,
                        "the name '" + value.name + "' of namespace '" +
                            value.ns +
                            "' is held by a published value; replace it "
                            "(PublishOptions().Replace()) or Unpublish it");
  }
  published_[name] = value;
  return base::Done();
}

base::ControlReply LocalStore::Unpublish(const base::UnpublishValue& request) {
  const auto found = published_.find(Name(request.ns, request.name));
  if (found == published_.end()) {
    return Find(base::FindPublished{request.ns, request.name});
  }
  base::PublishedAnswer answer{std::move(found->second)};
  published_.erase(found);
  return answer;
}

base::ControlReply LocalStore::Find(const base::FindPublished& request) const {
  const auto found = published_.find(Name(request.ns, request.name));
  if (found != published_.end()) return base::PublishedAnswer{found->second};
  return base::NotRun(FailureCode::kNoSuchObject,
                      "no value is published under the name '" + request.name +
                          "' of namespace '" + request.ns +
                          "'; mobula::Publish does that");
}

}  // namespace mobula::runtime
