#include "api/mobula/streams/stream_reader.h"

#include <utility>
#include <variant>

#include "api/mobula/detail/calls.h"
#include "api/mobula/detail/handles.h"
#include "api/mobula/detail/session.h"
#include "api/mobula/error.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/process/backend.h"

namespace mobula::detail {

StreamReader::StreamReader(ObjectPtr stream) : stream_(std::move(stream)) {}

StreamReader::~StreamReader() {
  cell_.reset();
  if (runtime::Backend* const backend = stream_->session().backend()) {
    backend->Post(runtime::DropStream{stream_->id()});
  }
}

const ObjectPtr& StreamReader::Cell() {
  runtime::Backend& backend = stream_->session().OpenBackend();
  if (cell_ != nullptr) return cell_;
  const base::ObjectName name{backend.NewId<base::ObjectId>(), backend.self()};
  backend.Post(runtime::StreamNext{stream_->id(), name.object});
  cell_ = std::make_shared<ObjectHandle>(stream_->shared_session(), name);
  return cell_;
}

ObjectPtr StreamReader::Take(base::Outcome outcome) {
  // It holds the item until there is a handle of that.
  const ObjectPtr cell = std::move(cell_);
  if (auto* const failure = std::get_if<base::Failure>(&outcome)) {
    ThrowFailure(std::move(*failure));
  }
  const base::Value& value = std::get<base::Value>(outcome);
  if (value.refs().empty()) return nullptr;
  ObjectPtr item = HoldObject(value.refs().front());
  stream_->session().OpenBackend().Post(runtime::StreamTaken{stream_->id()});
  return item;
}

StreamReader& Checked(const std::unique_ptr<StreamReader>& reader) {
  if (reader == nullptr) {
    ThrowBadArgument("this RefStream is of no generator: it was moved from");
  }
  return *reader;
}

}  // namespace mobula::detail
