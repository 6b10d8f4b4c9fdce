#include "api/mobula/published/publish_calls.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "api/mobula/detail/ask_control.h"
#include "api/mobula/detail/session.h"
#include "api/mobula/error.h"
#include "api/mobula/timeout.h"
#include "api/mobula/values/buffer_memory.h"
#include "api/mobula/values/put_options.h"
#include "base/control/control_request.h"
#include "base/control/object_records.h"
#include "base/failure.h"
#include "base/value.h"
#include "runtime/process/backend.h"

namespace mobula::detail {
namespace {

std::string NamespaceOf(const runtime::Backend& backend,
                        const std::string& ns) {
  return ns.empty() ? backend.home().ns : ns;
}

// What there is to be published.
base::Value AwaitPublishable(const ObjectPtr& object, Timeout timeout) {
  base::Value value = AwaitValue(object, timeout);
  if (value.refs().empty()) return value;
  ThrowBadArgument(
      "a value with Refs inside cannot be published: they end with the "
      "processes that own them; publish what they refer to, each under a name "
      "of its own");
}

void CheckDurable(const base::Value& value) {
  if (value.size() <= base::kDurableBytesMax) return;
  ThrowFailure(base::NotRun(
      base::FailureCode::kTooLarge,
      base::TooLargeToPublish(value.size(), base::kDurableBytesMax)));
}

// An object of this process with these bytes.
ObjectPtr Own(std::string_view encoded) {
  BufferMemory memory(encoded.size(), kStoreTimeout);
  std::copy(encoded.begin(), encoded.end(), memory.bytes().begin());
  return memory.Seal();
}

}  // namespace

void PublishObject(std::string_view name, const ObjectPtr& object,
                   std::string_view type, const PublishOptions& options) {
  const std::shared_ptr<Session> session = Session::Require();
  runtime::Backend& backend = session->OpenBackend();
  const PublishOptions::Values& wanted = options.values();
  const Deadline deadline(wanted.timeout.value_or(Timeout()));
  const base::Value value = AwaitPublishable(object, deadline.Left());
  if (wanted.durable) CheckDurable(value);
  base::PublishValue request;
  request.replace = wanted.replace;
  request.value.ns = NamespaceOf(backend, wanted.ns);
  request.value.name = name;
  request.value.type = type;
  request.value.value = value.bytes();
  request.value.byte_count = value.size();
  request.value.job = backend.home().job;
  const base::Duration patience = wanted.timeout.has_value()
                                      ? deadline.Left().nanoseconds()
                                      : kControlPatience;
  AskControl<base::Done>(backend, std::move(request), patience);
}

ObjectPtr LookupObject(std::string_view name, const std::string& ns) {
  const std::shared_ptr<Session> session = Session::Require();
  runtime::Backend& backend = session->OpenBackend();
  base::FindPublished find;
  find.ns = NamespaceOf(backend, ns);
  find.name = name;
  const auto answer =
      AskControl<base::PublishedAnswer>(backend, std::move(find));
  return Own(answer.value.value.view());
}

bool UnpublishName(std::string_view name, const std::string& ns) {
  const std::shared_ptr<Session> session = Session::Require();
  runtime::Backend& backend = session->OpenBackend();
  base::UnpublishValue request;
  request.ns = NamespaceOf(backend, ns);
  request.name = name;
  base::ControlReply reply =
      AskBackend(backend, std::move(request), kControlPatience);
  const auto* const failure = std::get_if<base::Failure>(&reply);
  if (failure != nullptr && failure->code == base::FailureCode::kNoSuchObject) {
    return false;
  }
  Answered<base::PublishedAnswer>(std::move(reply));
  return true;
}

}  // namespace mobula::detail
