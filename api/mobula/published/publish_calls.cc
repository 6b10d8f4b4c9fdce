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

constexpr int kLookupsMax = 5;

std::string NamespaceOf(const runtime::Backend& backend,
                        const std::string& ns) {
  return ns.empty() ? backend.home().ns : ns;
}

void CheckDurable(const base::Value& value) {
  if (value.size() <= base::kDurableBytesMax) return;
  ThrowFailure(base::NotRun(
      base::FailureCode::kTooLarge,
      base::TooLargeToPublish(value.size(), base::kDurableBytesMax)));
}

base::Value ValueOf(base::Outcome outcome) {
  auto* const failure = std::get_if<base::Failure>(&outcome);
  if (failure != nullptr) ThrowFailure(std::move(*failure));
  return std::get<base::Value>(std::move(outcome));
}

// What there is to be published: with its bytes, or where they lie.
base::Value AwaitPublishable(const ObjectPtr& object, bool durable,
                             Timeout timeout) {
  const Deadline deadline(timeout);
  base::Value value = ValueOf(AwaitOutcome(object, deadline.Left()));
  if (!value.refs().empty()) {
    ThrowBadArgument(
        "a value with Refs inside cannot be published: they end with the "
        "processes that own them; publish what they refer to, each under a "
        "name of its own");
  }
  if (!durable) return value;
  CheckDurable(value);
  return AwaitValue(object, deadline.Left());
}

[[noreturn]] void ThrowElsewhere(const base::PublishedRecord& value) {
  ThrowFailure(base::NotRun(
      base::FailureCode::kElsewhere,
      "the value '" + value.name + "' lies in the store of node " +
          value.node.ToString() +
          ", and this version reads values only on their own node: look it up "
          "in a program there, or publish it with "
          "PublishOptions().Durable()"));
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
  const base::Value value =
      AwaitPublishable(object, wanted.durable, deadline.Left());
  base::PublishValue request;
  request.replace = wanted.replace;
  request.value.ns = NamespaceOf(backend, wanted.ns);
  request.value.name = name;
  request.value.type = type;
  request.value.byte_count = value.size();
  request.value.job = backend.home().job;
  if (value.is_stored() && !wanted.durable) {
    request.extent = value.extent();
  } else {
    request.value.value = value.bytes();
  }
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
  for (int lookup = 1;; ++lookup) {
    const base::PublishedRecord value =
        AskControl<base::PublishedAnswer>(backend, find).value;
    if (value.node.IsNil()) return Own(value.value.view());
    if (value.node != backend.home().node) ThrowElsewhere(value);
    ObjectPtr object = HoldObject({value.object, backend.home().raylet});
    base::Outcome outcome = AwaitOutcome(object, kControlPatience);
    // A failure: the name was taken away meanwhile, and maybe given again.
    const bool is_there = std::holds_alternative<base::Value>(outcome);
    if (is_there) return object;
    if (lookup == kLookupsMax) ThrowFailure(std::get<base::Failure>(outcome));
  }
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
