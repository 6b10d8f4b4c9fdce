#include "tests/sim/ref_handles.h"

#include "base/check.h"

namespace mobula::sim {

void RefHandles::Made(const base::ObjectName& name) {
  Handle& handle = all_[name.object];
  handle.owner = name.owner;
  ++handle.count;
}

void RefHandles::Take(const base::ObjectName& name) {
  Made(name);
  post_(runtime::HoldObject{name});
}

void RefHandles::Let(base::ObjectId object) {
  Forget(object);
  post_(runtime::DropObject{object});
}

void RefHandles::Forget(base::ObjectId object) {
  const auto found = all_.find(object);
  MOBULA_CHECK(found != all_.end(), "a handle is let go twice");
  if (--found->second.count == 0) all_.erase(found);
}

}  // namespace mobula::sim
