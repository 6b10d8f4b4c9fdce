#include "api/compat/ray/values/held_actor.h"

#include <map>
#include <optional>
#include <utility>

#include "api/compat/ray/api/ray_exception.h"
#include "api/compat/ray/values/id_bytes.h"
#include "base/ids.h"

namespace ray::internal {
namespace {

using mobula::detail::ActorAddress;
using mobula::detail::ActorPtr;

constexpr std::size_t kAddressBytes = 2 * kIdBytes + 1;

std::string IdFrom(const ActorPtr& actor) {
  const ActorAddress address = mobula::detail::AddressOf(actor);
  std::string id;
  AppendId(address.actor, &id);
  AppendId(address.owner, &id);
  id.push_back(address.is_detached ? '\1' : '\0');
  return id;
}

ActorPtr Adopt(const std::string& id) {
  ActorAddress address;
  if (id.size() == kAddressBytes) {
    address.actor = ReadId<mobula::base::ActorId>(id, 0);
    address.owner = ReadId<mobula::base::ProcessId>(id, kIdBytes);
    address.is_detached = id.back() != '\0';
  }
  if (address.actor.IsNil()) {
    throw RayException(id.empty() ? "This ActorHandle names no actor."
                                  : "This is no id of an actor.");
  }
  return mobula::detail::AdoptActorAt(address);
}

struct KeptActors {
  mobula::base::Mutex mutex;
  std::map<mobula::base::ActorId, ActorPtr> actors MOBULA_GUARDED_BY(mutex);
};

KeptActors& Kept() {
  static KeptActors& kept = *new KeptActors;  // used at exit too
  return kept;
}

}  // namespace

HeldActor::HeldActor(ActorPtr actor)
    : id_(IdFrom(actor)), actor_(std::move(actor)) {}

HeldActor::HeldActor(std::string id) : id_(std::move(id)) {}

ActorPtr HeldActor::actor() const {
  {
    mobula::base::MutexLock lock(mutex_);
    if (actor_ != nullptr) return actor_;
  }
  ActorPtr adopted = Adopt(id_);
  mobula::base::MutexLock lock(mutex_);
  if (actor_ == nullptr) actor_ = std::move(adopted);
  return actor_;
}

const std::string& IdOf(const HeldActorPtr& held) {
  static const std::string& none = *new std::string;
  return held == nullptr ? none : held->id();
}

void KeepActor(const ActorPtr& actor) {
  mobula::base::MutexLock lock(Kept().mutex);
  Kept().actors.insert_or_assign(mobula::detail::IdOf(actor), actor);
}

void LetActorGo(const ActorPtr& actor) {
  ActorPtr gone;  // its handle's end is not for under the mutex
  mobula::base::MutexLock lock(Kept().mutex);
  const auto it = Kept().actors.find(mobula::detail::IdOf(actor));
  if (it == Kept().actors.end()) return;
  gone = std::move(it->second);
  Kept().actors.erase(it);
}

void LetAllActorsGo() {
  std::map<mobula::base::ActorId, ActorPtr> gone;
  mobula::base::MutexLock lock(Kept().mutex);
  gone.swap(Kept().actors);
}

}  // namespace ray::internal
