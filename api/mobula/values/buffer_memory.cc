#include "api/mobula/values/buffer_memory.h"

#include <utility>
#include <variant>

#include "api/mobula/detail/handles.h"
#include "api/mobula/detail/session.h"
#include "api/mobula/error.h"
#include "base/failure.h"
#include "runtime/core/events.h"
#include "runtime/process/backend.h"

namespace mobula::detail {

BufferMemory::BufferMemory(std::size_t byte_count, Timeout timeout)
    : session_(Session::Require()) {
  auto found =
      Place::Find(session_, byte_count, session_->DeadlineAfter(timeout));
  if (auto* const failure = std::get_if<base::Failure>(&found)) {
    ThrowFailure(std::move(*failure));
  }
  place_ = std::get<Place>(std::move(found));
}

ObjectPtr BufferMemory::Seal() {
  if (session_ == nullptr) {
    ThrowBadArgument("Seal of a buffer that was sealed or moved from");
  }
  runtime::Backend& backend = session_->OpenBackend();
  place_.Seal();
  const base::ObjectName name{backend.NewId<base::ObjectId>(), backend.self()};
  auto handle = std::make_shared<ObjectHandle>(std::move(session_), name);
  backend.Post(runtime::Put{name.object, std::move(place_).Finish(name, {})});
  return handle;
}

}  // namespace mobula::detail
