#include "api/compat/ray/values/packed_refs.h"

#include <string>
#include <utility>

namespace ray::internal {
namespace {

thread_local PackedRefs* innermost = nullptr;

}  // namespace

PackedRefs::PackedRefs(std::vector<HeldPtr> objects)
    : before_(std::exchange(innermost, this)), objects_(std::move(objects)) {}

PackedRefs::~PackedRefs() { innermost = before_; }

void PackedRefs::Note(const HeldPtr& object) {
  if (innermost != nullptr) innermost->objects_.push_back(object);
}

HeldPtr PackedRefs::Find(const std::string& id) {
  if (innermost == nullptr) return nullptr;
  for (const HeldPtr& object : innermost->objects_) {
    if (object->id() == id) return object;
  }
  return nullptr;
}

}  // namespace ray::internal
