#include "api/mobula/detail/handles.h"

#include "runtime/core/events.h"
#include "runtime/process/backend.h"

namespace mobula::detail {

ObjectHandle::~ObjectHandle() {
  if (runtime::Backend* const backend = session_->backend()) {
    backend->Post(runtime::DropObject{id_});
  }
}

ActorHandle::~ActorHandle() {
  if (runtime::Backend* const backend = session_->backend()) {
    backend->Post(runtime::DropActor{id_});
  }
}

}  // namespace mobula::detail
