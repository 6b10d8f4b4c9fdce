#include "api/mobula/detail/handles.h"

#include "runtime/core/events.h"
#include "runtime/process/backend.h"

namespace mobula::detail {

ObjectHandle::~ObjectHandle() {
  if (runtime::Backend* const backend = session_->backend()) {
    backend->Post(runtime::DropObject{name_.object});
  }
}

ActorHandle::~ActorHandle() {
  if (runtime::Backend* const backend = session_->backend()) {
    backend->Post(runtime::DropActor{id_});
  }
}

}  // namespace mobula::detail
