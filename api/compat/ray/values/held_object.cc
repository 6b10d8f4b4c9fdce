#include "api/compat/ray/values/held_object.h"

#include <utility>

#include "api/compat/ray/values/id_bytes.h"
#include "api/mobula/detail/handles.h"
#include "api/mobula/detail/session.h"
#include "base/value.h"

namespace ray::internal {
namespace {

mobula::detail::ObjectPtr Hold(const std::string& id) {
  mobula::base::ObjectName name;
  if (id.size() != 2 * kIdBytes ||
      mobula::detail::Session::Current() == nullptr) {
    return nullptr;
  }
  name.object = ReadId<mobula::base::ObjectId>(id, 0);
  name.owner = ReadId<mobula::base::ProcessId>(id, kIdBytes);
  if (name.object.IsNil() || name.owner.IsNil()) return nullptr;
  return mobula::detail::HoldObject(name);
}

}  // namespace

HeldObject::HeldObject(mobula::detail::ObjectPtr object)
    : object_(std::move(object)) {}

HeldObject::HeldObject(std::string id)
    : object_(Hold(id)), id_(std::move(id)) {}

const std::string& HeldObject::id() const {
  if (object_ == nullptr) return id_;
  std::call_once(is_named_, [this] {
    if (!id_.empty()) return;
    AppendId(object_->name().object, &id_);
    AppendId(object_->name().owner, &id_);
  });
  return id_;
}

const std::string& IdOf(const HeldPtr& held) {
  static const std::string& none = *new std::string;
  return held == nullptr ? none : held->id();
}

bool IsSame(const HeldPtr& a, const HeldPtr& b) {
  return a == b || IdOf(a) == IdOf(b);
}

}  // namespace ray::internal
